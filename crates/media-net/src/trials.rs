//! One suite for both back ends.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::{Channel, Mishap, Slot, ThreadCounts};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;

use crate::Backend;
use crate::bell::{Bell, Order, Orders};
use crate::ports::{Dscp, Pair};
use crate::sockets::{LARGEST_DATAGRAM, Sockets};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Nothing here takes a tenth of it; what waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether this kernel lets us have it; says so aloud if not.
pub(crate) fn has_io_uring() -> bool {
    let probed = Backend::IoUring.probe();
    if let Err(error) = &probed {
        println!("skipped: io_uring can't be had here: {error}");
    }
    probed.is_ok()
}

struct Rig<S> {
    sockets: S,
    bell: Arc<Bell>,
    counts: Arc<ThreadCounts>,
    buffer: Vec<u8>,
}

/// What arrived, where, from whom.
type Heard = (Slot, Channel, SocketAddr, Vec<u8>);

impl<S: Sockets> Rig<S> {
    fn new() -> Self {
        let (bell, counts) = (Arc::new(Bell::new().unwrap()), Arc::<ThreadCounts>::default());
        let sockets = S::open(&bell, Arc::clone(&counts)).unwrap();
        Self { sockets, bell, counts, buffer: vec![0; LARGEST_DATAGRAM] }
    }

    /// A pair in this slot; its RTP port.
    fn open(&mut self, slot: u32, address: IpAddr) -> SocketAddr {
        let (pair, local) = crate::free::pair(address, |port| {
            let pair = Pair::bind(address, port, Dscp::EF).ok()?;
            Some((pair, SocketAddr::new(address, port)))
        });
        self.sockets.insert(Slot(slot), pair).unwrap();
        // Armed from here on.
        self.sockets.wait(Some(Duration::ZERO), Duration::ZERO).unwrap();
        local
    }

    fn taken(&mut self) -> Option<Heard> {
        let arrival = self.sockets.receive(&mut self.buffer)?;
        Some((arrival.slot, arrival.channel, arrival.source, self.buffer[..arrival.length].to_vec()))
    }

    /// The next datagram, waiting for it.
    fn hear(&mut self) -> Heard {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(heard) = self.taken() {
                return heard;
            }
            self.sockets.wait(Some(PATIENCE), Duration::ZERO).unwrap();
        }
        panic!("nothing arrives");
    }

    /// Sends what was given to send.
    fn flush(&mut self) {
        self.sockets.wait(Some(Duration::ZERO), Duration::ZERO).unwrap();
    }
}

fn phone(address: IpAddr) -> UdpSocket {
    let phone = UdpSocket::bind((address, 0)).unwrap();
    phone.set_read_timeout(Some(PATIENCE)).unwrap();
    phone
}

fn heard_by(phone: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; LARGEST_DATAGRAM];
    let (length, source) = phone.recv_from(&mut buffer).unwrap();
    (buffer[..length].to_vec(), source)
}

const fn beside(rtp: SocketAddr) -> SocketAddr {
    match rtp {
        SocketAddr::V4(v4) => SocketAddr::new(IpAddr::V4(*v4.ip()), v4.port() + 1),
        SocketAddr::V6(v6) => SocketAddr::new(IpAddr::V6(*v6.ip()), v6.port() + 1),
    }
}

fn datagrams_arrive_with_their_source_and_leave_from_their_port<S: Sockets>() {
    for address in [V4, V6] {
        let mut rig = Rig::<S>::new();
        let (ours, phone) = (rig.open(0, address), phone(address));
        for (channel, local) in [(Channel::Rtp, ours), (Channel::Rtcp, beside(ours))] {
            phone.send_to(b"there", local).unwrap();
            let source = phone.local_addr().unwrap();
            assert_eq!(rig.hear(), (Slot(0), channel, source, b"there".to_vec()));
            rig.sockets.send(Slot(0), channel, source, b"back");
            rig.flush();
            assert_eq!(heard_by(&phone), (b"back".to_vec(), local));
        }
    }
}

