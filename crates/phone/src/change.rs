//! What a phone does with a re-INVITE or an UPDATE of the far side (RFC 3261 s.14.2, RFC 3311), and how it changes the session itself.

use std::time::Instant;

use rsip::{Header, Method, Request};

use crate::Phone;
use crate::call::Call;
use crate::sdp;
use crate::server::Server;
use crate::steps::Progress;
use crate::wire;

/// What a phone does with a re-INVITE or UPDATE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reaction {
    /// 200 with its own description, in the direction that fits the offer.
    Agrees,
    /// 200 with this description.
    Answers(String),
    /// A final response of 300 to 699, with these headers, name and value.
    Refuses(u16, Vec<(String, String)>),
    /// Nothing but a 100 to a re-INVITE, until the script says so by [`crate::Step::Respond`].
    Waits,
}

/// A re-INVITE or UPDATE to send.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Offer {
    /// The offer; without one a re-INVITE asks for one.
    pub sdp: Option<String>,
    /// Further headers, name and value.
    pub headers: Vec<(String, String)>,
}

impl Offer {
    /// Without a description or further headers.
    pub fn none() -> Self {
        Self::default()
    }

    /// With this description.
    #[must_use]
    pub fn sdp(mut self, sdp: impl Into<String>) -> Self {
        self.sdp = Some(sdp.into());
        self
    }

    /// With this header too.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl Phone {
    /// Says this in each of its 2xx to INVITE and UPDATE.
    #[must_use]
    pub fn saying(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.sayings.push((name.into(), value.into()));
        self
    }

    /// Reacts so to the re-INVITEs and UPDATEs to come, one after the other; it agrees to those after them.
    #[must_use]
    pub fn reacting(mut self, reactions: Vec<Reaction>) -> Self {
        self.reactions.extend(reactions);
        self
    }

    pub(crate) fn hear_reinvite(&mut self, now: Instant, branch: &str, request: &Request) {
        let refusal = match &mut self.call {
            Call::Up { dialog } if dialog.owns(request) => (!dialog.accept(request)).then_some(500),
            Call::Idle
            | Call::Calling { .. }
            | Call::Called { .. }
            | Call::Up { .. }
            | Call::Leaving { .. }
            | Call::Over { .. } => Some(481),
        };
        self.react(now, branch, request, refusal);
    }

    pub(crate) fn react(&mut self, now: Instant, branch: &str, request: &Request, refusal: Option<u16>) {
        let method = request.method;
        if let Some(status) = refusal {
            return self.respond(now, branch, method, status, None);
        }
        match self.reactions.pop_front().unwrap_or(Reaction::Agrees) {
            Reaction::Agrees => self.agree(now, branch, request, None),
            Reaction::Answers(sdp) => self.agree(now, branch, request, Some(&sdp)),
            Reaction::Refuses(status, headers) => {
                self.respond_with(now, branch, method, status, None, further(headers));
            }
            Reaction::Waits => {
                if method == Method::Invite {
                    self.respond(now, branch, method, 100, None);
                }
                self.requests.push_back(method);
                self.take_sdp(request.body());
                return;
            }
        }
        self.requests.push_back(method);
    }

    fn agree(&mut self, now: Instant, branch: &str, request: &Request, sdp: Option<&str>) {
        let offer = String::from_utf8_lossy(request.body()).into_owned();
        let own = self.config.sdp.as_deref().map(|own| sdp::mirrored(own, &offer));
        let sdp = sdp.map(str::to_owned).or(own);
        let sdp = sdp.filter(|_| request.method == Method::Invite || !offer.is_empty());
        self.respond(now, branch, request.method, 200, sdp.as_deref());
        self.take_sdp(request.body());
    }

    /// The dialog ends: what was left open in it is answered (RFC 3261 s.15.1.2).
    pub(crate) fn terminate_open(&mut self, now: Instant) {
        let open = self.servers.iter().filter(|server| is_open_change(server));
        let open: Vec<_> = open.map(|server| (server.branch.clone(), server.request.method)).collect();
        for (branch, method) in open {
            self.respond(now, &branch, method, 487, None);
        }
    }

    /// Answers what a [`Reaction::Waits`] left open, the oldest first.
    pub(crate) fn respond_later(&mut self, now: Instant, status: u16, sdp: Option<&str>) -> Progress {
        let open = self.servers.iter().find(|server| is_open_change(server));
        if let Some((branch, method)) = open.map(|server| (server.branch.clone(), server.request.method)) {
            self.respond(now, &branch, method, status, sdp);
        }
        Progress::Done
    }
}

/// A re-INVITE or UPDATE without a final response.
fn is_open_change(server: &Server) -> bool {
    server.is_proceeding()
        && matches!(server.request.method, Method::Invite | Method::Update)
        && wire::tag(&wire::to(&server.request)).is_some()
}

pub(crate) fn further(headers: Vec<(String, String)>) -> Vec<Header> {
    headers.into_iter().map(|(name, value)| Header::Other(name, value)).collect()
}
