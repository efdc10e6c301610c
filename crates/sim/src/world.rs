//! The world: who is in it, and how time goes on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use b2bua::ask::{Answer, Asker};
use b2bua::io::{Command, Input, Milestone, Notice, Now};
use b2bua::{CallRecord, Census, Config, Core};
use bytes::Bytes;
use numbers::{Directory, Inventory};
use phone::{Dice, Glance, Ladder, Phone, Proxy, Rung};
use sip::{Flow, Transport};

use crate::bot::{Bot, Stream, Told};
use crate::ledger::{Broken, Caller, Ledger};
use crate::queue::{Happening, Queue};
use crate::weather::{Loss, Weather};
use crate::workers::Workers;

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// All of its randomness.
    pub seed: u64,
    /// On every wire.
    pub weather: Weather,
    /// What we own, as in `inventory.toml`.
    pub inventory: String,
    /// The core's settings; its first listener is where we are.
    pub config: Config,
}

/// Why there is no such world.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The inventory is no TOML of that shape.
    #[error("the inventory is unreadable: {0}")]
    Syntax(#[from] toml::de::Error),
    /// The inventory has faults.
    #[error("the inventory has faults: {0:?}")]
    Faults(Vec<numbers::Fault>),
    /// No listener.
    #[error("the core listens nowhere")]
    Nowhere,
}

/// The core under test among scripted parties.
pub struct World {
    start: Instant,
    pub(crate) now: Duration,
    seed: u64,
    pub(crate) core: Core,
    core_deadline: Option<Instant>,
    pub(crate) us: SocketAddr,
    phones: Vec<Phone>,
    strangers: Vec<SocketAddr>,
    proxies: Vec<Proxy>,
    pub(crate) bots: Vec<Bot>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) told: Vec<Told>,
    pub(crate) hosts: BTreeMap<String, Vec<SocketAddr>>,
    weather: Weather,
    pub(crate) dice: Dice,
    losses: Vec<Loss>,
    pub(crate) queue: Queue,
    ladder: Ladder,
    pub(crate) ledger: Ledger,
    pub(crate) workers: Workers,
    /// When the worker has answered all that it was told so far.
    pub(crate) worker_free_at: Duration,
    pub(crate) media: Vec<media::Command>,
    pub(crate) outbox: Vec<String>,
    said: Vec<Bytes>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) answers: Vec<(Asker, Answer)>,
    pub(crate) milestones: Vec<(Milestone, CallRecord)>,
}

impl World {
    /// A world with nobody else in it, at its beginning.
    ///
    /// # Errors
    /// [`SetupError`] where the setup is none.
    pub fn new(setup: Setup) -> Result<Self, SetupError> {
        let us = setup.config.sip.listeners.first().ok_or(SetupError::Nowhere)?.local;
        let directory = directory(&setup.inventory)?;
        let mut dice = Dice::new(setup.seed);
        let mut seed = [0; 32];
        for chunk in seed.chunks_exact_mut(8) {
            chunk.copy_from_slice(&dice.roll().to_le_bytes());
        }
        #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
        let start = Instant::now();
        Ok(Self {
            start,
            now: Duration::ZERO,
            seed: setup.seed,
            core: Core::new(setup.config, Arc::new(directory), seed),
            core_deadline: None,
            us,
            phones: Vec::new(),
            strangers: Vec::new(),
            proxies: Vec::new(),
            bots: Vec::new(),
            streams: Vec::new(),
            told: Vec::new(),
            hosts: BTreeMap::new(),
            weather: setup.weather,
            dice,
            losses: Vec::new(),
            queue: Queue::default(),
            ladder: Ladder::default(),
            ledger: Ledger::default(),
            workers: Workers::prompt(),
            worker_free_at: Duration::ZERO,
            media: Vec::new(),
            outbox: Vec::new(),
            said: Vec::new(),
            notices: Vec::new(),
            answers: Vec::new(),
            milestones: Vec::new(),
        })
    }

    /// Adds a phone that begins its script after `wait`.
    pub fn phone(&mut self, wait: Duration, phone: Phone) {
        self.queue.arrange(self.now + wait, Happening::Begins(self.phones.len()));
        self.phones.push(phone);
    }

    /// Adds a phone whose INVITE may be met with silence.
    pub fn stranger(&mut self, wait: Duration, phone: Phone) {
        self.strangers.push(phone.address());
        self.phone(wait, phone);
    }

    /// Adds a proxy.
    pub fn proxy(&mut self, proxy: Proxy) {
        self.proxies.push(proxy);
    }

    /// Adds the far end of agent streams.
    pub fn bot(&mut self, bot: Bot) {
        self.bots.push(bot);
    }

    /// Names addresses; a name that is not here does not resolve.
    pub fn host(&mut self, name: impl Into<String>, addresses: Vec<SocketAddr>) {
        self.hosts.insert(name.into(), addresses);
    }