fn the_two_families_are_bridged<S: Sockets>() {
    let mut rig = Rig::<S>::new();
    let (old, new) = (rig.open(0, V4), rig.open(1, V6));
    let (elder, younger) = (phone(V4), phone(V6));
    for (from, to, hears, other) in [(&elder, old, &younger, Slot(1)), (&younger, new, &elder, Slot(0))] {
        from.send_to(b"over", to).unwrap();
        let (.., bytes) = rig.hear();
        rig.sockets.send(other, Channel::Rtp, hears.local_addr().unwrap(), &bytes);
        rig.flush();
        assert_eq!(heard_by(hears).0, b"over");
    }
}

fn removed_ports_are_free_at_once_whatever_is_on_its_way<S: Sockets>() {
    let (mut rig, phone) = (Rig::<S>::new(), phone(V4));
    for _ in 0..20 {
        let ours = rig.open(0, V4);
        for _ in 0..50 {
            phone.send_to(&[1; 172], ours).unwrap();
            rig.sockets.send(Slot(0), Channel::Rtp, phone.local_addr().unwrap(), &[2; 172]);
        }
        rig.sockets.remove(Slot(0));
        UdpSocket::bind(ours).unwrap();
        UdpSocket::bind(beside(ours)).unwrap();
        assert_eq!(rig.taken(), None);
    }
    // What no socket has is nothing to anyone.
    rig.sockets.remove(Slot(0));
    rig.sockets.remove(Slot(77));
    rig.sockets.send(Slot(0), Channel::Rtp, phone.local_addr().unwrap(), &[2; 172]);
}

/// Also while its ports are not heard, as all room for what arrives is taken.
fn what_was_given_to_send_leaves_from_its_own_port_though_that_is_closed<S: Sockets>() {
    let (mut rig, flood, phone) = (Rig::<S>::new(), phone(V4), phone(V4));
    let ours = rig.open(0, V4);
    for slot in 1..=10 {
        let busy = rig.open(slot, V4);
        for _ in 0..200 {
            flood.send_to(&[3; 10], busy).unwrap();
        }
    }
    for _ in 0..100 {
        rig.flush();
    }
    for port in [ours, beside(ours)] {
        flood.send_to(b"hello", port).unwrap();
    }
    rig.flush();
    rig.sockets.send(Slot(0), Channel::Rtp, phone.local_addr().unwrap(), b"goodbye");
    rig.sockets.remove(Slot(0));
    rig.open(0, V4);
    assert_eq!(heard_by(&phone), (b"goodbye".to_vec(), ours));
}

fn a_slot_hears_nothing_of_who_had_it_before<S: Sockets>() {
    let (mut rig, phone) = (Rig::<S>::new(), phone(V4));
    for round in 0..20 {
        let ours = rig.open(5, V4);
        phone.send_to(&[round; 10], ours).unwrap();
        assert_eq!(rig.hear().3, [round; 10]);
        for _ in 0..40 {
            phone.send_to(b"old", ours).unwrap();
        }
        // Taken in by the back end, and by nobody else.
        rig.sockets.wait(Some(PATIENCE), Duration::ZERO).unwrap();
        rig.sockets.remove(Slot(5));
    }
}

fn a_thousand_sockets_are_all_heard<S: Sockets>() {
    let bound = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: bound.maximum, ..bound }).unwrap();
    let (mut rig, phone) = (Rig::<S>::new(), phone(V4));
    let ports: Vec<_> = (0..500).map(|slot| rig.open(slot, V4)).collect();
    for round in 0..3_u8 {
        let mut heard = vec![false; 1_000];
        // Both ports of each, in parts, so that no buffer is full.
        for part in ports.chunks(50) {
            for ours in part {
                phone.send_to(&[round], *ours).unwrap();
                phone.send_to(&[round], beside(*ours)).unwrap();
            }
            for _ in 0..part.len() * 2 {
                let (slot, channel, _, bytes) = rig.hear();
                assert_eq!(bytes, [round]);
                heard[slot.index() * 2 + usize::from(channel == Channel::Rtcp)] = true;
            }
        }
        assert_eq!(heard, [true; 1_000]);
    }
    for slot in 0..500 {
        rig.sockets.remove(Slot(slot));
    }
    UdpSocket::bind(ports[499]).unwrap();
}

