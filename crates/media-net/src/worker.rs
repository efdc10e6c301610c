//! One worker thread: a table, its sockets, and the turn that drives them.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use media::agent::TapEvent;
use media::command::Counters;
use media::{Channel, Command, Datagram, Event, MediaKey, Outbox, Slot, Table, Taken, ThreadCounts};

use crate::bell::{Alarm, Bell, Order};
use crate::outlet::Outlet;
use crate::pace::Pace;
use crate::ports::{Dscp, Pair};
use crate::sockets::{Arrival, LARGEST_PACKET, Sockets};
use crate::taps::Tap;

/// What a worker has beside its table and its sockets.
pub(crate) struct Outfit {
    pub(crate) seed: u64,
    pub(crate) outlet: Outlet,
    pub(crate) bell: Arc<Bell>,
    pub(crate) orders: Receiver<Order>,
    pub(crate) dscp: Dscp,
    pub(crate) counts: Arc<ThreadCounts>,
}

pub(crate) struct Worker<S> {
    table: Table,
    effects: Effects<S>,
    orders: Receiver<Order>,
    bell: Arc<Bell>,
    /// For the wakers of taps.
    alarm: Alarm,
    woken: Receiver<MediaKey>,
    /// Legs whose agent stream may have something for us.
    ready: VecDeque<MediaKey>,
    buffer: Box<[u8]>,
    dscp: Dscp,
    /// The next table's.
    seed: u64,
    /// What a failure leaves half done.
    underway: Underway,
    pace: Pace,
    counts: Arc<ThreadCounts>,
}

/// A command that has an answer of its own, while it is carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Underway {
    Nothing,
    Bind(MediaKey),
    Release(MediaKey),
}

/// Where the table's effects go.
struct Effects<S> {
    sockets: S,
    legs: BTreeMap<MediaKey, Leg>,
    outlet: Outlet,
}

/// The agent side of a leg.
#[derive(Default)]
struct Leg {
    tap: Option<Tap>,
    mode: Mode,
}

/// Whether what the agent sends may reach the table: before the leg is tapped it waits in its channel.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Untapped,
    Tapped,
}

/// Whether a part of the turn stopped at its budget.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    None,
    Some,
}

impl<S: Sockets> Worker<S> {
    pub(crate) fn new(outfit: Outfit) -> io::Result<Self> {
        let Outfit { seed, outlet, bell, orders, dscp, counts } = outfit;
        let (alarm, woken) = Alarm::new(Arc::clone(&bell));
        let sockets = S::open(&bell, Arc::clone(&counts))?;
        Ok(Self {
            table: Table::new(seed),
            effects: Effects { sockets, legs: BTreeMap::new(), outlet },
            orders,
            bell,
            alarm,
            woken,
            ready: VecDeque::new(),
            buffer: vec![0; LARGEST_PACKET].into_boxed_slice(),
            dscp,
            seed: next(seed),
            underway: Underway::Nothing,
            pace: Pace::default(),
            counts,
        })
    }

    /// After a failure in the middle of a turn: nothing that it may have left half done is used again. Each leg is told as lost, and a command
    /// that was being carried out has its answer; orders and events that wait are kept.
    pub(crate) fn begin_anew(&mut self) -> io::Result<()> {
        let legs = std::mem::take(&mut self.effects.legs);
        let answer = match std::mem::replace(&mut self.underway, Underway::Nothing) {
            Underway::Nothing => None,
            Underway::Bind(media) => {
                Some(Event::BindFailed { media, error: "the packet thread failed".into() })
            }
            Underway::Release(media) => Some(Event::Released { media, counters: Counters::default() }),
        };
        for media in legs.keys().copied() {
            self.effects.outlet.tell(Event::Lost { media });
        }
        if let Some(answer) = answer {
            self.effects.outlet.tell(answer);
        }
        self.ready.clear();
        self.table = Table::new(self.seed);
        self.seed = next(self.seed);
        self.effects.sockets = S::open(&self.bell, Arc::clone(&self.counts))?;
        Ok(())
    }

    /// How many legs it has.
    pub(crate) fn legs(&self) -> usize {
        self.effects.legs.len()
    }

