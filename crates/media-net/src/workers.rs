//! The threads, and the way to them.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use media::agent::{TapEvent, TapInput};
use media::command::WorkerId;
use media::{Command, Event, MediaKey};
use tokio::sync::mpsc::{Receiver, Sender};

use crate::bell::{Bell, Order, Orders};
use crate::epoll::Epoll;
use crate::outlet::Outlet;
use crate::worker::Worker;

/// The media workers of a node. Dropping them ends the threads without waiting for it.
#[derive(Debug)]
pub struct Workers {
    workers: Vec<Thread>,
}

#[derive(Debug)]
struct Thread {
    orders: Orders,
    handle: Option<JoinHandle<()>>,
}

impl Workers {
    /// Starts `count` threads, named `media-0` and so on. Their SSRCs come from `seed`; what they tell goes to `events`.
    ///
    /// # Errors
    /// The system gives no thread or no epoll instance.
    pub fn start(count: u16, seed: u64, events: &Sender<Event>) -> io::Result<Self> {
        let workers = (0..count)
            .map(|number| Thread::start(number, seed, events.clone()))
            .collect::<io::Result<_>>()?;
        Ok(Self { workers })
    }

    /// Hands a command to a worker, after all handed to it before. Never waits.
    pub fn command(&self, worker: WorkerId, command: Command) {
        self.order(worker, Order::Command(command));
    }

    /// Gives a leg that is bound the channels of its agent stream. What the stream sends is taken while the leg is tapped;
    /// before, it waits in `inputs`. Both ends are dropped when the leg is released, at once if there is no such leg.
    pub fn attach(
        &self,
        worker: WorkerId,
        media: MediaKey,
        events: Sender<TapEvent>,
        inputs: Receiver<TapInput>,
    ) {
        self.order(worker, Order::Attach { media, events, inputs });
    }

    /// Ends the threads, and waits for it: a matter of one turn. Ports that are open are closed without a word.
    pub fn stop(mut self) {
        for thread in &self.workers {
            thread.orders.send(Order::Stop);
        }
        for thread in &mut self.workers {
            if thread.handle.take().is_some_and(|handle| handle.join().is_err()) {
                tracing::error!("a media worker panicked");
            }
        }
    }

    fn order(&self, worker: WorkerId, order: Order) {
        if let Some(thread) = self.workers.get(usize::from(worker.0)) {
            thread.orders.send(order);
        } else {
            tracing::error!(worker = worker.0, "there is no such media worker");
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for thread in &self.workers {
            if thread.handle.is_some() {
                thread.orders.send(Order::Stop);
            }
        }
    }
}

impl Thread {
    fn start(number: u16, seed: u64, events: Sender<Event>) -> io::Result<Self> {
        let (sockets, waker) = Epoll::new()?;
        let bell = Arc::new(Bell::new(waker));
        let (orders, received) = Orders::new(Arc::clone(&bell));
        // Workers of one seed must differ: spread their numbers over all bits.
        let seed = seed ^ u64::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut worker = Worker::new(seed, sockets, Outlet::new(events), bell, orders.clone(), received);
        let run = move || {
            if let Err(error) = worker.run() {
                tracing::error!(%error, "a media worker has ended");
            }
        };
        let handle = std::thread::Builder::new().name(format!("media-{number}")).spawn(run)?;
        Ok(Self { orders, handle: Some(handle) })
    }
}
