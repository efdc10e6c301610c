use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use media::command::{Codec, Counters, Direction, Remote};
use media::{Channel, Command, Event, MediaKey, Slot};
use tokio::sync::mpsc;

use super::*;
use crate::bell::Bell;
use crate::epoll::Epoll;
use crate::ports::{Dscp, Pair};
use crate::sockets::Arrival;
use crate::{Backend, Plan, Workers};

/// Sockets that make their worker panic: by a datagram of this text, by a fourth pair, and by the end of the second one.
struct Brittle(Epoll);

const BREAK: &[u8] = b"break";

impl Sockets for Brittle {
    fn open(bell: &Bell, counts: Arc<ThreadCounts>) -> io::Result<Self> {
        Epoll::open(bell, counts).map(Self)
    }

    fn insert(&mut self, slot: Slot, pair: Pair) -> io::Result<()> {
        assert_ne!(slot, Slot(3), "as a test wants it");
        self.0.insert(slot, pair)
    }

    fn remove(&mut self, slot: Slot) {
        assert_ne!(slot, Slot(1), "as a test wants it");
        self.0.remove(slot);
    }

    fn wait(&mut self, limit: Option<Duration>, gather: Duration) -> io::Result<()> {
        self.0.wait(limit, gather)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrival> {
        let arrival = self.0.receive(buffer)?;
        assert_ne!(&buffer[..arrival.length], BREAK, "as a test wants it");
        Some(arrival)
    }

    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]) {
        self.0.send(slot, channel, to, packet);
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const FIRST: WorkerId = WorkerId(0);
const SECOND: WorkerId = WorkerId(1);

struct House {
    workers: Workers,
    events: mpsc::Receiver<Event>,
    counts: Arc<ThreadCounts>,
    phone: UdpSocket,
}

impl House {
    fn new() -> Self {
        let (told, events) = mpsc::channel(64);
        let counts: Arc<ThreadCounts> = Arc::default();
        let plan =
            Plan { count: 2, seed: 7, backend: Backend::Epoll, dscp: Dscp::EF, counts: Arc::clone(&counts) };
        let workers = Workers::start_on::<Brittle>(&plan, &told).unwrap();
        let phone = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        phone.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { workers, events, counts, phone }
    }

    fn event(&mut self) -> Event {
        self.events.blocking_recv().unwrap()
    }

    /// A leg that echoes, and its RTP port.
    fn echo(&mut self, worker: WorkerId, key: u64) -> SocketAddr {
        let media = MediaKey(key);
        let ours = crate::free::pair(LOOPBACK, |port| {
            self.workers.command(worker, Command::Bind { media, address: LOOPBACK, port });
            (self.event() == Event::Bound { media }).then_some(SocketAddr::new(LOOPBACK, port))
        });
        let far = self.phone.local_addr().unwrap();
        let remote = Remote {
            rtp: far,
            rtcp: far,
            codec: Codec::Pcmu,
            send_payload_type: 0,
            receive_payload_type: 0,
            telephone_event: None,
            direction: Direction { send: true, receive: true },
            silence_timeout: None,
            srtp: None,
        };
        self.workers.command(worker, Command::Describe { media, remote });
        self.workers.command(worker, Command::Echo { media });
        ours
    }

    /// Speaks to a leg that echoes until it is heard, as the order to echo may come after the first packet.
    fn is_heard(&self, leg: SocketAddr, key: u8) {
        let packet = |sequence: u8| {
            [&[0x80, 0, 0, sequence, 0, 0, 0, sequence, 0, 0, 0, key][..], &[key; 160]].concat()
        };
        for sequence in 0..100 {
            self.phone.send_to(&packet(sequence), leg).unwrap();
            let mut echoed = [0; 200];
            let (length, source) = self.phone.recv_from(&mut echoed).unwrap();
            if source == leg && length == 172 {
                return assert_eq!(echoed[12..length], [key; 160]);
            }
        }
        panic!("nothing is echoed");
    }

    fn hit(&self, leg: SocketAddr) {
        self.phone.send_to(BREAK, leg).unwrap();
    }

    fn lost(&mut self, keys: &[u64]) {
        for key in keys {
            let mut event = self.event();
            while matches!(event, Event::Latched { .. }) {
                event = self.event();
            }
            assert_eq!(event, Event::Lost { media: MediaKey(*key) });
        }
    }

    fn release(&mut self, worker: WorkerId, key: u64) -> Counters {
        self.workers.command(worker, Command::Release { media: MediaKey(key) });
        loop {
            let event = self.event();
            if let Event::Released { media, counters } = event {
                assert_eq!(media, MediaKey(key));
                return counters;
            }
            assert!(matches!(event, Event::Latched { .. }), "{event:?}");
        }
    }
}

#[test]
fn a_thread_that_panics_loses_its_legs_and_carries_the_next_ones_while_others_go_on() {
    let mut house = House::new();
    let (one, _other) = (house.echo(FIRST, 1), house.echo(FIRST, 2));
    let elsewhere = house.echo(SECOND, 3);
    house.is_heard(elsewhere, 3);
    house.hit(one);
    house.lost(&[1, 2]);
    assert_eq!(house.counts.of(Mishap::Restart), 1);
    house.is_heard(elsewhere, 3);
    // Released as any other leg, and its ports are free at once.
    assert_eq!(house.release(FIRST, 1), Counters::default());
    UdpSocket::bind(one).unwrap();
    let next = house.echo(FIRST, 4);
    house.is_heard(next, 4);
    assert!(house.release(SECOND, 3).received > 1);
    house.workers.stop();
}

#[test]
fn a_command_that_its_thread_failed_over_is_answered() {
    let mut house = House::new();
    for key in 1..=3 {
        house.echo(FIRST, key);
    }
    let port = crate::free::pair(LOOPBACK, Some);
    house.workers.command(FIRST, Command::Bind { media: MediaKey(4), address: LOOPBACK, port });
    house.lost(&[1, 2, 3]);
    let error = "the packet thread failed".to_owned();
    assert_eq!(house.event(), Event::BindFailed { media: MediaKey(4), error });
    house.echo(FIRST, 5);
    house.echo(FIRST, 6);
    house.workers.command(FIRST, Command::Release { media: MediaKey(6) });
    house.lost(&[5]);
    assert_eq!(house.event(), Event::Released { media: MediaKey(6), counters: Counters::default() });
    assert_eq!(house.counts.of(Mishap::Restart), 2);
    house.workers.stop();
}

#[test]
fn a_thread_that_fails_again_and_again_is_given_up_and_its_last_legs_are_told() {
    let mut house = House::new();
    let failed = house.workers.failed();
    for key in 1..=5 {
        let leg = house.echo(FIRST, key);
        house.hit(leg);
        house.lost(&[key]);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let failed = runtime.block_on(failed);
    assert_eq!(failed.worker, FIRST);
    assert!(failed.why.starts_with("it panicked: assertion"), "{failed}");
    assert!(failed.why.ends_with("this was failure 5 within 60 s"), "{failed}");
    assert_eq!(house.counts.of(Mishap::Restart), 4);
}

#[test]
fn failures_that_are_far_apart_are_not_too_many() {
    let start = Instant::now();
    let mut failures = Failures::default();
    for number in 0..50 {
        assert!(!failures.are_too_many(start + Duration::from_secs(15) * number));
    }
    let last = start + Duration::from_secs(15) * 49;
    assert!(failures.are_too_many(last + Duration::from_secs(1)));
}
