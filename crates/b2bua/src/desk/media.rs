//! Verbs of the media plane: port pairs, bridges, agent streams.

use std::time::Duration;

use media::MediaKey;
use media::agent::{AgentCommand, AgentEvent, AgentKey, Stream};
use media::command::{Command, Digit, Event, Remote, WorkerId};
use numbers::MediaEncryption;
use sdp::{Capabilities, Local};

use super::index::Held;
use super::{Desk, Owner};
use crate::config::MediaAddress;
use crate::io::{CallKey, Now, Output};
use crate::leg::Pair;
use crate::negotiate::Exchange;
use crate::secrets::Keyring;

impl Desk {
    /// Takes a port pair at that address and has it bound; `None` when there is none.
    pub(crate) fn bind(&mut self, now: Now, owner: Owner, address: MediaAddress) -> Option<Pair> {
        let port = self.ports.allocate(now.instant)?;
        let media = MediaKey(self.mint());
        let pair = Pair { media, worker: self.worker(owner.call), port, address };
        self.index.media.insert(media, Held { port, owner: Some(owner) });
        self.put(Output::Media(pair.worker, Command::Bind { media, address: address.bind, port }));
        Some(pair)
    }

    /// Takes in a worker's event: whose it is. A pair that is closed, or was never opened, is given back.
    pub(crate) fn heard(&mut self, now: Now, event: &Event) -> Option<Owner> {
        match event {
            Event::Bound { media }
            | Event::Latched { media, .. }
            | Event::Silent { media }
            | Event::Measured { media, .. }
            | Event::Lost { media } => self.index.media.get(media)?.owner,
            Event::BindFailed { media, .. } | Event::Released { media, .. } => self.give_back(now, *media),
        }
    }

    /// Gives back a pair whose sockets are closed.
    pub(crate) fn give_back(&mut self, now: Now, media: MediaKey) -> Option<Owner> {
        let held = self.index.media.remove(&media)?;
        self.ports.release(now.instant, held.port);
        held.owner
    }

    /// Our side of a leg's session description, on that pair.
    pub(crate) fn exchange(
        &mut self,
        pair: Pair,
        capabilities: Capabilities,
        wanted: MediaEncryption,
    ) -> Exchange {
        // 31 bits: gateways are known that read `o=` into a signed word.
        let session_id = self.random.next() >> 33;
        let Pair { address, port, .. } = pair;
        let mut keyring = Keyring::new(wanted, self.secrets.seed());
        let encryption = keyring.draw();
        let local = Local { address: address.advertised, port, session_id, version: 1, encryption };
        Exchange::new(local, capabilities, keyring)
    }

    /// Tells the worker what was negotiated.
    pub(crate) fn describe(&mut self, pair: Pair, remote: Remote) {
        self.put(Output::Media(pair.worker, Command::Describe { media: pair.media, remote }));
    }

    pub(crate) fn echo(&mut self, pair: Pair) {
        self.put(Output::Media(pair.worker, Command::Echo { media: pair.media }));
    }

    pub(crate) fn tap(&mut self, pair: Pair) {
        self.put(Output::Media(pair.worker, Command::Tap { media: pair.media }));
    }

    /// Both pairs are on one worker, since a call has one.
    pub(crate) fn relay(&mut self, a: Pair, b: Pair) {
        self.put(Output::Media(a.worker, Command::Relay { a: a.media, b: b.media }));
    }

    pub(crate) fn dial(&mut self, pair: Pair, digit: Digit, duration: Duration) {
        self.put(Output::Media(pair.worker, Command::Dial { media: pair.media, digit, duration }));
    }

    /// Lets the agent stream of a tap hear a digit that came beside the audio.
    pub(crate) fn hear(&mut self, pair: Pair, digit: Digit) {
        self.put(Output::Media(pair.worker, Command::Hear { media: pair.media, digit }));
    }

    /// Closes a pair that the call has no more use for.
    pub(crate) fn abandon(&mut self, pair: Pair) {
        if let Some(held) = self.index.media.get_mut(&pair.media) {
            held.owner = None;
        }
        self.release(pair);
    }

    /// Closes the pair; `Released` follows.
    pub(crate) fn release(&mut self, pair: Pair) {
        self.put(Output::Media(pair.worker, Command::Release { media: pair.media }));
    }

    pub(crate) fn open_stream(
        &mut self,
        call: CallKey,
        pair: Pair,
        stream: Stream,
        timeout: Duration,
    ) -> AgentKey {
        let agent = AgentKey(self.mint());
        self.index.streams.insert(agent, call);
        let open = AgentCommand::Open { agent, media: pair.media, stream: Box::new(stream), timeout };
        self.put(Output::Agent(pair.worker, open));
        agent
    }

    /// Whose stream it is. One that is over is forgotten.
    pub(crate) fn stream_owner(&mut self, event: &AgentEvent) -> Option<CallKey> {
        match event {
            AgentEvent::Opened { agent } => self.index.streams.get(agent).copied(),
            AgentEvent::Failed { agent, .. } | AgentEvent::Closed { agent, .. } => {
                self.index.streams.remove(agent)
            }
        }
    }

    pub(crate) fn close_stream(&mut self, pair: Pair, agent: AgentKey) {
        self.index.streams.remove(&agent);
        self.put(Output::Agent(pair.worker, AgentCommand::Close { agent }));
    }

    /// Both directions of a bridge live on one worker, so the call decides which.
    fn worker(&self, call: CallKey) -> WorkerId {
        let workers = u64::from(self.config.workers.max(1));
        WorkerId(u16::try_from(call.0 % workers).unwrap_or(0))
    }
}
