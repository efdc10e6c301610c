//! The core as the driver's brain, and the door to it all.

use std::sync::Arc;

use b2bua::io::CallKey;
use b2bua::{CallRecord, Core, Input, Now, Output};
use numbers::Directory;
use sip_resolve::NameServers;
use tokio::sync::mpsc;

use crate::brain::{Brain, Remaining};
use crate::driver::{Ending, Outlets, drive};
use crate::listener::Listener;
use crate::stream::StreamLimits;
use crate::window::Window;

/// What [`run`] listens on.
#[derive(Debug, Default)]
pub struct Sockets {
    /// The bound sockets, of all transports.
    pub listeners: Vec<Listener>,
    /// What peers may take of us on those that are streams.
    pub limits: StreamLimits,
    /// Who is asked where SIP agents are whose hosts are names.
    pub name_servers: NameServers,
    /// Who is no stranger, to begin with; `Input::Directory` brings another.
    pub directory: Arc<Directory>,
}

impl From<Vec<Listener>> for Sockets {
    fn from(listeners: Vec<Listener>) -> Self {
        Self { listeners, ..Self::default() }
    }
}

/// Runs the core until it is shut down: after `Command::Shutdown` it returns once no call is left, and the BYEs have their
/// answers or had two seconds for them. After `Command::Drain` it shuts down of itself, once the last call has ended. Whoever
/// wants to see what happens looks through the window.
pub async fn run(
    core: Core,
    sockets: impl Into<Sockets>,
    window: Window,
    inputs: mpsc::Receiver<Input>,
    outlets: impl Outlets,
) -> Ending {
    drive(core, sockets.into(), window, inputs, outlets).await
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
        Remaining { calls: census.calls, seats: census.seats, dialogs: census.sip.dialogs }
    }

    fn caller_of(&self, call_id: &str) -> Option<String> {
        Core::caller_of(self, call_id).map(str::to_owned)
    }

    fn calls_beginning(&self, id: &str) -> Vec<CallRecord> {
        Core::calls_beginning(self, id).take(2).map(|call| call.record.clone()).collect()
    }

    fn calls_behind(&self, after: &str, limit: usize) -> Vec<CallRecord> {
        Core::calls_behind(self, after).take(limit).map(|call| call.record.clone()).collect()
    }

    fn call_of(&self, id: &str) -> Option<CallKey> {
        self.call(id).map(|call| call.key)
    }
}
