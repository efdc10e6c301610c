//! The core as the driver's brain, and the door to it all.

use b2bua::{Core, Input, Now, Output};
use tokio::sync::mpsc;

use crate::brain::{Brain, Remaining};
use crate::driver::{Ending, Outlets, drive};
use crate::listener::Listener;

/// Runs the core until it is shut down: after `Command::Shutdown` it returns once no call is left, and the BYEs have their
/// answers or had two seconds for them.
pub async fn run(
    core: Core,
    listeners: Vec<Listener>,
    inputs: mpsc::Receiver<Input>,
    outlets: impl Outlets,
) -> Ending {
    drive(core, listeners, inputs, outlets).await
}

impl Brain for Core {
    fn handle(&mut self, now: Now, input: Input) {
        Core::handle(self, now, input);
    }

    fn poll(&mut self) -> Output {
        Core::poll(self)
    }

    fn remaining(&self) -> Remaining {
        let census = self.census();
        Remaining { calls: census.calls, dialogs: census.sip.dialogs }
    }
}
