//! What the driver needs of the core: so that a script can stand in for it in the driver's tests.

use b2bua::io::CallKey;
use b2bua::{CallRecord, Input, Now, Output};

pub(crate) trait Brain: Send {
    fn handle(&mut self, now: Now, input: Input);
    /// `Output::Idle` last.
    fn poll(&mut self) -> Output;
    fn remaining(&self) -> Remaining;

    /// The Call-ID of the caller's leg, of that of an agent's.
    fn caller_of(&self, _call_id: &str) -> Option<String> {
        None
    }

    /// The records of two calls at most that are up and whose id begins so.
    fn calls_beginning(&self, _id: &str) -> Vec<CallRecord> {
        Vec::new()
    }

    /// The records of so many calls at most that are up, by id, behind this one.
    fn calls_behind(&self, _after: &str, _limit: usize) -> Vec<CallRecord> {
        Vec::new()
    }

    /// The call that is up and has this id.
    fn call_of(&self, _id: &str) -> Option<CallKey> {
        None
    }
}

/// What a shutdown waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Remaining {
    /// Calls that are up, or whose record is not on disk.
    pub(crate) calls: usize,
    /// Those of them that have not ended.
    pub(crate) seats: usize,
    /// Dialogs, those too whose BYE has no answer.
    pub(crate) dialogs: usize,
}
