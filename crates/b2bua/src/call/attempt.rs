//! One attempt to reach one agent or gateway: a stream that opens, or a SIP peer that is resolved, offered and rung.

use std::time::Instant;

use media::agent::AgentKey;
use numbers::{Endpoint, Refusal};
use sdp::{Codec, Direction};
use sip::endpoint::Failure;
use sip::locate::Setback;
use sip::{Message, StatusCode};

use super::Facts;
use super::early::Offered;
use super::event::{Closed, PairEvent, StreamEvent};
use super::hops::{Hops, setback};
use super::plan::{Callee, Plan};
use super::reach::{Bot, bind, found, invite, no_port, open, resolve};
use super::target::Target;
use crate::desk::Desk;
use crate::fate::{Fate, Phase, Side};
use crate::io::{Now, Output, Ticket, Verdict};
use crate::leg::{CalleeLeg, Pair};
use crate::refusal;

/// How far it is reached.
#[derive(Debug)]
pub(super) enum Attempt {
    /// Its WebSocket is being opened.
    Stream { agent: AgentKey, caller: Pair, give_up_at: Instant },
    /// Its host is being resolved.
    Resolving { ticket: Ticket, target: Target, give_up_at: Instant },
    /// The port pair of its leg is being bound.
    Binding { pair: Pair, hops: Hops, tries_left: u8, give_up_at: Instant },
    /// It has our INVITE. At `move_on_at` its next server gets one, if this one has said nothing by then.
    Inviting { leg: Box<Offered>, hops: Hops, give_up_at: Instant, move_on_at: Option<Instant> },
}

/// What an attempt has to know of the call that it is made for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quest<'a> {
    pub(super) plan: &'a Plan,
    /// The leg of the call that it is for.
    pub(super) side: Side,
    /// The other leg, where there is one: what a stream listens to.
    pub(super) other: Option<Pair>,
    /// The codec of the other leg: it comes first in our offer.
    pub(super) codec: Option<Codec>,
    /// What the other leg is open to.
    pub(super) direction: Direction,
    /// When the call is given up.
    pub(super) ring_by: Instant,
}

/// How our INVITE failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rejection<'a> {
    pub(super) status: StatusCode,
    pub(super) response: Option<&'a Message>,
    pub(super) failure: Failure,
    /// The values of Reason in the response.
    pub(super) given: &'a [String],
}

/// Where an attempt leads.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nowhere yet.
    Waiting(Attempt),
    /// It is answered.
    Ready(CalleeLeg),
    /// To the next agent or gateway; why, in words.
    Failed(String),
    /// To the next gateway that gets another offer, for this one can't take its own; in words.
    Unsuited(String),
    /// To the next agent, for what this one says can't be used.
    Unusable(Fate),
    /// To the end: whoever is called spoke for itself, and no other is asked.
    Final(Fate),
}

impl Attempt {
    /// Starts to reach the plan's agent or gateway.
    pub(super) fn begin(quest: Quest<'_>, facts: &mut Facts, desk: &mut Desk, now: Now) -> Outcome {
        let target = match quest.plan.callee() {
            Callee::Network(gateways) => Target::of_gateway(gateways, &desk.reach),
            Callee::Agent(agents) => match &agents.current().endpoint {
                Endpoint::Echo => return Outcome::Ready(CalleeLeg::Echo),
                Endpoint::MediaStream { url, headers, parameters } => {
                    let bot = Bot { agent: agents.current(), url, headers, parameters };
                    return open(quest, facts, desk, now, &bot);
                }
                Endpoint::Sip { uri, transport, .. } => Target::of(uri, *transport, &desk.reach),
            },
        };
        match target {
            Ok(target) => match target.literal(&desk.reach) {
                Some(Ok(places)) => found(quest, facts, desk, now, target, places),
                Some(Err(failure)) => Outcome::Failed(failure.to_string()),
                None => resolve(facts, desk, now, target),
            },
            Err(error) => Outcome::Failed(error),
        }
    }

    /// When it has taken too long.
    pub(super) fn deadline(&self) -> Instant {
        match self {
            Self::Stream { give_up_at, .. }
            | Self::Resolving { give_up_at, .. }
            | Self::Binding { give_up_at, .. } => *give_up_at,
            Self::Inviting { give_up_at, move_on_at, .. } => {
                move_on_at.map_or(*give_up_at, |at| at.min(*give_up_at))
            }
        }
    }

    /// Whether the caller hears ringing before the agent says anything: a stream never says that it rings.
    pub(super) fn rings_at_once(&self) -> bool {
        match self {
            Self::Stream { .. } => true,
            Self::Resolving { .. } | Self::Binding { .. } | Self::Inviting { .. } => false,
        }
    }

    /// It rings: from here on only the caller's patience counts.
    pub(super) fn ringing(self, ring_by: Instant) -> Self {
        match self {
            Self::Inviting { leg, hops, .. } => {
                Self::Inviting { leg, hops, give_up_at: ring_by, move_on_at: None }
            }
            other @ (Self::Stream { .. } | Self::Resolving { .. } | Self::Binding { .. }) => other,
        }
    }

