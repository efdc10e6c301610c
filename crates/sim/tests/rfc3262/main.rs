//! Reliable provisional responses (RFC 3262) across the bridge, in both roles, and the offers and answers in them (RFC 3262 s.5, RFC 6337 s.2.2), with the
//! UPDATEs before the answer that they make possible (RFC 3311 s.5).
//!
//! | section | here |
//! |---|---|
//! | 3 UAS | reliable where the caller insists, or the agent was reliable and the caller supports it; repetition; the 2xx waits for the PRACK to a description; 504 without one |
//! | 4 UAC | each of the agent's is acknowledged, whatever the caller supports; one that comes again is not passed on again |
//! | 5 offer and answer | the answer in a 183; the offer in a 183 and the answer in its PRACK; an offer in a PRACK; UPDATE from either side |

#![cfg(test)]

mod offers;
mod responses;

use std::time::Duration;

use phone::{Invite, Ring, Step};
use sim::cast::{CALLER, DESK, US, description};
use sim::{Loss, World};

pub(crate) const NOW: Duration = Duration::ZERO;
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// An INVITE that says this of 100rel.
pub(crate) fn invite(number: &str, header: &str) -> Step {
    let to = Invite::to(format!("sip:{number}@{US}")).offer(description(CALLER));
    Step::Invite(to.header(header, "100rel"))
}

/// The same without an offer.
pub(crate) fn invite_without_offer(number: &str, header: &str) -> Step {
    Step::Invite(Invite::to(format!("sip:{number}@{US}")).header(header, "100rel"))
}

pub(crate) fn prack() -> [Step; 2] {
    [Step::Prack { sdp: None }, Step::ExpectPracked(200)]
}

/// The first of ours with that label does not arrive.
pub(crate) fn lost(to: &str, label: &str) -> Loss {
    Loss { from: "us".to_owned(), to: to.to_owned(), label: label.to_owned(), times: 1 }
}

/// From the answer on.
pub(crate) fn talk() -> [Step; 4] {
    [Step::Expect(200), Step::Ack { sdp: None }, Step::Wait(SECOND), Step::Bye]
}

pub(crate) fn script(steps: impl IntoIterator<Item = Vec<Step>>) -> Vec<Step> {
    steps.into_iter().flatten().collect()
}

pub(crate) fn answer() -> Step {
    Step::Answer { sdp: Some(description(DESK)) }
}

/// An agent that lets itself be heard reliably.
pub(crate) fn heard_reliably(then: impl IntoIterator<Item = Step>) -> Vec<Step> {
    let progress = Ring::status(183).sdp(description(DESK));
    let mut script = vec![Step::ExpectInvite, Step::RingReliably(progress), Step::ExpectPrack];
    script.extend(then);
    script
}

/// Where audio was said to be received, in order, without repetitions.
pub(crate) fn receives_at(world: &World) -> Vec<String> {
    let mut places = Vec::new();
    for command in world.media() {
        if let media::Command::Describe { remote, .. } = command {
            places.push(remote.rtp.ip().to_string());
        }
    }
    places.dedup();
    places
}
