//! The telephone: one call, by its script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use rsip::{Header, Method, Request, SipMessage};

use crate::call::{Call, Ended, Outcome, Times};
use crate::change::{self, Reaction};
use crate::client::{self, Client};
use crate::dialog::Dialog;
use crate::early::{Owed, Reliable};
use crate::ladder::{Ladder, Rung};
use crate::script::Step;
use crate::server::{self, Server};
use crate::{Dice, Glance, wire};

/// What a phone is told once.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name on ladders.
    pub name: String,
    /// The user part of its From and Contact, such as `+12125550199`.
    pub user: String,
    /// Where it is reached: its Via and Contact.
    pub address: SocketAddr,
    /// Where its first INVITE goes; `None` is where the Request-URI says.
    pub outbound_proxy: Option<SocketAddr>,
    /// Its description when it answers a re-INVITE by itself.
    pub sdp: Option<String>,
    /// All of its randomness: tags, branches, Call-ID.
    pub seed: u64,
}

/// A scripted telephone with one call.
///
/// By itself, whatever the script says, it repeats requests and responses by the timers of RFC 3261, ACKs final responses
/// above 299, answers BYE, CANCEL, OPTIONS, INFO, PRACK, UPDATE and re-INVITE, follows Record-Route and sends BYE when its 2xx gets no
/// ACK. It refuses a second call by 486. An INVITE that the script does not expect is never answered.
#[derive(Debug)]
pub struct Phone {
    pub(crate) config: Config,
    pub(crate) dice: Dice,
    pub(crate) tag: String,
    pub(crate) script: VecDeque<Step>,
    pub(crate) waiting: Option<Instant>,
    pub(crate) call: Call,
    pub(crate) clients: Vec<Client>,
    /// Our INVITEs by branch: their ACKs and CANCELs are made from them.
    pub(crate) invites: Vec<(String, Request)>,
    pub(crate) servers: Vec<Server>,
    /// ACKs of 2xx by CSeq number, for their repetitions.
    pub(crate) acks: Vec<(u32, SocketAddr, Bytes)>,
    /// The CSeq number of a 2xx that has no ACK yet.
    pub(crate) unacknowledged: Option<u32>,
    /// Statuses of our INVITEs that the script has not looked at.
    pub(crate) statuses: VecDeque<u16>,
    /// Early dialogs, the one heard of last at the end.
    pub(crate) early: Vec<Dialog>,
    /// Reliable provisional responses to our INVITE.
    pub(crate) owed: VecDeque<Owed>,
    /// Reliable provisional responses of ours without a PRACK.
    pub(crate) reliable: Vec<Reliable>,
    /// How many of them we have sent.
    pub(crate) numbered: u32,
    /// Final statuses of our PRACKs and UPDATEs that the script has not looked at.
    pub(crate) replies: VecDeque<(Method, u16)>,
    /// Methods of requests to us that the script has not looked at.
    pub(crate) requests: VecDeque<Method>,
    /// What each 2xx to INVITE and UPDATE says too.
    pub(crate) sayings: Vec<(String, String)>,
    /// What becomes of re-INVITEs and UPDATEs.
    pub(crate) reactions: VecDeque<Reaction>,
    pub(crate) status: Option<u16>,
    pub(crate) fault: Option<String>,
    pub(crate) remote_sdp: Option<String>,
    pub(crate) times: Times,
    transmits: VecDeque<(SocketAddr, Bytes)>,
    log: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    way: Way,
    peer: SocketAddr,
    label: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    In,
    Out,
}

impl Phone {
    /// A phone on the hook. `expire` begins its script.
    pub fn new(config: Config, script: Vec<Step>) -> Self {
        let mut dice = Dice::new(config.seed);
        let tag = dice.word();
        Self {
            config,
            dice,
            tag,
            script: script.into(),
            waiting: None,
            call: Call::Idle,
            clients: Vec::new(),
            invites: Vec::new(),
            servers: Vec::new(),
            acks: Vec::new(),
            unacknowledged: None,
            statuses: VecDeque::new(),
            early: Vec::new(),
            owed: VecDeque::new(),
            reliable: Vec::new(),
            numbered: 0,
            replies: VecDeque::new(),
            requests: VecDeque::new(),
            sayings: Vec::new(),
            reactions: VecDeque::new(),
            status: None,
            fault: None,
            remote_sdp: None,
            times: Times::default(),
            transmits: VecDeque::new(),
            log: Vec::new(),
        }
    }

