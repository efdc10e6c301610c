//! What other threads send to a worker, and how they wake it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, mpsc};
use std::task::Wake;

use media::agent::{TapEvent, TapInput};
use media::{Command, MediaKey};
use rustix::event::{EventfdFlags, eventfd};

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
    /// End the thread.
    Stop,
}

/// Wakes a worker; once until it has looked, however often it is rung.
#[derive(Debug)]
pub struct Bell {
    /// Its counter is never read: the back ends wait for each write to it, not for its being other than zero.
    events: OwnedFd,
    rung: AtomicBool,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let events = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { events, rung: AtomicBool::new(false) })
    }

    /// After something was sent.
    fn ring(&self) -> io::Result<()> {
        if self.rung.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        rustix::io::write(&self.events, &1_u64.to_ne_bytes())?;
        Ok(())
    }

    fn wake(&self) {
        if let Err(error) = self.ring() {
            tracing::error!(%error, "a media worker can't be woken");
        }
    }

    /// Before the worker looks at what was sent.
    pub(crate) fn hush(&self) {
        // Not a mere store, which the look may overtake: what was sent, by whoever found the bell rung and did not ring it, has to be seen.
        self.rung.swap(false, Ordering::AcqRel);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }
}

/// The sending side of one worker's orders.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    queue: SyncSender<Order>,
    bell: Arc<Bell>,
}

impl Orders {
    pub(crate) fn new(bell: Arc<Bell>) -> (Self, mpsc::Receiver<Order>) {
        let (queue, orders) = mpsc::sync_channel(WAITING);
        (Self { queue, bell }, orders)
    }

    /// Waits while so many orders wait as there is room for: who gives them faster than the worker carries them out is slowed down, and none is
    /// lost. The worker waits for nobody, so that there is room soon, or the worker is gone.
    pub(crate) fn send(&self, order: Order) {
        if self.queue.send(order).is_err() {
            tracing::debug!("an order to a media worker that has stopped");
            return;
        }
        self.bell.wake();
    }
}

/// By which the agent streams of a worker's legs say that there is something in their channels.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    queue: mpsc::Sender<MediaKey>,
    bell: Arc<Bell>,
}

impl Alarm {
    pub(crate) fn new(bell: Arc<Bell>) -> (Self, mpsc::Receiver<MediaKey>) {
        let (queue, woken) = mpsc::channel();
        (Self { queue, bell }, woken)
    }

    /// Never waits: it may be the worker that is told, in the middle of a look into the channel. A leg has one waker, which tells once until
    /// the worker has looked, so that no more wait than there are legs.
    fn send(&self, media: MediaKey) {
        if self.queue.send(media).is_ok() {
            self.bell.wake();
        }
    }
}

/// Told by a tap's input channel when there is something in it.
pub(crate) struct TapWaker {
    pub(crate) media: MediaKey,
    pub(crate) alarm: Alarm,
}

impl Wake for TapWaker {
    fn wake(self: Arc<Self>) {
        self.alarm.send(self.media);
    }
}

/// Orders that wait: four turns' worth.
const WAITING: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::TrySendError;

    use super::*;

    #[test]
    fn who_orders_more_than_there_is_room_for_waits_and_nothing_is_lost() {
        let (orders, taken) = Orders::new(Arc::new(Bell::new().unwrap()));
        let order = |key| Order::Command(Command::Release { media: MediaKey(key) });
        let most = u64::try_from(WAITING).unwrap();
        (0..most).for_each(|key| orders.send(order(key)));
        assert!(matches!(orders.queue.try_send(order(most)), Err(TrySendError::Full(_))));
        let late = std::thread::spawn(move || orders.send(order(most)));
        let keys = taken.iter().map(|order| match order {
            Order::Command(Command::Release { media: MediaKey(key) }) => key,
            Order::Command(_) | Order::Attach { .. } | Order::Stop => panic!("nobody ordered that"),
        });
        assert!(keys.eq(0..=most));
        late.join().unwrap();
    }

    #[test]
    fn a_worker_behind_with_its_orders_can_still_be_told_of_a_stream_by_itself() {
        let bell = Arc::new(Bell::new().unwrap());
        let (alarm, woken) = Alarm::new(bell);
        let legs = 0..u64::try_from(WAITING).unwrap() * 2;
        for key in legs.clone() {
            Arc::new(TapWaker { media: MediaKey(key), alarm: alarm.clone() }).wake();
        }
        assert!(woken.try_iter().eq(legs.map(MediaKey)));
    }
}