fn a_flooded_socket_does_not_hold_up_another<S: Sockets>() {
    let (mut rig, flood, phone) = (Rig::<S>::new(), phone(V4), phone(V4));
    let (busy, quiet) = (rig.open(0, V4), rig.open(1, V4));
    for _ in 0..250 {
        flood.send_to(&[9; 172], busy).unwrap();
    }
    phone.send_to(b"me too", quiet).unwrap();
    let mut before = 0;
    while rig.hear().0 != Slot(1) {
        before += 1;
    }
    assert!(before <= 33, "{before} of the flood came first");
}

fn more_than_there_is_room_for_waits_and_is_not_lost<S: Sockets>() {
    let (mut rig, phone) = (Rig::<S>::new(), phone(V4));
    let ports: Vec<_> = (0..10).map(|slot| rig.open(slot, V4)).collect();
    for ours in &ports {
        for _ in 0..200 {
            phone.send_to(&[3; 10], ours).unwrap();
        }
    }
    let mut heard = [0; 10];
    for _ in 0..2_000 {
        heard[rig.hear().0.index()] += 1;
    }
    assert_eq!(heard, [200; 10]);
}

fn a_datagram_that_is_too_long_is_dropped_and_counted<S: Sockets>() {
    let (mut rig, phone) = (Rig::<S>::new(), phone(V4));
    let ours = rig.open(0, V4);
    for length in [LARGEST_DATAGRAM + 1, 3_000, 65_507] {
        phone.send_to(&vec![1; length], ours).unwrap();
    }
    for length in [LARGEST_DATAGRAM, 0, 1] {
        phone.send_to(&vec![2; length], ours).unwrap();
        assert_eq!(rig.hear().3, vec![2; length]);
    }
    assert_eq!(rig.counts.of(Mishap::Oversize), 3);
}

fn a_burst_of_a_turn_leaves_whole_and_in_order<S: Sockets>() {
    let (mut rig, phone) = (Rig::<S>::new(), phone(V4));
    SockRef::from(&phone).set_recv_buffer_size(1 << 20).unwrap();
    rig.open(0, V4);
    let burst = 400_u16;
    for number in 0..burst {
        let packet = [number.to_be_bytes().as_slice(), &[0; 170]].concat();
        rig.sockets.send(Slot(0), Channel::Rtp, phone.local_addr().unwrap(), &packet);
    }
    rig.flush();
    for number in 0..burst {
        assert_eq!(heard_by(&phone).0[..2], number.to_be_bytes());
    }
    assert_eq!(rig.counts.of(Mishap::Unsent), 0);
}

fn what_cant_be_sent_is_counted<S: Sockets>() {
    let mut rig = Rig::<S>::new();
    rig.open(0, V4);
    rig.sockets.send(Slot(0), Channel::Rtp, "[::1]:9".parse().unwrap(), b"of another family");
    rig.flush();
    rig.sockets.send(Slot(0), Channel::Rtp, "127.0.0.1:9".parse().unwrap(), &vec![0; 65_508]);
    rig.flush();
    rig.sockets.wait(Some(Duration::from_millis(1)), Duration::ZERO).unwrap();
    assert_eq!(rig.counts.of(Mishap::Unsent), 2);
}

fn a_port_that_nobody_listens_on_harms_no_other_packet<S: Sockets>() {
    let (mut rig, phone) = (Rig::<S>::new(), phone(V4));
    let ours = rig.open(0, V4);
    let nobody = beside(self::phone(V4).local_addr().unwrap());
    for round in 0..20 {
        rig.sockets.send(Slot(0), Channel::Rtp, nobody, b"anyone?");
        rig.flush();
        phone.send_to(&[round], ours).unwrap();
        assert_eq!(rig.hear().3, [round]);
    }
}

