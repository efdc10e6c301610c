//! Asking the signalling task for calls, and telling it to start one, to end one, to send digits.

use b2bua::CallRecord;
use b2bua::ask::{Dialled, Digits, Place};
use tokio::sync::{mpsc, oneshot};

/// What is asked of the signalling task, and where the answer goes.
#[derive(Debug)]
pub struct Inquiry(pub(crate) Asked);

#[derive(Debug)]
pub(crate) enum Asked {
    /// The records of two calls at most whose id begins so.
    Beginning { id: String, answer: oneshot::Sender<Vec<CallRecord>> },
    /// The records of so many calls at most that are up, by id, behind this one.
    Page { after: String, limit: usize, answer: oneshot::Sender<Vec<CallRecord>> },
    /// The end of the call of this id; whether there is one.
    Hangup { id: String, answer: oneshot::Sender<bool> },
    /// A call of our own; its record as it stands.
    Place { place: Box<Place>, answer: oneshot::Sender<Option<CallRecord>> },
    /// Digits for the call of this id; what became of them.
    Dial { id: String, digits: Digits, answer: oneshot::Sender<Option<Dialled>> },
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
        self.ask(|answer| Asked::Beginning { id, answer }).await
    }

    /// The records, as they stand, of so many calls at most that are up, by id, behind `after`.
    pub async fn page(&self, after: String, limit: usize) -> Vec<CallRecord> {
        self.ask(|answer| Asked::Page { after, limit, answer }).await
    }

    /// Ends the call of this id, and says whether it was up.
    pub async fn hangup(&self, id: String) -> bool {
        self.ask(|answer| Asked::Hangup { id, answer }).await
    }

    /// Starts a call of our own. Its record as it stands; `None` when the signalling task has ended.
    pub async fn place(&self, place: Place) -> Option<CallRecord> {
        self.ask(|answer| Asked::Place { place: Box::new(place), answer }).await
    }

    /// Sends digits to whoever an agent talks with in the call of this id; `None` when the signalling task has ended.
    pub async fn dial(&self, id: String, digits: Digits) -> Option<Dialled> {
        self.ask(|answer| Asked::Dial { id, digits, answer }).await
    }

    async fn ask<T: Default>(&self, asked: impl FnOnce(oneshot::Sender<T>) -> Asked) -> T {
        let (answer, answered) = oneshot::channel();
        if self.0.send(Inquiry(asked(answer))).await.is_err() {
            return T::default();
        }
        answered.await.unwrap_or_default()
    }
}

const WAITING: usize = 16;