    /// Turns until `Stop`.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        // What was ordered before is not waited for.
        let mut turned = ControlFlow::Continue(Rest::Some);
        while let ControlFlow::Continue(rest) = turned {
            turned = self.turn(rest)?;
        }
        // What was given to send in the last turn.
        self.effects.sockets.wait(Some(Duration::ZERO), Duration::ZERO)
    }

    /// Waits for something to do, and does it.
    fn turn(&mut self, rest: Rest) -> io::Result<ControlFlow<(), Rest>> {
        self.effects.sockets.wait(self.patience(rest), self.pace.gathers())?;
        self.bell.hush();
        let obeyed = self.obey();
        self.listen();
        let now = Instant::now();
        let received = self.receive(now);
        self.pace.turned(now, received);
        self.table.expire(Instant::now(), &mut self.effects);
        self.effects.outlet.flush();
        Ok(obeyed)
    }

    /// How long the next turn may wait.
    fn patience(&self, rest: Rest) -> Option<Duration> {
        if rest == Rest::Some || !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = self.table.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let retry = self.effects.outlet.is_holding().then_some(RETRY);
        [due, retry].into_iter().flatten().min()
    }

    /// Carries out orders.
    fn obey(&mut self) -> ControlFlow<(), Rest> {
        for _ in 0..ORDERS {
            match self.orders.try_recv() {
                Ok(Order::Command(command)) => {
                    self.underway = Underway::of(&command);
                    self.command(&command);
                    self.underway = Underway::Nothing;
                }
                Ok(Order::Attach { media, events, inputs }) => {
                    if let Some(leg) = self.effects.legs.get_mut(&media) {
                        leg.tap = Some(Tap::new(media, events, inputs, self.alarm.clone()));
                        self.ready.push_back(media);
                    }
                }
                Ok(Order::Stop) => return ControlFlow::Break(()),
                Err(_) => return ControlFlow::Continue(Rest::None),
            }
        }
        ControlFlow::Continue(Rest::Some)
    }

    fn command(&mut self, command: &Command) {
        match *command {
            Command::Bind { media, address, port } => {
                let event = match self.bind(media, SocketAddr::new(address, port)) {
                    Ok(()) => Event::Bound { media },
                    Err(error) => Event::BindFailed { media, error },
                };
                self.effects.outlet.tell(event);
            }
            Command::Release { media } => {
                self.effects.legs.remove(&media);
                let counters = match self.table.close(Instant::now(), media, &mut self.effects) {
                    Some((slot, counters)) => {
                        self.effects.sockets.remove(slot);
                        counters
                    }
                    None => Counters::default(),
                };
                self.effects.outlet.tell(Event::Released { media, counters });
            }
            Command::Tap { media } => {
                self.table.apply(Instant::now(), command);
                self.set_mode(media, Mode::Tapped);
                self.ready.push_back(media);
            }
            Command::Echo { media } => {
                self.set_mode(media, Mode::Untapped);
                self.table.apply(Instant::now(), command);
            }
            Command::Relay { a, b } => {
                self.set_mode(a, Mode::Untapped);
                self.set_mode(b, Mode::Untapped);
                self.table.apply(Instant::now(), command);
            }
            Command::Describe { .. } | Command::Dial { .. } | Command::Hear { .. } => {
                self.table.apply(Instant::now(), command);
            }
        }
    }

    fn bind(&mut self, media: MediaKey, local: SocketAddr) -> Result<(), String> {
        if self.effects.legs.contains_key(&media) {
            return Err("the leg has its ports already".into());
        }
        let pair = Pair::bind(local.ip(), local.port(), self.dscp)?;
        let slot = self.table.open(Instant::now(), media);
        if let Err(error) = self.effects.sockets.insert(slot, pair) {
            self.table.close(Instant::now(), media, &mut self.effects);
            return Err(format!("ports {local} and after: {error}"));
        }
        self.effects.legs.insert(media, Leg::default());
        Ok(())
    }

    fn set_mode(&mut self, media: MediaKey, mode: Mode) {
        if let Some(leg) = self.effects.legs.get_mut(&media) {
            leg.mode = mode;
        }
    }

    /// Takes what agents want played: a few wishes of each, so that all get on. What is over stays in its channel, whose
    /// sender waits.
    fn listen(&mut self) {
        self.ready.extend(self.woken.try_iter());
        for _ in 0..self.ready.len() {
            let Some(media) = self.ready.pop_front() else { return };
            let Some(leg) = self.effects.legs.get_mut(&media) else { continue };
            let (Some(tap), Mode::Tapped) = (&mut leg.tap, leg.mode) else { continue };
            let wishes = std::iter::from_fn(|| tap.next()).take(WISHES);
            let mut taken = 0;
            for wish in wishes {
                taken += 1;
                self.table.input(Instant::now(), media, wish);
            }
            if taken == WISHES {
                self.ready.push_back(media);
            }
        }
    }

    /// How many packets there were. The clock is read once for all: a turn is shorter than what it is needed for.
    fn receive(&mut self, now: Instant) -> usize {
        for received in 0..PACKETS {
            let Some(arrival) = self.effects.sockets.receive(&mut self.buffer) else { return received };
            let Arrival { slot, channel, source, length } = arrival;
            let datagram = Datagram::new(&mut self.buffer, length);
            self.table.receive(now, slot, channel, source, datagram, &mut self.effects);
        }
        PACKETS
    }
}

impl Underway {
    fn of(command: &Command) -> Self {
        match *command {
            Command::Bind { media, .. } => Self::Bind(media),
            Command::Release { media } => Self::Release(media),
            Command::Describe { .. }
            | Command::Relay { .. }
            | Command::Echo { .. }
            | Command::Tap { .. }
            | Command::Dial { .. }
            | Command::Hear { .. } => Self::Nothing,
        }
    }
}

impl<S: Sockets> Outbox for Effects<S> {
    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]) {
        self.sockets.send(slot, channel, to, packet);
    }

    fn tap(&mut self, media: MediaKey, event: TapEvent) -> Taken {
        self.legs.get(&media).and_then(|leg| leg.tap.as_ref()).map_or(Taken::No, |tap| tap.offer(event))
    }

    fn event(&mut self, event: Event) {
        self.outlet.tell(event);
    }
}

/// Orders in one turn.
const ORDERS: usize = 256;

/// Wishes of one agent in one turn.
const WISHES: usize = 32;

/// Packets in one turn: at 10 µs each, a tenth of a packet's 20 ms.
const PACKETS: usize = 256;

/// How long to wait for room in the events' channel.
const RETRY: Duration = Duration::from_millis(5);

/// Another seed for another table.
const fn next(seed: u64) -> u64 {
    seed.rotate_left(21).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1)
}

#[cfg(test)]
mod tests;
