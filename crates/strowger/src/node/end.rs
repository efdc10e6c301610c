//! The end of a node: what brings it about, the calls that may end by themselves, and those that are ended.

use std::time::Duration;

use admin::{Drain, Phase};
use b2bua::io::{Command, Input};
use sip_net::Ending;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use tracing::{error, info, warn};

use super::Node;
use crate::failure::Failure;

/// What a node that runs can be woken by.
#[derive(Debug)]
pub(crate) enum Woken {
    /// The API asks that it drain.
    Drain(Drain),
    /// A part has ended, which none does of itself.
    Failed(Failure),
}

impl Node {
    /// Waits for either.
    pub(crate) async fn woken(&mut self) -> Woken {
        Woken::Failed(tokio::select! {
            // In the order in which one's end brings that of the others.
            biased;
            ended = &mut self.signalling => signalling(ended),
            failed = &mut self.workers_failed => Failure::Worker(failed),
            ended = &mut self.recorder => Failure::Recorder(words(ended)),
            ended = end_of(&mut self.sharing) => Failure::Sharing(words(ended)),
            never = self.observers.tell_of_ends() => match never {},
            Some(ended) = self.carriers.join_next() => Failure::Carrier(words(ended)),
            Some(drain) = self.drains.recv() => return Woken::Drain(drain),
        })
    }

    /// Takes no further calls, and waits until the last of those that are up has ended by itself. `within` is for the log: whoever
    /// calls this waits no longer.
    ///
    /// # Errors
    /// A part that carries them has ended.
    pub(crate) async fn drain(&mut self, within: Duration) -> Result<(), Failure> {
        self.seen.health.enter(Phase::Draining);
        let (calls, within_s) = (self.seen.metrics.signalling().gauges().calls, within.as_secs());
        if within_s > 0 && calls > 0 {
            let words = "draining: no further calls are taken; a second signal ends those that are up";
            info!(calls, within_s, "{words}");
        }
        // If nobody hears it, the signalling task has ended, as is told below.
        self.inputs.send(Input::Command(Command::Drain)).await.ok();
        tokio::select! {
            biased;
            ended = &mut self.signalling => match ended {
                Ok(Ending::ShutDown) => Ok(()),
                Ok(Ending::Abandoned) | Err(_) => Err(signalling(ended)),
            },
            failed = &mut self.workers_failed => Err(Failure::Worker(failed)),
            never = self.observers.tell_of_ends() => match never {},
        }
    }

    /// Ends the calls that are left, and returns once all records are written, or have had their time. A part that has ended is
    /// passed over.
    pub(crate) async fn stop(mut self) {
        if !self.signalling.is_finished() {
            // One that ends meanwhile wants to hear of nothing.
            self.inputs.send(Input::Command(Command::Shutdown)).await.ok();
        }
        if !self.signalling.is_finished() && timeout(CALLS_END, &mut self.signalling).await.is_err() {
            error!(after_s = CALLS_END.as_secs(), "calls are still up: they are cut off");
            // Ends the core with the wiring: the recorder writes what it has.
            self.signalling.abort();
        }
        self.streams.close_all();
        if !self.recorder.is_finished() {
            match timeout(RECORDS_WRITTEN, &mut self.recorder).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => error!(%error, "the recorder has failed: call records may be lost"),
                Err(_) => error!("call records could not be written before the end"),
            }
        }
        if let Some(sharing) = self.sharing.filter(|sharing| !sharing.is_finished()) {
            match timeout(OTHERS_TOLD, sharing).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => error!(%error, "what tells other daemons of our calls has failed"),
                Err(_) => {
                    warn!(
                        "other daemons could not be told that our calls are over: they count them for 10 s"
                    );
                }
            }
        }
        if timeout(STREAMS_CLOSED, self.streams.idle()).await.is_err() {
            warn!("agent streams did not close in time");
        }
    }
}

fn signalling(ended: Result<Ending, JoinError>) -> Failure {
    Failure::Signalling(ended.map_or_else(|error| error.to_string(), |ending| format!("{ending:?}")))
}

/// Never, if there is none.
async fn end_of(task: &mut Option<JoinHandle<()>>) -> Result<(), JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

/// Of a task that was to run for as long as the node.
fn words(ended: Result<(), JoinError>) -> String {
    ended.map_or_else(|error| error.to_string(), |()| "it had nothing more to do".to_owned())
}

const CALLS_END: Duration = Duration::from_secs(10);
const RECORDS_WRITTEN: Duration = Duration::from_secs(10);
const OTHERS_TOLD: Duration = Duration::from_secs(3);
const STREAMS_CLOSED: Duration = Duration::from_secs(3);

/// A stop takes no longer than that.
pub(crate) const LONGEST_STOP: Duration =
    CALLS_END.saturating_add(RECORDS_WRITTEN).saturating_add(OTHERS_TOLD).saturating_add(STREAMS_CLOSED);
