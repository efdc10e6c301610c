//! One worker thread: a table, its sockets, and the turn that drives them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use media::agent::TapEvent;
use media::command::Counters;
use media::{Channel, Command, Datagram, Event, MediaKey, Outbox, Slot, Table, Taken};

use crate::bell::{Bell, Order, Orders};
use crate::outlet::Outlet;
use crate::sockets::Sockets;
use crate::taps::Tap;

pub(crate) struct Worker<S> {
    table: Table,
    effects: Effects<S>,
    orders: Receiver<Order>,
    bell: Arc<Bell>,
    /// For the wakers of taps.
    own_orders: Orders,
    /// Legs whose agent stream may have something for us.
    ready: VecDeque<MediaKey>,
    buffer: Box<[u8]>,
}

/// Where the table's effects go.
struct Effects<S> {
    sockets: S,
    legs: HashMap<MediaKey, Leg>,
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
    pub(crate) fn new(
        seed: u64,
        sockets: S,
        outlet: Outlet,
        bell: Arc<Bell>,
        own_orders: Orders,
        orders: Receiver<Order>,
    ) -> Self {
        Self {
            table: Table::new(seed),
            effects: Effects { sockets, legs: HashMap::new(), outlet },
            orders,
            bell,
            own_orders,
            ready: VecDeque::new(),
            buffer: vec![0; LARGEST_DATAGRAM].into_boxed_slice(),
        }
    }

    /// Turns until `Stop`.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut turned = ControlFlow::Continue(Rest::None);
        while let ControlFlow::Continue(rest) = turned {
            turned = self.turn(rest)?;
        }
        Ok(())
    }

    /// Waits for something to do, and does it.
    fn turn(&mut self, rest: Rest) -> io::Result<ControlFlow<(), Rest>> {
        self.effects.sockets.wait(self.patience(rest))?;
        self.bell.hush();
        let obeyed = self.obey();
        self.listen();
        self.receive();
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
                Ok(Order::Command(command)) => self.command(&command),
                Ok(Order::Attach { media, events, inputs }) => {
                    if let Some(leg) = self.effects.legs.get_mut(&media) {
                        leg.tap = Some(Tap::new(media, events, inputs, self.own_orders.clone()));
                        self.ready.push_back(media);
                    }
                }
                Ok(Order::Ready(media)) => self.ready.push_back(media),
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
        let pair = self.effects.sockets.bind(local.ip(), local.port())?;
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

    fn receive(&mut self) {
        for _ in 0..PACKETS {
            let Some(arrival) = self.effects.sockets.receive(&mut self.buffer) else { return };
            let datagram = Datagram::new(&mut self.buffer, arrival.length);
            let now = Instant::now();
            self.table.receive(
                now,
                arrival.slot,
                arrival.channel,
                arrival.source,
                datagram,
                &mut self.effects,
            );
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

const LARGEST_DATAGRAM: usize = 65_535;

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, UdpSocket};

    use media::command::{Codec, Direction, Remote};
    use tokio::sync::mpsc;

    use super::*;
    use crate::epoll::Epoll;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    struct Bench {
        worker: Worker<Epoll>,
        orders: Orders,
        events: mpsc::Receiver<Event>,
    }

    impl Bench {
        fn new() -> Self {
            let (sender, events) = mpsc::channel(64);
            let (sockets, waker) = Epoll::new().unwrap();
            let bell = Arc::new(Bell::new(waker));
            let (orders, received) = Orders::new(Arc::clone(&bell));
            let worker = Worker::new(1, sockets, Outlet::new(sender), bell, orders.clone(), received);
            Self { worker, orders, events }
        }

        fn order(&mut self, command: Command) {
            self.orders.send(Order::Command(command));
            assert!(self.worker.turn(Rest::None).unwrap().is_continue());
        }

        fn bind(&mut self, media: MediaKey) -> SocketAddr {
            for _ in 0..100 {
                let port = UdpSocket::bind((LOOPBACK, 0)).unwrap().local_addr().unwrap().port() & !1;
                self.order(Command::Bind { media, address: LOOPBACK, port });
                if self.events.try_recv() == Ok(Event::Bound { media }) {
                    return SocketAddr::new(LOOPBACK, port);
                }
            }
            panic!("no free port pair");
        }
    }

    #[test]
    fn a_packet_through_a_worker_allocates_nothing() {
        let phone = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        let (mut bench, media) = (Bench::new(), MediaKey(1));
        let ours = bench.bind(media);
        let remote = Remote {
            rtp: phone.local_addr().unwrap(),
            rtcp: phone.local_addr().unwrap(),
            codec: Codec::Pcmu,
            send_payload_type: 0,
            receive_payload_type: 0,
            telephone_event: None,
            direction: Direction { send: true, receive: true },
            silence_timeout: None,
            srtp: None,
        };
        bench.order(Command::Describe { media, remote });
        bench.order(Command::Echo { media });
        let mut packet = [0x80; 172];
        packet[1] = 0;
        let mut echo = |sequence: u16| {
            packet[2..4].copy_from_slice(&sequence.to_be_bytes());
            packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
            phone.send_to(&packet, ours).unwrap();
            assert!(bench.worker.turn(Rest::None).unwrap().is_continue());
            let mut echoed = [0; 172];
            phone.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            assert_eq!(phone.recv(&mut echoed).unwrap(), 172);
        };
        // The first ones make room: a queue, a latched source.
        (0..100).for_each(&mut echo);
        let measured = allocation_counter::measure(|| (100..1_100).for_each(&mut echo));
        assert_eq!(measured.count_total, 0);
    }
}
