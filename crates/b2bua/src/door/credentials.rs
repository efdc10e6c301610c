//! Who sends an INVITE, or asks whether it could, by its credentials where it has some to show (RFC 3261 s.22).
//!
//! Somebody who has a user name is known by it, and by its address where it has one too. An unknown source is challenged as long as
//! somebody is known by a password alone; what it is told is the same whether it has a name wrong or a password.

use numbers::{Account, Directory, Password, Principal};
use sip::digest::{Authenticated, Gate, Ha1, Rejected};
use sip::{Flow, Message, Method, Transport};

use super::{Door, Knock, strange};
use crate::desk::Desk;
use crate::fate::Fate;
use crate::identify::{Peer, identify, speaks};
use crate::io::{Notice, Now, Output};

/// Who sends a request.
pub(crate) enum Who {
    Known(Peer),
    /// Known by its credentials only: the endpoint took it for a stranger.
    Proven(Peer),
    Unknown,
    /// It may prove to be known by its answer to these.
    Asked(Vec<String>),
    /// The same, but so many are asked that it is not.
    Unasked,
    /// Its credentials get no other chance.
    Refused(Fate),
}

/// Who sends an INVITE.
pub(super) enum Sender {
    Known(Peer),
    /// Known by its credentials only: the endpoint took it for a stranger.
    Proven(Peer),
    Unknown,
    /// It has its challenge, and may come again.
    Challenged,
    /// Its credentials get no other chance.
    Refused(Fate),
}

impl Door {
    pub(super) fn sender(&mut self, desk: &mut Desk, now: Now, knock: &Knock) -> Sender {
        let Knock { dialog, request, flow } = knock;
        match self.who(desk, now, request, *flow) {
            Who::Known(peer) => Sender::Known(peer),
            Who::Proven(peer) => Sender::Proven(peer),
            Who::Unknown => Sender::Unknown,
            Who::Asked(challenges) => {
                desk.challenge(now, *dialog, challenges);
                Sender::Challenged
            }
            Who::Unasked => {
                self.unrecorded += 1;
                desk.refuse(now, *dialog, &Fate::Ignored);
                Sender::Challenged
            }
            Who::Refused(fate) => Sender::Refused(fate),
        }
    }

    /// Who sends a request that begins no call, or one. What it is told of that is left to be said.
    pub(crate) fn who(&mut self, desk: &mut Desk, now: Now, request: &Message, flow: Flow) -> Who {
        let owner = identify(&desk.directory, flow.transport, flow.remote.ip());
        match &owner {
            Some(peer) if peer.account().is_none() => return Who::Known(peer.clone()),
            None if !desk.directory.has_roaming() => return Who::Unknown,
            Some(_) | None => {}
        }
        let rejected = match prove(&mut self.gate, &desk.directory, now, request, flow) {
            Ok(peer) if owner.is_some() => return Who::Known(peer),
            Ok(peer) => return Who::Proven(peer),
            Err(rejected) => rejected,
        };
        match rejected {
            Rejected::Missing | Rejected::Stale => {}
            Rejected::Wrong
            | Rejected::Replayed
            | Rejected::TooManyGuesses { .. }
            | Rejected::Malformed(_) => {
                desk.put(Output::Notice(Notice::CredentialsRefused {
                    source: flow.remote,
                    method: request.method().to_string(),
                    error: rejected.to_string(),
                }));
            }
        }
        match (rejected.challenge(), &rejected) {
            (Some(_), _) if owner.is_none() && !self.may_challenge(now, request, flow.transport) => {
                Who::Unasked
            }
            (Some(stale), _) => Who::Asked(self.gate.challenge(now.instant, flow.remote.ip(), stale)),
            (None, Rejected::Malformed(fault)) => Who::Refused(Fate::Unfit(400, (*fault).to_owned())),
            (None, _) if owner.is_some() => {
                Who::Refused(Fate::Denied(numbers::Refusal::SourceUnknown, rejected.to_string(), None))
            }
            (None, _) => Who::Refused(strange(desk)),
        }
    }

    /// Whether a stranger is asked who it is. Where its address can't be forged nobody else hears of it, and a flood of forged ones
    /// keeps it out of nothing.
    fn may_challenge(&mut self, now: Now, request: &Message, transport: Transport) -> bool {
        match transport {
            // Whoever looks for SIP servers asks by OPTIONS, and keeps no call out by that.
            Transport::Udp if *request.method() == Method::Options => {
                self.options_challenges.take(now.instant, OPTIONS_CHALLENGES_PER_SECOND)
            }
            Transport::Udp => self.challenges.take(now.instant, CHALLENGES_PER_SECOND),
            Transport::Tcp | Transport::Tls | Transport::Ws => true,
        }
    }
}

/// Whose credentials they are.
fn prove(
    gate: &mut Gate,
    directory: &Directory,
    now: Now,
    request: &Message,
    flow: Flow,
) -> Result<Peer, Rejected> {
    let realm = gate.realm().to_owned();
    let peer = |username: &str| {
        let principal = directory.principal(username).filter(|principal| may_come(principal, flow))?;
        Some((peer_of(principal), principal.account()?))
    };
    let find = |username: &str| {
        let (_, account) = peer(username)?;
        ha1(account, &realm)
    };
    let Authenticated { username } = gate.check(now.instant, request, flow.remote.ip(), find)?;
    peer(&username).map(|(peer, _)| peer).ok_or(Rejected::Wrong)
}

/// What is known of its password in this realm: nothing if what is kept of it is for another.
fn ha1(account: Account<'_>, realm: &str) -> Option<Ha1> {
    match account.password {
        Password::Given(secret) => Some(Ha1::of(account.username, realm, secret.reveal())),
        Password::Kept(kept) => {
            (kept.realm == realm).then_some(Ha1 { md5: kept.md5.0, sha256: kept.sha256.0 })
        }
    }
}

/// Whether it may come from there, by that transport.
fn may_come(principal: &Principal, flow: Flow) -> bool {
    let by_transport = match principal {
        Principal::Trunk(trunk) => speaks(trunk, flow.transport),
        Principal::Agent(_) => true,
    };
    by_transport && principal.may_come_from(flow.remote.ip())
}

fn peer_of(principal: &Principal) -> Peer {
    match principal {
        Principal::Trunk(trunk) => Peer::Trunk(trunk.clone()),
        Principal::Agent(agent) => Peer::Agent(agent.clone()),
    }
}

/// To INVITEs of unknown sources by UDP: whoever forges addresses has us send no more than that.
const CHALLENGES_PER_SECOND: u32 = 200;
/// The same to their OPTIONS.
const OPTIONS_CHALLENGES_PER_SECOND: u32 = 50;
