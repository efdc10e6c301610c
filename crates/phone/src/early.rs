//! What a phone does before the answer: reliable provisional responses (RFC 3262) and UPDATE (RFC 3311), in early dialogs.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rsip::{Header, Method, Request, Response};

use crate::Phone;
use crate::call::Call;
use crate::change::{Offer, further};
use crate::dialog::Dialog;
use crate::script::Ring;
use crate::server::{T1, TIMEOUT};
use crate::steps::Progress;
use crate::wire;

/// A reliable provisional response to our INVITE.
#[derive(Clone, Debug)]
pub(crate) struct Owed {
    dialog: Dialog,
    rack: String,
    pracked: bool,
}

/// A reliable provisional response of ours.
#[derive(Clone, Debug)]
pub(crate) struct Reliable {
    rack: String,
    peer: SocketAddr,
    response: Bytes,
    again: Instant,
    interval: Duration,
    give_up: Instant,
}

impl Reliable {
    pub(crate) fn deadline(&self) -> Instant {
        self.again.min(self.give_up)
    }
}

impl Phone {
    pub(crate) fn ring(&mut self, now: Instant, ring: Ring) -> Progress {
        let Call::Called { branch } = &self.call else { return Progress::Done };
        let branch = branch.clone();
        self.begin_early(&branch);
        self.times.ringing.get_or_insert(now);
        let further = further(ring.headers);
        self.respond_with(now, &branch, Method::Invite, ring.status, ring.sdp.as_deref(), further);
        Progress::Done
    }

    pub(crate) fn ring_reliably(&mut self, now: Instant, mut ring: Ring) -> Progress {
        let Call::Called { branch } = &self.call else { return Progress::Done };
        let branch = branch.clone();
        self.numbered += 1;
        let number = FIRST_RSEQ + self.numbered;
        ring.headers.push(("Require".to_owned(), "100rel".to_owned()));
        ring.headers.push(("RSeq".to_owned(), number.to_string()));
        let done = self.ring(now, ring);
        let server = self.servers.iter().find(|server| server.matches(&branch, Method::Invite));
        let Some((server, response)) = server.and_then(|server| Some((server, server.last_response()?)))
        else {
            return done;
        };
        let cseq = wire::values(&server.request, "CSeq").concat();
        let reliable = Reliable {
            rack: format!("{number} {cseq}"),
            peer: server.peer,
            response,
            again: now + T1,
            interval: T1,
            give_up: now + TIMEOUT,
        };
        self.reliable.push(reliable);
        done
    }

    /// Our dialog of an INVITE that we have not answered.
    fn begin_early(&mut self, branch: &str) {
        let server = self.servers.iter().find(|server| server.matches(branch, Method::Invite));
        if self.early.is_empty()
            && let Some(server) = server
        {
            self.early.extend(Dialog::of_callee(&server.request, &self.tag, 0));
        }
    }

    /// Twice as long each time, without an upper bound (RFC 3262 s.3).
    pub(crate) fn repeat_reliable(&mut self, now: Instant) {
        let mut due = Vec::new();
        for reliable in self.reliable.iter_mut().filter(|reliable| reliable.again <= now) {
            reliable.interval *= 2;
            reliable.again = now + reliable.interval;
            due.push((reliable.peer, reliable.response.clone()));
        }
        if self.reliable.iter().any(|reliable| reliable.give_up <= now) {
            self.fail("a reliable provisional response got no PRACK");
            self.reliable.clear();
            return;
        }
        for (peer, response) in due {
            self.send(now, peer, response);
        }
    }

    pub(crate) fn hear_prack(&mut self, now: Instant, branch: &str, request: &Request) {
        let rack = wire::values(request, "RAck").concat();
        let before = self.reliable.len();
        self.reliable.retain(|reliable| reliable.rack != rack);
        let status = if self.reliable.len() < before && self.takes(request) { 200 } else { 481 };
        self.respond(now, branch, Method::PRack, status, None);
        if status == 200 {
            self.requests.push_back(Method::PRack);
            self.take_sdp(request.body());
        }
    }

