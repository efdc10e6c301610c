//! Who asked the core for something by a command, and waits for its answer.

use std::collections::BTreeMap;

use b2bua::CallRecord;
use b2bua::ask::{Answer, Asker, Dialled};
use tokio::sync::oneshot;

/// Bounded by the inquiries: the core answers each in the turn in which it is asked.
#[derive(Debug, Default)]
pub(crate) struct Askers {
    last: u64,
    waiting: BTreeMap<Asker, Waiting>,
}

#[derive(Debug)]
pub(crate) enum Waiting {
    Placed(oneshot::Sender<Option<CallRecord>>),
    Dialled(oneshot::Sender<Option<Dialled>>),
}

impl Askers {
    /// The name by which it is answered.
    pub(crate) fn wait(&mut self, waiting: Waiting) -> Asker {
        self.last += 1;
        let asker = Asker(self.last);
        self.waiting.insert(asker, waiting);
        asker
    }

    /// Hands the answer on. Who asked may have gone.
    pub(crate) fn tell(&mut self, asker: Asker, answer: Answer) {
        match (self.waiting.remove(&asker), answer) {
            (Some(Waiting::Placed(waiting)), Answer::Placed(record)) => {
                waiting.send(Some(*record)).ok();
            }
            (Some(Waiting::Dialled(waiting)), Answer::Dialled(dialled)) => {
                waiting.send(Some(dialled)).ok();
            }
            (
                Some(Waiting::Placed(_) | Waiting::Dialled(_)) | None,
                Answer::Placed(_) | Answer::Dialled(_),
            ) => {}
        }
    }
}
