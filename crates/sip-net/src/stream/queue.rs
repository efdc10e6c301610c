//! What waits to be written on one connection: bounded, and never waited for by the driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

/// The driver's end. When it is dropped, what waits is still written, and then the connection is closed.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    messages: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
}

/// The connection's end.
#[derive(Debug)]
pub(crate) struct Waiting {
    messages: mpsc::Receiver<Bytes>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    octets: AtomicUsize,
    bound: usize,
    cut: Notify,
}

/// Why a message was not taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// The peer takes in less than it asks for.
    Full,
    /// The connection has ended.
    Over,
}

/// A queue for so many octets.
pub(crate) fn queue(bound: usize) -> (Queue, Waiting) {
    let (sender, receiver) = mpsc::channel(MESSAGES);
    let shared = Arc::new(Shared { octets: AtomicUsize::new(0), bound, cut: Notify::new() });
    (Queue { messages: sender, shared: Arc::clone(&shared) }, Waiting { messages: receiver, shared })
}

impl Queue {
    pub(crate) fn push(&self, bytes: Bytes) -> Result<(), Refused> {
        let length = bytes.len();
        let waiting = self.shared.octets.fetch_add(length, Ordering::Relaxed);
        let pushed = if waiting.saturating_add(length) > self.shared.bound {
            Err(Refused::Full)
        } else {
            self.messages.try_send(bytes).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Refused::Full,
                mpsc::error::TrySendError::Closed(_) => Refused::Over,
            })
        };
        if pushed.is_err() {
            self.shared.octets.fetch_sub(length, Ordering::Relaxed);
        }
        pushed
    }

    /// Ends the connection at once, whatever waits.
    pub(crate) fn cut(&self) {
        self.shared.cut.notify_one();
    }
}

impl Waiting {
    /// The next message; `None` when the driver has let go of the connection.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        let bytes = self.messages.recv().await?;
        self.shared.octets.fetch_sub(bytes.len(), Ordering::Relaxed);
        Some(bytes)
    }

    /// When the driver wants the connection gone.
    pub(crate) fn cut(&self) -> impl Future<Output = ()> + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.cut.notified().await }
    }
}

const MESSAGES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn octets_are_bounded_and_those_taken_make_room() {
        let (queue, mut waiting) = queue(10);
        assert_eq!(queue.push(Bytes::from_static(b"123456")), Ok(()));
        assert_eq!(queue.push(Bytes::from_static(b"12345")), Err(Refused::Full));
        assert_eq!(queue.push(Bytes::from_static(b"1234")), Ok(()));
        assert_eq!(waiting.next().await.unwrap(), "123456");
        assert_eq!(queue.push(Bytes::from_static(b"12345")), Ok(()));
        drop(waiting);
        assert_eq!(queue.push(Bytes::new()), Err(Refused::Over));
    }

    #[tokio::test]
    async fn what_waits_is_there_after_the_driver_let_go() {
        let (queue, mut waiting) = queue(10);
        queue.push(Bytes::from_static(b"1")).unwrap();
        drop(queue);
        assert_eq!(waiting.next().await.unwrap(), "1");
        assert_eq!(waiting.next().await, None);
    }
}
