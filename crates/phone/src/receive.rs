//! What a phone does by itself with what it hears.

use std::net::SocketAddr;
use std::time::Instant;

use rsip::{Header, Method, Request, Response};

use crate::Phone;
use crate::call::{Call, Ended, Wish};
use crate::client::Heard;
use crate::dialog::Dialog;
use crate::server::Server;
use crate::wire;

impl Phone {
    pub(crate) fn hear_request(&mut self, now: Instant, from: SocketAddr, request: &Request) {
        let Some(branch) = wire::branch(request) else { return };
        let method = request.method;
        if method == Method::Ack {
            self.hear_ack(now, &branch, request);
            return;
        }
        if let Some(server) = self.servers.iter().find(|server| server.matches(&branch, method)) {
            if let Some(again) = server.last_response() {
                self.send(now, from, again);
            }
            return;
        }
        self.servers.push(Server::new(branch.clone(), request.clone(), from));
        #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum; a phone knows these methods")]
        match method {
            Method::Invite if wire::tag(&wire::to(request)).is_none() => {
                self.hear_invite(now, &branch, request);
            }
            Method::Invite => self.hear_reinvite(now, &branch, request),
            Method::Cancel => self.hear_cancel(now, &branch),
            Method::Bye => self.hear_bye(now, &branch, request),
            Method::PRack => self.hear_prack(now, &branch, request),
            Method::Update => self.hear_update(now, &branch, request),
            Method::Options | Method::Info => self.respond(now, &branch, method, 200, None),
            _ => self.respond(now, &branch, method, 405, None),
        }
    }

    fn hear_invite(&mut self, now: Instant, branch: &str, request: &Request) {
        match self.call {
            Call::Idle => {
                self.call = Call::Called { branch: branch.to_owned() };
                self.times.invited = Some(now);
                self.requests.push_back(Method::Invite);
                self.take_sdp(request.body());
            }
            Call::Calling { .. }
            | Call::Called { .. }
            | Call::Up { .. }
            | Call::Leaving { .. }
            | Call::Over { .. } => self.respond(now, branch, Method::Invite, 486, None),
        }
    }

    fn hear_cancel(&mut self, now: Instant, branch: &str) {
        let invite = self.servers.iter().find(|server| server.matches(branch, Method::Invite));
        let Some(invite) = invite else {
            self.respond(now, branch, Method::Cancel, 481, None);
            return;
        };
        let pending = invite.is_proceeding();
        self.respond(now, branch, Method::Cancel, 200, None);
        self.requests.push_back(Method::Cancel);
        if pending {
            self.respond(now, branch, Method::Invite, 487, None);
            // Of a re-INVITE, the call stays up.
            if !matches!(self.call, Call::Up { .. } | Call::Leaving { .. }) {
                self.status = Some(487);
                self.over(now, Ended::Cancelled);
            }
        }
    }

    fn hear_bye(&mut self, now: Instant, branch: &str, request: &Request) {
        let (status, ended) = match &mut self.call {
            Call::Up { dialog } if dialog.owns(request) => (200, Some(Ended::ByThem)),
            Call::Leaving { dialog, ended } if dialog.owns(request) => (200, Some(*ended)),
            Call::Idle
            | Call::Calling { .. }
            | Call::Called { .. }
            | Call::Up { .. }
            | Call::Leaving { .. }
            | Call::Over { .. } => (481, None),
        };
        self.respond(now, branch, Method::Bye, status, None);
        if let Some(ended) = ended {
            self.terminate_open(now);
            self.requests.push_back(Method::Bye);
            self.over(now, ended);
        }
    }

    /// The ACK of a non-2xx is known by its branch, that of a 2xx by Call-ID and CSeq number.
    fn hear_ack(&mut self, now: Instant, branch: &str, ack: &Request) {
        let number = wire::cseq(ack).map(|(number, _)| number);
        let server = self.servers.iter_mut().find(|server| {
            server.matches(branch, Method::Ack)
                || (server.awaits_ack_of_2xx()
                    && wire::call_id(&server.request) == wire::call_id(ack)
                    && wire::cseq(&server.request).map(|(number, _)| number) == number)
        });
        if let Some(server) = server {
            if server.awaits_ack_of_2xx() {
                self.requests.push_back(Method::Ack);
            }
            server.acknowledge(now);
            self.take_sdp(ack.body());
        }
    }

