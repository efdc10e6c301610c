//! The script: each step is tried until it is done.

use std::net::SocketAddr;
use std::time::Instant;

use rsip::{Header, Method, Request, Uri};

use crate::Phone;
use crate::call::{Call, Ended, Wish};
use crate::change::{Offer, further};
use crate::client::Client;
use crate::dialog::Dialog;
use crate::script::{Invite, Step};
use crate::wire;

/// What became of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    Done,
    /// To be tried again after the next input.
    Pending,
}

impl Phone {
    /// Goes on with the script as far as it goes.
    pub(crate) fn run(&mut self, now: Instant) {
        while let Some(step) = self.script.pop_front() {
            if self.step(now, step.clone()) == Progress::Pending {
                self.script.push_front(step);
                return;
            }
        }
    }

    fn step(&mut self, now: Instant, step: Step) -> Progress {
        match step {
            Step::Invite(invite) => self.invite(now, &invite),
            Step::Options { to } => self.options(now, &to),
            Step::Expect(status) => self.expect(now, status),
            Step::ExpectFinal => match self.statuses.pop_front() {
                Some(200..) => Progress::Done,
                Some(_) => self.step(now, Step::ExpectFinal),
                None => self.pending_in_call(now, "a final response"),
            },
            Step::Ack { sdp } => {
                self.acknowledge(now, sdp.as_deref());
                Progress::Done
            }
            Step::Wait(_) if self.is_over() => {
                self.waiting = None;
                Progress::Done
            }
            Step::Wait(duration) => match self.waiting {
                None => {
                    self.waiting = Some(now + duration);
                    Progress::Pending
                }
                Some(end) if end > now => Progress::Pending,
                Some(_) => {
                    self.waiting = None;
                    Progress::Done
                }
            },
            Step::Bye => self.bye(now),
            Step::Cancel => self.cancel(now),
            Step::Reinvite { sdp } => self.reinvite(now, Offer { sdp, ..Offer::default() }),
            Step::ReinviteWith(offer) => self.reinvite(now, offer),
            Step::Respond { status, sdp } => self.respond_later(now, status, sdp.as_deref()),
            Step::ExpectInvite => self.expect_request(now, Method::Invite, "an INVITE"),
            Step::ExpectAck => self.expect_request(now, Method::Ack, "an ACK"),
            Step::ExpectReinvite => self.expect_request(now, Method::Invite, "a re-INVITE"),
            Step::ExpectCancel => self.expect_request(now, Method::Cancel, "a CANCEL"),
            Step::ExpectBye => self.expect_request(now, Method::Bye, "a BYE"),
            Step::Ring { status, sdp } => self.answer(now, status, sdp.as_deref()),
            Step::RingWith(ring) => self.ring(now, ring),
            Step::RingReliably(ring) => self.ring_reliably(now, ring),
            Step::ExpectPrack => self.expect_request(now, Method::PRack, "a PRACK"),
            Step::Prack { sdp } => self.prack(now, sdp.as_deref()),
            Step::ExpectPracked(status) => self.expect_reply(now, Method::PRack, status),
            Step::Update { sdp } => self.update(now, Offer { sdp, ..Offer::default() }),
            Step::UpdateWith(offer) => self.update(now, offer),
            Step::ExpectUpdated(status) => self.expect_reply(now, Method::Update, status),
            Step::ExpectUpdate => self.expect_request(now, Method::Update, "an UPDATE"),
            Step::Answer { sdp } => self.answer(now, 200, sdp.as_deref()),
            Step::Reject { status } => self.answer(now, status, None),
        }
    }

    const fn is_over(&self) -> bool {
        matches!(self.call, Call::Over { .. })
    }

    /// Waits on, unless the call is over and what is expected can't come.
    pub(crate) fn pending_in_call(&mut self, now: Instant, expected: &str) -> Progress {
        if self.is_over() {
            self.disagree(now, &format!("expected {expected}, and the call is over"));
            return Progress::Done;
        }
        Progress::Pending
    }