    /// Makes the media workers and the store as slow and as unreliable as these.
    pub fn workers(&mut self, workers: Workers) {
        self.workers = workers;
    }

    /// Loses datagrams by the script.
    pub fn lose(&mut self, loss: Loss) {
        self.losses.push(loss);
    }

    /// The operator's word, after `wait`.
    pub fn command(&mut self, wait: Duration, command: Command) {
        self.queue.arrange(self.now + wait, Happening::Told(Box::new(Input::Command(command))));
    }

    /// Any other input to the core, after `wait`.
    pub fn tell(&mut self, wait: Duration, input: Input) {
        self.queue.arrange(self.now + wait, Happening::Told(Box::new(input)));
    }

    /// Plays until nothing is left to happen.
    ///
    /// # Errors
    /// [`Broken`] when the core broke an invariant, or there is no end to it.
    pub fn run(&mut self) -> Result<(), Broken> {
        self.run_until(END);
        self.judge()
    }

    /// Plays until that time.
    pub fn run_until(&mut self, end: Duration) {
        let mut idle_turns = 0;
        loop {
            self.drain();
            let Some(next) = self.next().filter(|next| *next < end || end == END) else { break };
            idle_turns = if next > self.now { 0 } else { idle_turns + 1 };
            self.now = self.now.max(next);
            if self.now > END || idle_turns > 10_000 {
                self.ledger.wrong(format!("there is no end to it at {} ms", self.now.as_millis()));
                break;
            }
            self.turn();
        }
        if end < END {
            self.now = self.now.max(end);
        }
    }

    /// The ladder so far.
    pub fn ladder(&self) -> String {
        self.ladder.to_string()
    }

    /// The finished records, in the order of their calls.
    pub fn records(&self) -> Vec<&CallRecord> {
        self.ledger.finished()
    }

    /// The calls that have not exactly one finished record.
    pub fn unfinished(&self) -> Vec<String> {
        self.ledger.unfinished()
    }

    /// The phone of that name.
    pub fn find(&self, name: &str) -> Option<&Phone> {
        self.phones.iter().find(|phone| phone.name() == name)
    }

    /// All that the core told the media workers.
    pub fn media(&self) -> &[media::Command] {
        &self.media
    }

    /// All that the core wanted done, in its order: messages as on the ladder, media commands by name.
    pub fn outbox(&self) -> &[String] {
        &self.outbox
    }

    /// The messages that we sent whose first line begins so, in order.
    pub fn said(&self, beginning: &str) -> Vec<String> {
        let texts = self.said.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        texts.filter(|text| text.starts_with(beginning)).collect()
    }

    /// What the core had to say that is no call.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The custom parameter of that name that the bot was told first.
    pub fn told_to(&self, bot: &str, parameter: &str) -> Option<&str> {
        let told = self.told.iter().find(|told| told.bot == bot)?;
        told.parameters.iter().find(|(name, _)| name == parameter).map(|(_, value)| value.as_str())
    }

    /// What those were answered who asked by a command.
    pub fn answers(&self) -> &[(Asker, Answer)] {
        &self.answers
    }

    /// What happened to calls between their first record and their last, and their records then.
    pub fn milestones(&self) -> &[(Milestone, CallRecord)] {
        &self.milestones
    }

    /// When the earliest thing is due.
    fn next(&self) -> Option<Duration> {
        let timers = self.phones.iter().filter_map(Phone::deadline).chain(self.core_deadline);
        let timers = timers.map(|at| at.saturating_duration_since(self.start));
        timers.chain(self.queue.next_at()).min()
    }

    fn turn(&mut self) {
        if let Some(happening) = self.queue.pop_due(self.now) {
            self.happen(happening);
            return;
        }
        let now = self.instant();
        for phone in &mut self.phones {
            if phone.deadline().is_some_and(|at| at <= now) {
                phone.expire(now);
            }
        }
        if self.core_deadline.is_some_and(|at| at <= now) {
            self.feed(Input::Timeout);
        }
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.instant();
        match happening {
            Happening::Begins(phone) => {
                if let Some(phone) = self.phones.get_mut(phone) {
                    phone.expire(now);
                }
            }
            Happening::Told(input) => {
                if self.is_told(&input) {
                    self.feed(*input);
                }
            }
            Happening::Arrives { from, to, bytes } if to == self.us => {
                if let Ok(glance) = Glance::of(&bytes) {
                    let caller =
                        if self.strangers.contains(&from) { Caller::Stranger } else { Caller::Known };
                    self.ledger.received(&glance, caller);
                }
                let flow = Flow { transport: Transport::Udp, local: self.us, remote: from };
                self.feed(Input::Datagram { flow, bytes });
            }
            Happening::Arrives { from, to, bytes } => {
                for phone in self.phones.iter_mut().filter(|phone| phone.address() == to) {
                    phone.receive(now, from, &bytes);
                }
                for proxy in self.proxies.iter_mut().filter(|proxy| proxy.address() == to) {
                    proxy.receive(from, &bytes);
                }
            }
        }
    }