fn the_bell_wakes_before_and_during_a_wait<S: Sockets>() {
    let mut rig = Rig::<S>::new();
    let (orders, _received) = Orders::new(Arc::clone(&rig.bell));
    for _ in 0..3 {
        orders.send(Order::Stop);
        rig.sockets.wait(None, Duration::ZERO).unwrap();
        rig.bell.hush();
        let far = orders.clone();
        let ringer = std::thread::spawn(move || far.send(Order::Stop));
        rig.sockets.wait(None, Duration::ZERO).unwrap();
        ringer.join().unwrap();
        rig.bell.hush();
    }
}

fn a_wait_ends_at_its_limit<S: Sockets>() {
    let mut rig = Rig::<S>::new();
    rig.flush();
    let (start, limit) = (Instant::now(), Duration::from_millis(30));
    while start.elapsed() < limit {
        let left = limit.saturating_sub(start.elapsed());
        rig.sockets.wait(Some(left), Duration::ZERO).unwrap();
    }
    let took = start.elapsed();
    assert!(took < PATIENCE, "{took:?}");
}

fn packets_gather_no_longer_than_the_limit<S: Sockets>() {
    let (mut rig, phone) = (Rig::<S>::new(), phone(V4));
    let ours = rig.open(0, V4);
    let (gather, start) = (Duration::from_millis(20), Instant::now());
    for round in 0..3 {
        rig.sockets.wait(Some(gather), gather).unwrap();
        assert!(start.elapsed() >= gather * u32::from(round + 1), "{:?} in round {round}", start.elapsed());
        phone.send_to(&[round], ours).unwrap();
        // What is sent does not wait for what gathers.
        rig.sockets.send(Slot(0), Channel::Rtp, phone.local_addr().unwrap(), &[round]);
        rig.sockets.wait(Some(PATIENCE), gather).unwrap();
        assert_eq!(rig.taken().unwrap().3, [round]);
        assert_eq!(heard_by(&phone).0, [round]);
    }
    rig.sockets.wait(Some(Duration::from_millis(1)), PATIENCE).unwrap();
    assert!(start.elapsed() < PATIENCE);
}

fn opening_and_closing_keeps_nothing<S: Sockets>() {
    let (mut rig, phone) = (Rig::<S>::new(), phone(V4));
    let mut round = || {
        let ours = rig.open(0, V4);
        phone.send_to(b"hello", ours).unwrap();
        assert_eq!(rig.hear().3, b"hello");
        rig.sockets.remove(Slot(0));
    };
    (0..10).for_each(|_| round());
    let measured = allocation_counter::measure(|| (0..200).for_each(|_| round()));
    assert_eq!((measured.count_current, measured.bytes_current), (0, 0));
}

macro_rules! suite {
    ($($trial:ident,)*) => {
        mod by_epoll {
            $(#[test]
            fn $trial() {
                super::$trial::<crate::epoll::Epoll>();
            })*
        }

        mod by_io_uring {
            $(#[test]
            fn $trial() {
                if super::has_io_uring() {
                    super::$trial::<crate::uring::Uring>();
                }
            })*
        }
    };
}

suite! {
    datagrams_arrive_with_their_source_and_leave_from_their_port,
    the_two_families_are_bridged,
    removed_ports_are_free_at_once_whatever_is_on_its_way,
    what_was_given_to_send_leaves_from_its_own_port_though_that_is_closed,
    a_slot_hears_nothing_of_who_had_it_before,
    a_thousand_sockets_are_all_heard,
    a_flooded_socket_does_not_hold_up_another,
    more_than_there_is_room_for_waits_and_is_not_lost,
    a_datagram_that_is_too_long_is_dropped_and_counted,
    a_burst_of_a_turn_leaves_whole_and_in_order,
    what_cant_be_sent_is_counted,
    a_port_that_nobody_listens_on_harms_no_other_packet,
    the_bell_wakes_before_and_during_a_wait,
    a_wait_ends_at_its_limit,
    packets_gather_no_longer_than_the_limit,
    opening_and_closing_keeps_nothing,
}