    /// Its leg, once it has our INVITE.
    pub(super) fn leg(&mut self) -> Option<&mut Offered> {
        match self {
            Self::Inviting { leg, .. } => Some(leg),
            Self::Stream { .. } | Self::Resolving { .. } | Self::Binding { .. } => None,
        }
    }

    pub(super) fn stream(self, event: StreamEvent) -> Outcome {
        match (self, event) {
            (Self::Stream { agent, .. }, StreamEvent::Opened) => Outcome::Ready(CalleeLeg::Stream(agent)),
            (Self::Stream { .. }, StreamEvent::Failed(error)) => Outcome::Failed(error),
            (Self::Stream { .. }, StreamEvent::Closed(Closed::Orderly)) => {
                Outcome::Failed("the stream closed before it was open".to_owned())
            }
            (Self::Stream { .. }, StreamEvent::Closed(Closed::Broken(reason))) => {
                Outcome::Failed(format!("the stream broke before it was open: {reason}"))
            }
            (other, StreamEvent::Opened | StreamEvent::Failed(_) | StreamEvent::Closed(_)) => {
                Outcome::Waiting(other)
            }
        }
    }

    pub(super) fn resolved(
        self,
        quest: Quest<'_>,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        verdict: Verdict,
    ) -> Outcome {
        match self {
            Self::Resolving { target, .. } => match verdict {
                Verdict::Resolved(places) => found(quest, facts, desk, now, target, places),
                Verdict::Failed(error) => Outcome::Failed(error),
            },
            other @ (Self::Stream { .. } | Self::Binding { .. } | Self::Inviting { .. }) => {
                Outcome::Waiting(other)
            }
        }
    }

    pub(super) fn pair(
        self,
        quest: Quest<'_>,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        event: PairEvent,
    ) -> Outcome {
        match self {
            Self::Binding { pair, hops, tries_left, give_up_at } => match event {
                PairEvent::Bound => invite(quest, facts, desk, now, pair, hops),
                PairEvent::BindFailed(error) => match tries_left.checked_sub(1) {
                    Some(tries_left) => bind(quest, facts, desk, now, hops, tries_left, &error),
                    None => no_port(&error),
                },
                PairEvent::Latched | PairEvent::Silent | PairEvent::Lost | PairEvent::Released(_) => {
                    Outcome::Waiting(Self::Binding { pair, hops, tries_left, give_up_at })
                }
            },
            other @ (Self::Stream { .. } | Self::Resolving { .. } | Self::Inviting { .. }) => {
                Outcome::Waiting(other)
            }
        }
    }

    /// A 2xx came: its answer is taken, or the dialog is ended.
    pub(super) fn answered(self, quest: Quest<'_>, desk: &mut Desk, now: Now, response: &Message) -> Outcome {
        match self {
            Self::Inviting { leg, hops, .. } => {
                hops.works(desk);
                let (dialog, pair) = (leg.dialog, leg.pair);
                desk.acknowledge(now, dialog, None);
                match leg.answered(response) {
                    Ok(leg) => Outcome::Ready(CalleeLeg::Sip(Box::new(leg))),
                    Err(fate) => {
                        desk.bye(now, dialog, &fate);
                        desk.abandon(pair);
                        given_up(quest, fate)
                    }
                }
            }
            other @ (Self::Stream { .. } | Self::Resolving { .. } | Self::Binding { .. }) => {
                Outcome::Waiting(other)
            }
        }
    }

    /// A final response above 299, or none, came. Another server of the agent is tried only where this one did not work
    /// (RFC 3263 s.4.3), another agent where this one did not decide for itself.
    pub(super) fn rejected(
        self,
        quest: Quest<'_>,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        rejection: Rejection<'_>,
    ) -> Outcome {
        match self {
            Self::Inviting { leg, mut hops, .. } => {
                desk.forget(leg.dialog);
                match setback(rejection.failure) {
                    Some(setback) => {
                        let failed = hops.current().to_string();
                        if hops.go_on(setback, desk, now) {
                            desk.put(Output::Notice(quest.plan.server_failed(failed, rejection.words())));
                            return invite(quest, facts, desk, now, leg.pair, hops);
                        }
                    }
                    None => hops.works(desk),
                }
                desk.abandon(leg.pair);
                let (code, given) = (rejection.status.code(), rejection.given.to_vec());
                match (quest.plan.callee(), code) {
                    (Callee::Agent(_), 486 | 600) => Outcome::Final(Fate::AgentBusy(given)),
                    (Callee::Agent(_), 603) => Outcome::Final(Fate::AgentDeclined(given)),
                    (Callee::Network(gateways), 488 | 606) if gateways.offers_otherwise_later() => {
                        Outcome::Unsuited(rejection.words())
                    }
                    (Callee::Network(_), code) if is_final(code) => {
                        Outcome::Final(Fate::CalleeRefused(code, given))
                    }
                    (Callee::Agent(_) | Callee::Network(_), _) => Outcome::Failed(rejection.words()),
                }
            }
            other @ (Self::Stream { .. } | Self::Resolving { .. } | Self::Binding { .. }) => {
                Outcome::Waiting(other)
            }
        }
    }

