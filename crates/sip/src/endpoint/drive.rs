//! What all parts of the endpoint share: sending, stepping the machines, keeping the timer index.

use std::time::Instant;

use bytes::Bytes;

use super::servers::{Machine, Purpose, Server};
use super::timers::Owner;
use super::{Endpoint, Event, Header, Reply, Standing, Transmit, clients, compose};
use crate::digest::Keyring;
use crate::message::{Message, StatusCode};
use crate::transaction::{Delivery, Timing, client_invite, client_other, server_invite, server_other};
use crate::{Flow, Transport};

impl Endpoint {
    pub(super) fn timing(&self, transport: Transport) -> Timing {
        let delivery = if transport.is_reliable() { Delivery::Reliable } else { Delivery::Lossy };
        Timing { t1: self.config.t1, t2: self.config.t2, t4: self.config.t4, delivery }
    }

    pub(super) fn next_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    pub(super) fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.transmits.push_back(Transmit { flow, bytes });
    }

    pub(super) fn raise(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// The address by which peers reach the socket of a flow.
    fn advertised(&self, flow: Flow) -> std::net::SocketAddr {
        let same = self.config.listeners.iter().filter(|listener| listener.transport == flow.transport);
        let exact = same.clone().find(|listener| listener.local == flow.local);
        exact.or_else(|| same.clone().next()).map_or(flow.local, |listener| listener.advertised)
    }

    /// A Via of ours.
    pub(super) fn via(&self, flow: Flow, branch: &str) -> String {
        format!("SIP/2.0/{} {};branch={branch};rport", flow.transport.via(), self.advertised(flow))
    }

    /// Our Contact.
    pub(super) fn contact(&self, flow: Flow) -> String {
        let address = self.advertised(flow);
        match flow.transport {
            Transport::Udp => format!("<sip:strowger@{address}>"),
            Transport::Tcp | Transport::Tls | Transport::Ws => {
                format!("<sip:strowger@{address};transport={}>", flow.transport)
            }
        }
    }

    pub(super) fn respond_to(&self, request: &Message, flow: Flow, tag: &str, reply: &Reply) -> Bytes {
        let contact = self.contact(flow);
        let origin =
            compose::Origin { request, flow, tag, contact: &contact, server: &self.config.user_agent };
        compose::response(origin, reply)
    }

    /// Whether there is room for one more transaction. Strangers get half of it, so that they can't keep out those we know.
    pub(super) fn has_room(&self, standing: Standing) -> bool {
        let bound = match standing {
            Standing::Known => self.config.max_transactions,
            Standing::Unknown => self.config.max_transactions / 2,
        };
        self.clients.len() + self.servers.len() < bound
    }

    /// Starts a server transaction.
    pub(super) fn open(
        &mut self,
        now: Instant,
        flow: Flow,
        request: Message,
        tag: String,
        purpose: Purposed,
    ) -> u64 {
        let id = self.next_key();
        let machine = match purpose {
            Purposed::Invite(purpose) => Machine::Invite(server_invite::State::new(), purpose),
            Purposed::Other(dialog) => {
                Machine::Other(server_other::State::new(now, &self.timing(flow.transport)), dialog)
            }
        };
        let reply_to = compose::reply_to(&request, flow);
        self.servers.insert(id, Server::new(request, flow, reply_to, tag, machine));
        self.index_server(id);
        id
    }

    /// Steps an INVITE server transaction and does what it says; the ACK to a 2xx is the caller's.
    pub(super) fn step_invite_server(
        &mut self,
        now: Instant,
        id: u64,
        input: server_invite::Input,
    ) -> Passed {
        let Some(transport) = self.servers.get(id).map(|server| server.flow.transport) else {
            return Passed::No;
        };
        let timing = self.timing(transport);
        let Some(server) = self.servers.get_mut(id) else { return Passed::No };
        let Machine::Invite(state, _) = &mut server.machine else { return Passed::No };
        let (next, action) =
            std::mem::replace(state, server_invite::State::Terminated).step(now, &timing, input);
        *state = next;
        let reply_to = server.reply_to;
        self.index_server(id);
        match action {
            server_invite::Action::Nothing => Passed::No,
            server_invite::Action::Send(bytes) => {
                self.send(reply_to, bytes);
                Passed::No
            }
            server_invite::Action::PassAck => Passed::Ack,
        }
    }

    /// Steps a non-INVITE server transaction and does what it says.
    pub(super) fn step_other_server(&mut self, now: Instant, id: u64, input: server_other::Input) {
        let Some(transport) = self.servers.get(id).map(|server| server.flow.transport) else { return };
        let timing = self.timing(transport);
        let Some(server) = self.servers.get_mut(id) else { return };
        let Machine::Other(state, _) = &mut server.machine else { return };
        let (next, action) =
            std::mem::replace(state, server_other::State::Terminated).step(now, &timing, input);
        *state = next;
        let reply_to = server.reply_to;
        self.index_server(id);
        match action {
            server_other::Action::Nothing => {}
            server_other::Action::Send(bytes) => self.send(reply_to, bytes),
        }
    }

    pub(super) fn expire_server(&mut self, now: Instant, id: u64) {
        match self.servers.get(id).map(|server| &server.machine) {
            Some(Machine::Invite(..)) => {
                self.step_invite_server(now, id, server_invite::Input::Expire);
            }
            Some(Machine::Other(..)) => self.step_other_server(now, id, server_other::Input::Expire),
            None => {}
        }
    }

    /// Keeps the timer index true, and forgets a transaction that has ended.
    fn index_server(&mut self, id: u64) {
        let (ended, deadline) = match self.servers.get(id).map(|server| &server.machine) {
            Some(Machine::Invite(state, _)) => (*state == server_invite::State::Terminated, state.deadline()),
            Some(Machine::Other(state, _)) => (*state == server_other::State::Terminated, state.deadline()),
            None => return,
        };
        if ended {
            self.servers.remove(id);
        }
        self.timers.arm(Owner::Server(id), deadline);
    }

    /// The last word on an INVITE or other request that has a server transaction.
    pub(super) fn finish(&mut self, now: Instant, id: u64, reply: &Reply) {
        let Some(server) = self.servers.get(id) else { return };
        let bytes = self.respond_to(&server.request, server.flow, &server.tag, reply);
        match server.machine {
            Machine::Invite(..) => {
                self.step_invite_server(now, id, server_invite::Input::Failure(bytes));
            }
            Machine::Other(..) => self.step_other_server(now, id, server_other::Input::Final(bytes)),
        }
    }

    /// Starts a client transaction: sends its request for the first time.
    pub(super) fn start(&mut self, now: Instant, start: Start) -> u64 {
        let id = self.next_key();
        let timing = self.timing(start.flow.transport);
        let machine = match start.machine {
            Started::Invite(invitation) => {
                clients::Machine::Invite(client_invite::State::new(now, &timing), invitation)
            }
            Started::Other(purpose) => {
                clients::Machine::Other(client_other::State::new(now, &timing), purpose)
            }
        };
        self.send(start.flow, start.request.clone());
        let client = clients::Client {
            key: start.key,
            flow: start.flow,
            detours: start.detours,
            request: start.request,
            machine,
            keys: start.keys,
            past: clients::Past::default(),
        };
        self.clients.insert(id, client);
        self.index_client(id);
        id
    }

    /// Steps an INVITE client transaction; what its action asks for is the caller's, but for repetitions.
    pub(super) fn step_invite_client(
        &mut self,
        now: Instant,
        id: u64,
        input: client_invite::Input,
    ) -> client_invite::Action {
        let nothing = client_invite::Action::Nothing;
        let Some(flow) = self.clients.get(id).map(|client| client.flow) else { return nothing };
        let timing = self.timing(flow.transport);
        let Some(client) = self.clients.get_mut(id) else { return nothing };
        let clients::Machine::Invite(state, _) = &mut client.machine else { return nothing };
        let (next, action) =
            std::mem::replace(state, client_invite::State::Terminated).step(now, &timing, input);
        *state = next;
        let request = client.request.clone();
        match &action {
            client_invite::Action::Repeat => self.send(flow, request),
            client_invite::Action::Acknowledge(ack) | client_invite::Action::AcknowledgeAndPass(ack) => {
                self.send(flow, ack.clone());
            }
            client_invite::Action::Nothing
            | client_invite::Action::Pass
            | client_invite::Action::GiveUp(_) => {}
        }
        action
    }

    /// Steps a non-INVITE client transaction; what its action asks for is the caller's, but for repetitions.
    pub(super) fn step_other_client(
        &mut self,
        now: Instant,
        id: u64,
        input: client_other::Input,
    ) -> client_other::Action {
        let nothing = client_other::Action::Nothing;
        let Some(flow) = self.clients.get(id).map(|client| client.flow) else { return nothing };
        let timing = self.timing(flow.transport);
        let Some(client) = self.clients.get_mut(id) else { return nothing };
        let clients::Machine::Other(state, _) = &mut client.machine else { return nothing };
        let (next, action) =
            std::mem::replace(state, client_other::State::Terminated).step(now, &timing, input);
        *state = next;
        let request = client.request.clone();
        if action == client_other::Action::Repeat {
            self.send(flow, request);
        }
        action
    }

    /// Keeps the timer index true, and forgets a transaction that has ended.
    pub(super) fn index_client(&mut self, id: u64) {
        let (ended, deadline) = match self.clients.get(id).map(|client| &client.machine) {
            Some(clients::Machine::Invite(state, _)) => {
                (*state == client_invite::State::Terminated, state.deadline())
            }
            Some(clients::Machine::Other(state, _)) => {
                (*state == client_other::State::Terminated, state.deadline())
            }
            None => return,
        };
        if ended {
            self.clients.remove(id);
        }
        self.timers.arm(Owner::Client(id), deadline);
    }

    /// Answers without a transaction (RFC 3261 s.8.2.7): the same request always gets the same answer. Never to an ACK.
    pub(super) fn answer_statelessly(&mut self, flow: Flow, request: &Message, reply: &Reply) {
        if !request.is_request() || *request.method() == crate::Method::Ack {
            return;
        }
        let tag = self.random.tag_of(request);
        let bytes = self.respond_to(request, flow, &tag, reply);
        self.send(compose::reply_to(request, flow), bytes);
    }

    /// 503, and when to come again.
    pub(super) fn busy(&mut self) -> Reply {
        self.later(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// A status with a Retry-After of 1 to 10 s.
    pub(super) fn later(&mut self, status: StatusCode) -> Reply {
        let value = (self.random.below(10) + 1).to_string();
        Reply { status, headers: vec![Header::new("Retry-After", value)], body: None }
    }
}

/// What a server transaction is opened for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purposed {
    Invite(Purpose),
    Other(Option<super::DialogKey>),
}

/// A client transaction about to start.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) key: crate::transaction::key::ClientKey,
    pub(super) flow: Flow,
    /// Where it goes when the connection of `flow` dies, the last one first.
    pub(super) detours: Vec<Flow>,
    pub(super) request: Bytes,
    pub(super) machine: Started,
    /// For a request that nobody waits for.
    pub(super) keys: Option<Keyring>,
}

#[derive(Debug)]
pub(super) enum Started {
    Invite(Box<clients::Invitation>),
    Other(clients::Purpose),
}

/// Whether a server transaction passed its input up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passed {
    No,
    /// The ACK to a 2xx.
    Ack,
}
