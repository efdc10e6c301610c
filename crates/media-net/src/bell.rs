//! What other threads send to a worker, and how they wake it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, mpsc};
use std::task::Wake;

use media::agent::{TapEvent, TapInput};
use media::{Command, MediaKey};

/// One thing to do, in the order sent.
#[derive(Debug)]
pub(crate) enum Order {
    /// From the call logic.
    Command(Command),
    /// The channels of a leg's agent stream.
    Attach {
        media: MediaKey,
        events: tokio::sync::mpsc::Sender<TapEvent>,
        inputs: tokio::sync::mpsc::Receiver<TapInput>,
    },
    /// The agent stream of a leg has put something into its channel.
    Ready(MediaKey),
    /// End the thread.
    Stop,
}

/// Wakes a worker; once until it has looked, however often it is rung.
#[derive(Debug)]
pub(crate) struct Bell {
    waker: mio::Waker,
    rung: AtomicBool,
}

impl Bell {
    pub(crate) fn new(waker: mio::Waker) -> Self {
        Self { waker, rung: AtomicBool::new(false) }
    }

    /// After something was sent.
    fn ring(&self) -> io::Result<()> {
        if self.rung.swap(true, Ordering::AcqRel) { Ok(()) } else { self.waker.wake() }
    }

    /// Before the worker looks at what was sent.
    pub(crate) fn hush(&self) {
        self.rung.store(false, Ordering::Release);
    }
}

/// The sending side of one worker's orders.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    queue: Sender<Order>,
    bell: Arc<Bell>,
}

impl Orders {
    pub(crate) fn new(bell: Arc<Bell>) -> (Self, mpsc::Receiver<Order>) {
        let (queue, orders) = mpsc::channel();
        (Self { queue, bell }, orders)
    }

    pub(crate) fn send(&self, order: Order) {
        if self.queue.send(order).is_err() {
            tracing::debug!("an order to a media worker that has stopped");
            return;
        }
        if let Err(error) = self.bell.ring() {
            tracing::error!(%error, "a media worker can't be woken");
        }
    }
}

/// Told by a tap's input channel when there is something in it.
pub(crate) struct TapWaker {
    pub(crate) media: MediaKey,
    pub(crate) orders: Orders,
}

impl Wake for TapWaker {
    fn wake(self: Arc<Self>) {
        self.orders.send(Order::Ready(self.media));
    }
}
