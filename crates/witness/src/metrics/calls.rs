//! Calls, by how they ended: counted from their records.

use std::fmt;

use b2bua::CallRecord;
use b2bua::record::{CallDirection, CallStatus, Word};
use numbers::Refusal;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::closed::{Closed, Named};

/// What became of calls.
#[derive(Debug)]
pub(crate) struct Calls {
    statuses: Closed<2>,
    reasons: Closed<2>,
    seconds: Closed<1>,
}

impl Calls {
    pub(crate) fn new() -> Self {
        let directions = || CallDirection::ALL.iter().map(|direction| direction.word());
        let statuses = directions()
            .flat_map(|direction| CallStatus::ALL.iter().map(move |status| [direction, status.word()]));
        let reasons = directions().flat_map(|direction| reasons().map(move |reason| [direction, reason]));
        Self {
            statuses: Closed::new(
                Named {
                    name: "calls_ended",
                    help: "Calls that ended, by what became of them",
                    labels: ["direction", "status"],
                },
                statuses,
            ),
            reasons: Closed::new(
                Named {
                    name: "calls_ended_by_reason",
                    help: "Calls that ended, by the word of their end, each refusal among them",
                    labels: ["direction", "reason"],
                },
                reasons,
            ),
            seconds: Closed::new(
                Named {
                    name: "call_answered_seconds",
                    help: "Seconds from the answer to the end of calls that ended, each call rounded up",
                    labels: ["direction"],
                },
                directions().map(|direction| [direction]),
            ),
        }
    }

    /// A call that has ended.
    pub(crate) fn ended(&self, record: &CallRecord, status: CallStatus) {
        let direction = record.direction.word();
        self.statuses.add([direction, status.word()], 1);
        let reason = record.reason.as_deref().filter(|reason| self.reasons.knows([direction, reason]));
        self.reasons.add([direction, reason.unwrap_or(OTHER)], 1);
        self.seconds.add([direction], record.billable_s);
    }
}

impl Collector for Calls {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.statuses.encode(&mut encoder)?;
        self.reasons.encode(&mut encoder)?;
        self.seconds.encode(&mut encoder)
    }
}

/// Every word that a record may give as its reason; the last stands for any that is not among them.
fn reasons() -> impl Iterator<Item = &'static str> {
    Refusal::ALL.into_iter().map(Refusal::reason).chain(ENDS).chain([OTHER])
}

const OTHER: &str = "other";

/// The words of ends that are no refusals of ours by rule, as `docs/configuration.md` lists them.
const ENDS: [&str; 28] = [
    "normal",
    "canceled",
    "answered-elsewhere",
    "no-answer",
    "agent-busy",
    "agent-declined",
    "agent-gone",
    "caller-gone",
    "callee-busy",
    "callee-declined",
    "callee-gone",
    "callee-unknown",
    "prack-missing",
    "ack-missing",
    "session-expired",
    "media-silent",
    "media-failed",
    "max-duration",
    "hangup",
    "shutdown",
    "bad-request",
    "unsupported-body",
    "unsupported-uri",
    "unsupported-extension",
    "unsupported-version",
    "loop-detected",
    "too-many-hops",
    "message-too-large",
];