    fn feed(&mut self, input: Input) {
        let now = Now { instant: self.instant(), wall_ms: EPOCH_MS + millis(self.now) };
        self.core.handle(now, input);
        self.core_deadline = self.follow();
    }

    /// Takes what phones and proxies want sent to the wire.
    fn drain(&mut self) {
        let mut sent = Vec::new();
        for phone in &mut self.phones {
            let from = phone.address();
            sent.extend(std::iter::from_fn(|| phone.poll_transmit()).map(|(to, bytes)| (from, to, bytes)));
        }
        for proxy in &mut self.proxies {
            let from = proxy.address();
            sent.extend(std::iter::from_fn(|| proxy.poll_transmit()).map(|(to, bytes)| (from, to, bytes)));
        }
        for (from, to, bytes) in sent {
            self.transmit(from, to, &bytes);
        }
    }

    /// Puts a datagram on the wire.
    pub(crate) fn transmit(&mut self, from: SocketAddr, to: SocketAddr, bytes: &Bytes) {
        let glance = Glance::of(bytes);
        if from == self.us {
            match &glance {
                Ok(glance) => self.ledger.sent(glance),
                Err(fault) => self.ledger.wrong(format!("we sent what is no message: {fault}")),
            }
        }
        let label = glance.map_or_else(|fault| format!("? {fault}"), |glance| glance.to_string());
        if from == self.us {
            self.outbox.push(label.clone());
            self.said.push(bytes.clone());
        }
        let (sender, receiver) = (self.name(from), self.name(to));
        let taken = self.losses.iter_mut().any(|loss| loss.takes(&sender, &receiver, &label));
        let arrivals = if taken { Vec::new() } else { self.weather.arrivals(&mut self.dice) };
        let note = match arrivals.len() {
            0 => Some("lost".to_owned()),
            1 => None,
            _ => Some("twice".to_owned()),
        };
        self.draw(&sender, Some(&receiver), &label, note);
        for after in arrivals {
            let bytes =
                if to == self.us { self.weather.garble(&mut self.dice, bytes) } else { bytes.clone() };
            self.queue.arrange(self.now + after, Happening::Arrives { from, to, bytes });
        }
    }

    pub(crate) fn draw(&mut self, from: &str, to: Option<&str>, label: &str, note: Option<String>) {
        let (from, to, label) = (from.to_owned(), to.map(str::to_owned), label.to_owned());
        self.ladder.push(Rung { at: self.now, from, to, label, note });
    }

    fn name(&self, address: SocketAddr) -> String {
        if address == self.us {
            return "us".to_owned();
        }
        let phones = self.phones.iter().map(|phone| (phone.address(), phone.name()));
        let proxies = self.proxies.iter().map(|proxy| (proxy.address(), proxy.name()));
        let mut all = phones.chain(proxies);
        all.find(|(of, _)| *of == address).map_or_else(|| address.to_string(), |(_, name)| name.to_owned())
    }

    fn instant(&self) -> Instant {
        self.start + self.now
    }

    fn judge(&mut self) -> Result<(), Broken> {
        let mut wrong = self.ledger.judge();
        for phone in &self.phones {
            let name = phone.name();
            wrong.extend(phone.fault().map(|fault| format!("{name}: {fault}")));
            if phone.times().invited.is_some() && phone.outcome().is_none() && !phone.is_ignoring() {
                wrong.push(format!("the call of {name} has no end"));
            }
            if phone.transactions() > 0 && !phone.is_ignoring() {
                wrong.push(format!("{name} still waits for {} responses or ACKs", phone.transactions()));
            }
        }
        wrong.extend(self.streams.iter().map(|stream| format!("the stream to {} is still open", stream.bot)));
        wrong.extend(self.leftovers());
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Broken { wrong, seed: self.seed, ladder: self.ladder() })
    }
}

impl World {
    /// What the core still holds though nothing is left to happen.
    pub fn leftovers(&self) -> Option<String> {
        let census = Census { unrecorded: 0, ..self.core.census() };
        (census != Census::default()).then(|| format!("the core still holds {census:?}"))
    }
}

fn directory(inventory: &str) -> Result<Directory, SetupError> {
    let inventory: Inventory = toml::from_str(inventory)?;
    Directory::new(inventory).map_err(SetupError::Faults)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// 2027-01-15T08:00:00Z, at the beginning of every world.
pub(crate) const EPOCH_MS: u64 = 1_800_000_000_000;
/// No script goes on for so long.
const END: Duration = Duration::from_hours(24);