    pub(crate) fn hear_response(&mut self, now: Instant, response: &Response) {
        let (Some(branch), Some((number, method))) = (wire::branch(response), wire::cseq(response)) else {
            return;
        };
        let status = response.status_code.code();
        let invite = self.invites.iter().find(|(of, _)| *of == branch).map(|(_, invite)| invite.clone());
        let Some(client) =
            self.clients.iter_mut().find(|client| client.branch == branch && client.method == method)
        else {
            return;
        };
        let peer = client.peer;
        let heard = client.hear(now, status, || match &invite {
            Some(invite) => ack_of_failure(invite, response),
            None => bytes::Bytes::new(),
        });
        let ack = client.ack();
        match heard {
            Heard::Fresh => {}
            Heard::AcceptedAgain => {
                let again = self.acks.iter().find(|(of, _, _)| *of == number).cloned();
                if let Some((_, peer, ack)) = again {
                    self.send(now, peer, ack);
                }
                return;
            }
            Heard::Repeated(ack) => {
                if let Some(ack) = ack {
                    self.send(now, peer, ack);
                }
                return;
            }
        }
        if method == Method::Invite {
            if let Some(ack) = ack {
                self.send(now, peer, ack);
            }
            self.hear_invite_status(now, number, status, response);
        } else if (method == Method::PRack || method == Method::Update) && status >= 200 {
            self.hear_reply(method, status, response);
        } else if method == Method::Options {
            self.statuses.push_back(status);
        } else if method == Method::Bye && status >= 200 {
            self.left(now);
        }
    }

    fn hear_invite_status(&mut self, now: Instant, number: u32, status: u16, response: &Response) {
        self.statuses.push_back(status);
        self.take_sdp(response.body());
        match &mut self.call {
            Call::Calling { invite, wish, .. } => {
                let wish = *wish;
                match status {
                    ..=100 => {}
                    101..200 => {
                        let dialog = Dialog::of_caller(invite, response);
                        self.times.ringing.get_or_insert(now);
                        self.hear_ringing(dialog, response);
                    }
                    200..300 => {
                        self.status = Some(status);
                        self.times.answered = Some(now);
                        self.unacknowledged = Some(number);
                        match Dialog::of_caller(invite, response).map(|dialog| dialog.after(&self.early)) {
                            Some(dialog) => self.call = Call::Up { dialog },
                            None => self.fail("the 2xx has no Contact that a phone could reach"),
                        }
                        if wish == Wish::Cancel {
                            self.acknowledge(now, self.config.sdp.clone().as_deref());
                            self.leave(now, Ended::Cancelled);
                        }
                    }
                    300.. => {
                        self.status = Some(status);
                        let ended = if wish == Wish::Cancel { Ended::Cancelled } else { Ended::Refused };
                        self.over(now, ended);
                    }
                }
            }
            Call::Up { dialog } | Call::Leaving { dialog, .. } => {
                if (200..300).contains(&status) {
                    dialog.refresh(response);
                    self.unacknowledged = Some(number);
                }
            }
            Call::Idle | Call::Called { .. } | Call::Over { .. } => {}
        }
    }

    /// No final response came to a request of ours.
    pub(crate) fn timed_out(&mut self, now: Instant, branch: &str) {
        let Some(method) = self.client(branch).map(|client| client.method) else { return };
        #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum; a phone sends these methods")]
        match method {
            Method::Invite => {
                self.statuses.push_back(408);
                self.unanswered(now);
            }
            Method::Options => self.statuses.push_back(408),
            Method::PRack | Method::Update => self.replies.push_back((method, 408)),
            Method::Bye => {
                self.fail("the BYE got no answer");
                self.left(now);
            }
            _ => {}
        }
    }

    /// Our INVITE got no final response.
    fn unanswered(&mut self, now: Instant) {
        match self.call {
            Call::Calling { wish: Wish::Talk, .. } => self.over(now, Ended::Unanswered),
            Call::Calling { wish: Wish::Cancel, .. } => self.over(now, Ended::Cancelled),
            Call::Idle | Call::Called { .. } | Call::Up { .. } | Call::Leaving { .. } | Call::Over { .. } => {
            }
        }
    }

    pub(crate) fn over(&mut self, now: Instant, ended: Ended) {
        self.times.ended.get_or_insert(now);
        self.call = Call::Over { ended };
    }

    fn left(&mut self, now: Instant) {
        if let Call::Leaving { ended, .. } = self.call {
            self.over(now, ended);
        }
    }

    pub(crate) fn fail(&mut self, fault: &str) {
        self.fault.get_or_insert_with(|| fault.to_owned());
    }

    pub(crate) fn take_sdp(&mut self, body: &[u8]) {
        if !body.is_empty() {
            self.remote_sdp = Some(String::from_utf8_lossy(body).into_owned());
        }
    }
}

/// RFC 3261 s.17.1.1.3: the INVITE's Via, Request-URI, From, Call-ID, Route and number, the response's To.
fn ack_of_failure(invite: &Request, response: &Response) -> bytes::Bytes {
    let number = wire::cseq(invite).map_or(0, |(number, _)| number);
    let mut headers = wire::carried(invite);
    headers.push(Header::To(wire::to(response).into()));
    headers.push(Header::CSeq(format!("{number} ACK").into()));
    wire::print(wire::request(Method::Ack, invite.uri.clone(), headers, None).into())
}
