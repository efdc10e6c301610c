//! What the driver needs of the core: so that a script can stand in for it in the driver's tests.

use b2bua::{Input, Now, Output};

pub(crate) trait Brain: Send {
    fn handle(&mut self, now: Now, input: Input);
    /// `Output::Idle` last.
    fn poll(&mut self) -> Output;
    fn remaining(&self) -> Remaining;
}

/// What a shutdown waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Remaining {
    /// Calls that are up, or whose record is not on disk.
    pub(crate) calls: usize,
    /// Dialogs, those too whose BYE has no answer.
    pub(crate) dialogs: usize,
}