    fn expect(&mut self, now: Instant, wanted: u16) -> Progress {
        while let Some(status) = self.statuses.pop_front() {
            if status == wanted {
                return Progress::Done;
            }
            if status >= 200 {
                self.disagree(now, &format!("expected {wanted}, got {status}"));
                return Progress::Done;
            }
        }
        self.pending_in_call(now, &wanted.to_string())
    }

    /// Looks for the method among the requests heard; an ACK before a BYE may be looked past.
    fn expect_request(&mut self, now: Instant, method: Method, expected: &str) -> Progress {
        while let Some(heard) = self.requests.pop_front() {
            if heard == method {
                return Progress::Done;
            }
        }
        self.pending_in_call(now, expected)
    }

    /// The script can't go on as written: what is up is ended in order.
    pub(crate) fn disagree(&mut self, now: Instant, fault: &str) {
        self.fail(fault);
        self.script.clear();
        match self.call {
            Call::Calling { .. } => self.script.extend([Step::Cancel, Step::ExpectFinal]),
            Call::Called { .. } => self.script.push_back(Step::Reject { status: 480 }),
            Call::Up { .. } => {
                self.acknowledge(now, self.config.sdp.clone().as_deref());
                self.script.push_back(Step::Bye);
            }
            Call::Idle | Call::Leaving { .. } | Call::Over { .. } => {}
        }
    }

    fn invite(&mut self, now: Instant, script: &Invite) -> Progress {
        let Some((uri, peer)) = self.resolve(now, &script.to) else { return Progress::Done };
        let (branch, mut headers) = self.headers(Method::Invite, &script.to);
        let extra = script.headers.iter();
        headers.extend(extra.map(|(name, value)| Header::Other(name.clone(), value.clone())));
        let request = wire::request(Method::Invite, uri, headers, script.sdp.as_deref());
        self.times.invited = Some(now);
        self.call = Call::Calling { invite: request.clone(), branch: branch.clone(), wish: Wish::Talk };
        self.begin_invite(now, peer, branch, request);
        Progress::Done
    }

    fn options(&mut self, now: Instant, to: &str) -> Progress {
        let Some((uri, peer)) = self.resolve(now, to) else { return Progress::Done };
        let (branch, headers) = self.headers(Method::Options, to);
        self.begin(now, peer, branch, wire::request(Method::Options, uri, headers, None));
        Progress::Done
    }

    /// Where the script's URI leads.
    fn resolve(&mut self, now: Instant, to: &str) -> Option<(Uri, SocketAddr)> {
        let uri = Uri::try_from(to).ok();
        let peer = uri.as_ref().and_then(|uri| self.config.outbound_proxy.or_else(|| wire::destination(uri)));
        if peer.is_none() {
            self.disagree(now, "the script's URI leads to no address");
        }
        Some((uri?, peer?))
    }

    /// The headers of a request outside of any dialog, and its branch.
    fn headers(&mut self, method: Method, to: &str) -> (String, Vec<Header>) {
        let (branch, via) = self.via();
        let from = format!("<sip:{}@{}>;tag={}", self.config.user, self.config.address, self.tag);
        let headers = vec![
            Header::Via(via.into()),
            Header::From(from.into()),
            Header::To(format!("<{to}>").into()),
            Header::CallId(format!("{}@{}", self.dice.word(), self.config.address.ip()).into()),
            Header::CSeq(format!("1 {method}").into()),
            self.contact(),
        ];
        (branch, headers)
    }

    fn begin_invite(&mut self, now: Instant, peer: SocketAddr, branch: String, request: Request) {
        self.invites.push((branch.clone(), request.clone()));
        let bytes = wire::print(request.into());
        self.clients.push(Client::invite(now, branch, peer, bytes.clone()));
        self.send(now, peer, bytes);
    }

    fn reinvite(&mut self, now: Instant, offer: Offer) -> Progress {
        let (branch, via) = self.via();
        let mut headers = vec![self.contact()];
        headers.extend(further(offer.headers));
        let Call::Up { dialog } = &mut self.call else { return Progress::Done };
        let number = dialog.count();
        let request = dialog.request(Method::Invite, number, via, headers, offer.sdp.as_deref());
        if let Some(peer) = dialog.hop() {
            self.begin_invite(now, peer, branch, request);
        }
        Progress::Done
    }

