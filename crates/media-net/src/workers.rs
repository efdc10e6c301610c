//! The threads, and the way to them.

use std::fmt;
use std::io;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use media::agent::{TapEvent, TapInput};
use media::command::WorkerId;
use media::{Command, Event, MediaKey, ThreadCounts};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::watch;

use crate::backend::Backend;
use crate::bell::{Bell, Order, Orders};
use crate::epoll::Epoll;
use crate::keeper;
use crate::outlet::Outlet;
use crate::ports::Dscp;
use crate::sockets::Sockets;
use crate::uring::Uring;
use crate::worker::{Outfit, Worker};

/// What the workers of a node are to be like.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many threads.
    pub count: u16,
    /// Their SSRCs come from it.
    pub seed: u64,
    /// How they reach their sockets.
    pub backend: Backend,
    /// How their packets are marked.
    pub dscp: Dscp,
    /// Where they count what belongs to no leg.
    pub counts: Arc<ThreadCounts>,
}

/// The media workers of a node. Dropping them ends the threads without waiting for it.
#[derive(Debug)]
pub struct Workers {
    workers: Vec<Thread>,
    failed: watch::Receiver<Option<WorkerFailed>>,
}

/// A thread that ended without having been told to, as it failed again and again: its calls have no media any more, and none will.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerFailed {
    /// Whose thread it was.
    pub worker: WorkerId,
    /// What ended it, in words.
    pub why: String,
}

impl fmt::Display for WorkerFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the packet thread media-{} ended: {}", self.worker.0, self.why)
    }
}

impl std::error::Error for WorkerFailed {}

#[derive(Debug)]
struct Thread {
    orders: Orders,
    handle: Option<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads, named `media-0` and so on. What they tell goes to `events`.
    ///
    /// # Errors
    /// The system gives no thread, or not what the back end takes.
    pub fn start(plan: &Plan, events: &Sender<Event>) -> io::Result<Self> {
        match plan.backend {
            Backend::Epoll => Self::start_on::<Epoll>(plan, events),
            Backend::IoUring => Self::start_on::<Uring>(plan, events),
        }
    }

    /// As `start`, on sockets of any kind, whatever the plan says of them: as a test wants that has a thread fail.
    ///
    /// # Errors
    /// As `start` has them.
    pub fn start_on<S: Sockets>(plan: &Plan, events: &Sender<Event>) -> io::Result<Self> {
        let (told, failed) = watch::channel(None);
        let workers = (0..plan.count)
            .map(|number| Thread::start::<S>(number, plan, events.clone(), told.clone()))
            .collect::<io::Result<_>>()?;
        Ok(Self { workers, failed })
    }

    /// Waits for a thread to end that was not told to; for ever, if that never happens. May be waited for after the
    /// workers were handed on.
    pub fn failed(&self) -> impl Future<Output = WorkerFailed> + Send + use<> {
        let mut failed = self.failed.clone();
        async move {
            let told = failed.wait_for(Option::is_some).await.ok().and_then(|told| told.clone());
            match told {
                Some(told) => told,
                // All threads have ended as they were told to.
                None => std::future::pending().await,
            }
        }
    }

    /// Hands a command to a worker, after all handed to it before. Waits only while the worker is a thousand orders behind.
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
    fn start<S: Sockets>(
        number: u16,
        plan: &Plan,
        events: Sender<Event>,
        told: watch::Sender<Option<WorkerFailed>>,
    ) -> io::Result<Self> {
        let bell = Arc::new(Bell::new()?);
        let (orders, received) = Orders::new(Arc::clone(&bell));
        let outfit = Outfit {
            // Workers of one seed must differ: spread their numbers over all bits.
            seed: plan.seed ^ u64::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            outlet: Outlet::new(events),
            bell,
            orders: received,
            dscp: plan.dscp,
            counts: Arc::clone(&plan.counts),
        };
        let (opened, opens) = mpsc::sync_channel(1);
        let counts = Arc::clone(&plan.counts);
        // The sockets of some back ends belong to the thread that opens them.
        let run = move || match Worker::<S>::new(outfit) {
            Ok(mut worker) => {
                opened.send(Ok(())).ok();
                watched(WorkerId(number), told, || keeper::keep(WorkerId(number), &mut worker, &counts));
            }
            Err(error) => {
                opened.send(Err(error)).ok();
            }
        };
        let handle = std::thread::Builder::new().name(format!("media-{number}")).spawn(run)?;
        opens.recv().map_err(|_| io::Error::other("it ended at once"))??;
        Ok(Self { orders, handle: Some(handle) })
    }
}

/// Runs a worker, and tells if it is given up, or panics where that is not caught: the first of all workers is enough.
fn watched(
    worker: WorkerId,
    told: watch::Sender<Option<WorkerFailed>>,
    run: impl FnOnce() -> Result<(), String>,
) {
    let mut witness = Witness { worker, told, why: None };
    witness.why = run().err();
}

/// Dropped at the end of its thread, also by a panic, whose words the panic hook has written.
struct Witness {
    worker: WorkerId,
    told: watch::Sender<Option<WorkerFailed>>,
    why: Option<String>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        let panicked = || std::thread::panicking().then(|| "it panicked".to_owned());
        let Some(why) = self.why.take().or_else(panicked) else { return };
        self.told.send_if_modified(|failed| {
            let first = failed.is_none();
            failed.get_or_insert(WorkerFailed { worker: self.worker, why });
            first
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a thread that does this.
    fn end_of(run: impl FnOnce() -> Result<(), String> + Send + 'static) -> Option<WorkerFailed> {
        let (told, failed) = watch::channel(None);
        let thread = std::thread::spawn(move || watched(WorkerId(3), told, run));
        drop(thread.join());
        failed.borrow().clone()
    }

    #[test]
    fn a_thread_that_fails_or_panics_is_told_and_one_that_was_stopped_is_not() {
        assert_eq!(end_of(|| Ok(())), None);
        let failed = end_of(|| Err("epoll is gone".to_owned())).unwrap();
        assert_eq!(failed.to_string(), "the packet thread media-3 ended: epoll is gone");
        let panicked = end_of(|| panic!("a test's own")).unwrap();
        assert_eq!(panicked.to_string(), "the packet thread media-3 ended: it panicked");
    }

    #[tokio::test]
    async fn who_waits_hears_of_the_first_failure_after_the_workers_are_handed_on() {
        let (told, failed) = watch::channel(None);
        let workers = Workers { workers: Vec::new(), failed };
        let waiting = workers.failed();
        drop(workers);
        for why in ["first", "second"] {
            watched(WorkerId(0), told.clone(), || Err(why.to_owned()));
        }
        assert_eq!(waiting.await.why, "first");
    }
}