    /// It took too long, or its current server did.
    pub(super) fn expire(self, quest: Quest<'_>, facts: &mut Facts, desk: &mut Desk, now: Now) -> Outcome {
        match self {
            Self::Inviting { leg, hops, give_up_at, .. } if now.instant < give_up_at => {
                move_on(quest, facts, desk, now, leg, hops, give_up_at)
            }
            other @ (Self::Stream { .. }
            | Self::Resolving { .. }
            | Self::Binding { .. }
            | Self::Inviting { .. }) => {
                if let Some(pair) = other.abort(desk, now, &Fate::NoAnswer) {
                    desk.abandon(pair);
                }
                Outcome::Failed("it took too long to be reached".to_owned())
            }
        }
    }

    /// A provisional response has an offer, which crosses ours.
    pub(super) fn offered(self, quest: Quest<'_>, desk: &mut Desk, now: Now) -> Outcome {
        let why = "it offers in a provisional response, though we have offered";
        let fate = Fate::AnswerUnusable(Refusal::NoCommonCodec, why.to_owned());
        if let Some(pair) = self.abort(desk, now, &fate) {
            desk.abandon(pair);
        }
        given_up(quest, fate)
    }

    /// Takes back what was asked of the outside. The pair, if it has one, is still to be released.
    pub(super) fn abort(self, desk: &mut Desk, now: Now, fate: &Fate) -> Option<Pair> {
        match self {
            Self::Stream { agent, caller, .. } => {
                desk.close_stream(caller, agent);
                None
            }
            Self::Resolving { ticket, .. } => {
                desk.unask(ticket);
                None
            }
            Self::Binding { pair, .. } => Some(pair),
            Self::Inviting { leg, .. } => {
                desk.cancel(now, leg.dialog, refusal::reasons(fate, Phase::Unanswered));
                Some(leg.pair)
            }
        }
    }
}

/// Whether a gateway speaks for whoever is called, or for the network behind it. Any other gateway would say the same, and ring a
/// telephone again that has declined.
const fn is_final(status: u16) -> bool {
    !matches!(status, 408 | 480 | 500..=599)
}

/// Where it leads that we end what has been reached. A telephone that was reached by one gateway is not rung again by another: it
/// would be answered, and paid for, twice.
fn given_up(quest: Quest<'_>, fate: Fate) -> Outcome {
    match quest.plan.callee() {
        Callee::Network(_) => Outcome::Final(fate),
        Callee::Agent(_) => Outcome::Unusable(fate),
    }
}

/// The next server is asked, or the next gateway, unless this one has said something.
fn move_on(
    quest: Quest<'_>,
    facts: &mut Facts,
    desk: &mut Desk,
    now: Now,
    leg: Box<Offered>,
    mut hops: Hops,
    give_up_at: Instant,
) -> Outcome {
    if desk.is_unheard(leg.dialog) {
        let failed = hops.current().to_string();
        let words = format!("no answer in {} s", desk.config.server_timeout.as_secs());
        let has_next = hops.go_on(Setback::Timeout, desk, now);
        if !has_next && quest.plan.has_next_gateway() {
            desk.cancel(now, leg.dialog, refusal::reasons(&Fate::NoAnswer, Phase::Unanswered));
            desk.abandon(leg.pair);
            return Outcome::Failed(words);
        }
        if has_next {
            desk.cancel(now, leg.dialog, refusal::reasons(&Fate::NoAnswer, Phase::Unanswered));
            desk.put(Output::Notice(quest.plan.server_failed(failed, words)));
            return invite(quest, facts, desk, now, leg.pair, hops);
        }
    }
    Outcome::Waiting(Attempt::Inviting { leg, hops, give_up_at, move_on_at: None })
}

impl Rejection<'_> {
    fn words(&self) -> String {
        let code = self.status.code();
        match self.response.and_then(Message::reason_phrase) {
            Some(phrase) => {
                let phrase: String = phrase.chars().filter(|c| !c.is_control()).take(MAX_PHRASE).collect();
                match self.failure {
                    Failure::Denied(denial) => format!("it answered {code} {phrase}: {denial}"),
                    Failure::Refused
                    | Failure::Unavailable { .. }
                    | Failure::Silent
                    | Failure::Unsendable
                    | Failure::Cancelled => format!("it answered {code} {phrase}"),
                }
            }
            None if self.failure == Failure::Unsendable => "nothing can be sent to it".to_owned(),
            None => format!("no answer from it ({code})"),
        }
    }
}

/// As much of a reason phrase is worth a line of the log.
const MAX_PHRASE: usize = 80;