    /// Takes in a datagram.
    pub fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        match wire::parse(bytes) {
            Ok(message) => {
                let label = wire::glance(&message)
                    .map_or_else(|fault| format!("? {fault}"), |glance| glance.to_string());
                self.log.push(Entry { at: now, way: Way::In, peer: from, label });
                match message {
                    SipMessage::Request(request) => self.hear_request(now, from, &request),
                    SipMessage::Response(response) => self.hear_response(now, &response),
                }
            }
            Err(fault) => {
                self.log.push(Entry { at: now, way: Way::In, peer: from, label: format!("? {fault}") });
                self.fault.get_or_insert_with(|| format!("received what is no message: {fault}"));
            }
        }
        self.run(now);
    }

    /// Runs the timers that are due, and the script as far as it goes.
    pub fn expire(&mut self, now: Instant) {
        let due: Vec<_> =
            self.clients.iter_mut().map(|client| (client.branch.clone(), client.expire(now))).collect();
        for (branch, due) in due {
            match due {
                client::Due::Nothing => {}
                client::Due::Resend(bytes) => {
                    if let Some(peer) = self.client(&branch).map(|client| client.peer) {
                        self.send(now, peer, bytes);
                    }
                }
                client::Due::TimedOut => self.timed_out(now, &branch),
            }
        }
        let due: Vec<_> = self.servers.iter_mut().map(|server| (server.peer, server.expire(now))).collect();
        for (peer, due) in due {
            match due {
                server::Due::Nothing => {}
                server::Due::Resend(bytes) => self.send(now, peer, bytes),
                server::Due::Unacknowledged => self.leave(now, Ended::Unacknowledged),
            }
        }
        self.repeat_reliable(now);
        self.clients.retain(|client| !client.is_over());
        self.servers.retain(|server| !server.is_over());
        self.run(now);
    }

    /// When `expire` has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        let clients = self.clients.iter().filter_map(Client::deadline);
        let servers = self.servers.iter().filter_map(Server::deadline);
        let reliable = self.reliable.iter().map(Reliable::deadline);
        clients.chain(servers).chain(reliable).chain(self.waiting).min()
    }

    /// Drains what is to be sent, and whereto.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Bytes)> {
        self.transmits.pop_front()
    }

    /// Drops the rest of the script and ends the call as it stands: by CANCEL, 480 or BYE.
    pub fn hang_up(&mut self, now: Instant) {
        self.waiting = None;
        self.script.clear();
        match self.call {
            Call::Calling { .. } => self.script.extend([Step::Cancel, Step::ExpectFinal]),
            Call::Called { .. } => self.script.push_back(Step::Reject { status: 480 }),
            Call::Up { .. } => {
                self.script.extend([Step::Ack { sdp: self.config.sdp.clone() }, Step::Bye]);
            }
            Call::Idle | Call::Leaving { .. } | Call::Over { .. } => {}
        }
        self.run(now);
    }

    /// The fate of the call, once it is over, or once the script is done without one. Repetitions are still answered after it.
    pub fn outcome(&self) -> Option<Outcome> {
        let ended = match self.call {
            Call::Over { ended } => Some(ended),
            Call::Idle => None,
            Call::Calling { .. } | Call::Called { .. } | Call::Up { .. } | Call::Leaving { .. } => {
                return None;
            }
        };
        let done = self.script.is_empty();
        done.then(|| Outcome { status: self.status, ended, fault: self.fault.clone() })
    }

    /// Whether the call is answered and not yet ended.
    pub const fn is_up(&self) -> bool {
        matches!(self.call, Call::Up { .. })
    }

    /// Whether an INVITE came that the script has nothing to say to.
    pub fn is_ignoring(&self) -> bool {
        matches!(self.call, Call::Called { .. }) && self.script.is_empty()
    }

    /// How many transactions still run: 0 once every repetition has been waited for.
    pub fn transactions(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// What the script and the call disagreed on, so far.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The final status of the INVITE, once there is one.
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// When things happened.
    pub const fn times(&self) -> Times {
        self.times
    }

    /// The last session description of the far side.
    pub fn remote_sdp(&self) -> Option<&str> {
        self.remote_sdp.as_deref()
    }

    /// Where the far side receives RTP, by its last description.
    pub fn remote_rtp(&self) -> Option<SocketAddr> {
        crate::sdp::rtp(self.remote_sdp()?)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Where it is reached.
    pub const fn address(&self) -> SocketAddr {
        self.config.address
    }

    /// All that it sent and received since `start`, as it saw it; `peer` names the far side.
    pub fn ladder(&self, start: Instant, peer: impl Fn(SocketAddr) -> String) -> Ladder {
        let mut ladder = Ladder::default();
        for entry in &self.log {
            let (us, them) = (self.config.name.clone(), peer(entry.peer));
            let (from, to) = match entry.way {
                Way::In => (them, us),
                Way::Out => (us, them),
            };
            let at = entry.at.saturating_duration_since(start);
            ladder.push(Rung { at, from, to: Some(to), label: entry.label.clone(), note: None });
        }
        ladder
    }

    pub(crate) fn client(&mut self, branch: &str) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.branch == branch)
    }

    pub(crate) fn send(&mut self, now: Instant, peer: SocketAddr, bytes: Bytes) {
        let label = Glance::of(&bytes).map_or_else(|fault| format!("? {fault}"), |glance| glance.to_string());
        self.log.push(Entry { at: now, way: Way::Out, peer, label });
        self.transmits.push_back((peer, bytes));
    }

    /// Begins a client transaction that is no INVITE.
    pub(crate) fn begin(&mut self, now: Instant, peer: SocketAddr, branch: String, request: Request) {
        let method = request.method;
        let bytes = wire::print(request.into());
        self.clients.push(Client::other(now, method, branch, peer, bytes.clone()));
        self.send(now, peer, bytes);
    }

    /// Answers a request, which has a server transaction.
    pub(crate) fn respond(
        &mut self,
        now: Instant,
        branch: &str,
        method: Method,
        status: u16,
        sdp: Option<&str>,
    ) {
        self.respond_with(now, branch, method, status, sdp, Vec::new());
    }

    /// Answers with further headers.
    pub(crate) fn respond_with(
        &mut self,
        now: Instant,
        branch: &str,
        method: Method,
        status: u16,
        sdp: Option<&str>,
        further: Vec<Header>,
    ) {
        let contact = self.contact();
        let Some(server) =
            self.servers.iter_mut().find(|server| server.branch == branch && server.request.method == method)
        else {
            return;
        };
        // A 2xx to UPDATE moves the target (RFC 3311 s.5.2).
        let makes_dialog = (method == Method::Invite && (101..300).contains(&status))
            || (method == Method::Update && status == 200);
        let mut extra = if makes_dialog { vec![contact] } else { Vec::new() };
        extra.extend(further);
        if makes_dialog && (200..300).contains(&status) {
            extra.extend(change::further(self.sayings.clone()));
        }
        let bytes = wire::print(wire::response(&server.request, status, &self.tag, extra, sdp).into());
        server.respond(now, status, bytes.clone());
        let peer = server.peer;
        self.send(now, peer, bytes);
    }

    pub(crate) fn contact(&self) -> Header {
        Header::Contact(format!("<sip:{}@{}>", self.config.user, self.config.address).into())
    }

    /// A branch and the Via that carries it.
    pub(crate) fn via(&mut self) -> (String, String) {
        let branch = format!("z9hG4bK{}", self.dice.word());
        let via = format!("SIP/2.0/UDP {};branch={branch};rport", self.config.address);
        (branch, via)
    }
}