    /// ACKs the 2xx that has none yet.
    pub(crate) fn acknowledge(&mut self, now: Instant, sdp: Option<&str>) {
        let (_, via) = self.via();
        let (Call::Up { dialog } | Call::Leaving { dialog, .. }) = &self.call else { return };
        let Some(number) = self.unacknowledged.take() else { return };
        let Some(peer) = dialog.hop() else { return };
        let ack = wire::print(dialog.request(Method::Ack, number, via, Vec::new(), sdp).into());
        self.acks.push((number, peer, ack.clone()));
        self.send(now, peer, ack);
    }

    fn bye(&mut self, now: Instant) -> Progress {
        if self.servers.iter().any(crate::server::Server::awaits_ack_of_2xx) {
            return Progress::Pending;
        }
        match self.call {
            Call::Up { .. } => {
                self.leave(now, Ended::ByUs);
                Progress::Pending
            }
            Call::Leaving { .. } => Progress::Pending,
            Call::Idle | Call::Calling { .. } | Call::Called { .. } | Call::Over { .. } => Progress::Done,
        }
    }

    /// Sends BYE.
    pub(crate) fn leave(&mut self, now: Instant, ended: Ended) {
        let (branch, via) = self.via();
        match std::mem::replace(&mut self.call, Call::Idle) {
            Call::Up { mut dialog } => {
                let number = dialog.count();
                let request = dialog.request(Method::Bye, number, via, Vec::new(), None);
                let hop = dialog.hop();
                self.times.ended.get_or_insert(now);
                self.call = Call::Leaving { dialog, ended };
                match hop {
                    Some(peer) => self.begin(now, peer, branch, request),
                    None => self.over(now, ended),
                }
                self.terminate_open(now);
            }
            call @ (Call::Idle
            | Call::Calling { .. }
            | Call::Called { .. }
            | Call::Leaving { .. }
            | Call::Over { .. }) => self.call = call,
        }
    }

    fn cancel(&mut self, now: Instant) -> Progress {
        let Call::Calling { invite, branch, wish } = &mut self.call else { return Progress::Done };
        let Some(client) = self.clients.iter_mut().find(|client| client.branch == *branch) else {
            return Progress::Done;
        };
        if !client.is_proceeding() {
            return Progress::Pending;
        }
        client.cancelled(now);
        *wish = Wish::Cancel;
        let (peer, branch, request) = (client.peer, branch.clone(), cancel_of(invite));
        self.begin(now, peer, branch, request);
        Progress::Done
    }

    fn answer(&mut self, now: Instant, status: u16, sdp: Option<&str>) -> Progress {
        let Call::Called { branch } = &self.call else { return Progress::Done };
        let branch = branch.clone();
        let Some(server) = self.servers.iter().find(|server| server.matches(&branch, Method::Invite)) else {
            return Progress::Done;
        };
        let early = self.early.pop();
        let dialog = early.or_else(|| Dialog::of_callee(&server.request, &self.tag, 0));
        self.respond(now, &branch, Method::Invite, status, sdp);
        if status >= 200 {
            self.reliable.clear();
        }
        match status {
            101..200 => {
                self.early.extend(dialog);
                self.times.ringing.get_or_insert(now);
            }
            ..200 => {
                self.times.ringing.get_or_insert(now);
            }
            200..300 => {
                self.status = Some(status);
                self.times.answered = Some(now);
                match dialog {
                    Some(dialog) => self.call = Call::Up { dialog },
                    None => self.fail("the INVITE has no Contact that a phone could reach"),
                }
            }
            300.. => {
                self.status = Some(status);
                self.over(now, Ended::Refused);
            }
        }
        Progress::Done
    }
}

/// RFC 3261 s.9.1: the INVITE's Via, Request-URI, From, To, Call-ID, Route and number.
fn cancel_of(invite: &Request) -> Request {
    let number = wire::cseq(invite).map_or(0, |(number, _)| number);
    let mut headers = wire::carried(invite);
    headers.push(Header::To(wire::to(invite).into()));
    headers.push(Header::CSeq(format!("{number} CANCEL").into()));
    wire::request(Method::Cancel, invite.uri.clone(), headers, None)
}
