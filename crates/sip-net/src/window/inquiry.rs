//! Asking the signalling task for a call.

use b2bua::CallRecord;
use tokio::sync::{mpsc, oneshot};

/// The question for the records of two calls at most whose id begins so.
#[derive(Debug)]
pub struct Inquiry {
    pub(crate) id: String,
    pub(crate) answer: oneshot::Sender<Vec<CallRecord>>,
}

/// Where the calls that are up are asked for. Clones share the way.
#[derive(Clone, Debug)]
pub struct Inquiries(mpsc::Sender<Inquiry>);

/// Both ends of the way; the other one is for [`crate::Window::inquiries`].
pub fn inquiries() -> (Inquiries, mpsc::Receiver<Inquiry>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Inquiries(sender), receiver)
}

impl Inquiries {
    /// The records, as they stand, of two calls at most whose id begins so; none when the signalling task has ended.
    pub async fn calls(&self, id: String) -> Vec<CallRecord> {
        let (answer, answered) = oneshot::channel();
        if self.0.send(Inquiry { id, answer }).await.is_err() {
            return Vec::new();
        }
        answered.await.unwrap_or_default()
    }
}

const WAITING: usize = 16;