    pub(crate) fn hear_update(&mut self, now: Instant, branch: &str, request: &Request) {
        let refusal = (!self.takes(request)).then_some(481);
        self.react(now, branch, request, refusal);
    }

    /// Whether a request is in order within our dialog, early or not.
    fn takes(&mut self, request: &Request) -> bool {
        let dialog = match &mut self.call {
            Call::Up { dialog } => Some(dialog),
            Call::Calling { .. } | Call::Called { .. } => {
                self.early.iter_mut().find(|dialog| dialog.owns(request))
            }
            Call::Idle | Call::Leaving { .. } | Call::Over { .. } => None,
        };
        dialog.is_some_and(|dialog| dialog.owns(request) && dialog.accept(request))
    }

    /// A provisional response to our INVITE above 100.
    pub(crate) fn hear_ringing(&mut self, dialog: Option<Dialog>, response: &Response) {
        let Some(dialog) = dialog else { return };
        if let Some(at) = self.early.iter().position(|early| early.is(&dialog)) {
            let known = self.early.remove(at);
            self.early.push(known);
        } else {
            self.early.push(dialog.clone());
        }
        let reliable = wire::list(response, "Require").iter().any(|tag| tag.eq_ignore_ascii_case("100rel"));
        let (rseq, cseq) = (wire::values(response, "RSeq").concat(), wire::values(response, "CSeq").concat());
        let rack = format!("{rseq} {cseq}");
        let known = self.owed.iter().any(|owed| owed.rack == rack && owed.dialog.is(&dialog));
        if reliable && !known {
            self.owed.push_back(Owed { dialog, rack, pracked: false });
        }
    }

    pub(crate) fn hear_reply(&mut self, method: Method, status: u16, response: &Response) {
        self.replies.push_back((method, status));
        self.take_sdp(response.body());
    }

    pub(crate) fn prack(&mut self, now: Instant, sdp: Option<&str>) -> Progress {
        let Some(owed) = self.owed.iter_mut().find(|owed| !owed.pracked) else {
            return self.pending_in_call(now, "a reliable provisional response");
        };
        owed.pracked = true;
        let (dialog, rack) = (owed.dialog.clone(), Header::Other("RAck".to_owned(), owed.rack.clone()));
        let early = self.early.iter_mut().find(|early| early.is(&dialog));
        if let Some(number) = early.map(Dialog::count) {
            self.within(now, &dialog, Method::PRack, number, vec![rack], sdp);
        }
        Progress::Done
    }

    pub(crate) fn update(&mut self, now: Instant, offer: Offer) -> Progress {
        let dialog = match &mut self.call {
            Call::Up { dialog } => Some(dialog),
            Call::Calling { .. } | Call::Called { .. } => self.early.last_mut(),
            Call::Idle | Call::Leaving { .. } | Call::Over { .. } => return Progress::Done,
        };
        let Some(dialog) = dialog else { return self.pending_in_call(now, "a dialog to send UPDATE in") };
        let number = dialog.count();
        let dialog = dialog.clone();
        let mut headers = vec![self.contact()];
        headers.extend(further(offer.headers));
        self.within(now, &dialog, Method::Update, number, headers, offer.sdp.as_deref());
        Progress::Done
    }

    fn within(
        &mut self,
        now: Instant,
        dialog: &Dialog,
        method: Method,
        number: u32,
        extra: Vec<Header>,
        sdp: Option<&str>,
    ) {
        let (branch, via) = self.via();
        let request = dialog.request(method, number, via, extra, sdp);
        if let Some(peer) = dialog.hop() {
            self.begin(now, peer, branch, request);
        }
    }

    pub(crate) fn expect_reply(&mut self, now: Instant, method: Method, wanted: u16) -> Progress {
        while let Some((of, status)) = self.replies.pop_front() {
            if of == method && status == wanted {
                return Progress::Done;
            }
            if of == method {
                self.disagree(now, &format!("expected {wanted} to {method}, got {status}"));
                return Progress::Done;
            }
        }
        self.pending_in_call(now, &format!("{wanted} to {method}"))
    }
}

/// Any that is not 1.
const FIRST_RSEQ: u32 = 700;
