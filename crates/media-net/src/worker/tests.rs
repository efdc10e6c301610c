use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use media::command::{Codec, Direction, Remote};
use tokio::sync::mpsc;

use super::*;
use crate::bell::Orders;
use crate::epoll::Epoll;
use crate::uring::Uring;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Bench<S> {
    worker: Worker<S>,
    orders: Orders,
    events: mpsc::Receiver<Event>,
}

impl<S: Sockets> Bench<S> {
    fn new() -> Self {
        let (sender, events) = mpsc::channel(64);
        let bell = Arc::new(Bell::new().unwrap());
        let (orders, received) = Orders::new(Arc::clone(&bell));
        let outfit = Outfit {
            seed: 1,
            outlet: Outlet::new(sender),
            bell,
            orders: received,
            dscp: Dscp::EF,
            counts: Arc::default(),
        };
        Self { worker: Worker::new(outfit).unwrap(), orders, events }
    }

    fn order(&mut self, command: Command) {
        self.orders.send(Order::Command(command));
        assert!(self.worker.turn(Rest::None).unwrap().is_continue());
    }

    fn bind(&mut self, media: MediaKey) -> SocketAddr {
        crate::free::pair(LOOPBACK, |port| {
            self.order(Command::Bind { media, address: LOOPBACK, port });
            (self.events.try_recv() == Ok(Event::Bound { media })).then_some(SocketAddr::new(LOOPBACK, port))
        })
    }
}

fn a_packet_allocates_nothing<S: Sockets>() {
    let phone = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    phone.set_nonblocking(true).unwrap();
    let (mut bench, media) = (Bench::<S>::new(), MediaKey(1));
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
        let mut echoed = [0; 172];
        // A back end may wake for what it has sent, or send with its next wait.
        for _ in 0..10 {
            assert!(bench.worker.turn(Rest::Some).unwrap().is_continue());
            if let Ok(length) = phone.recv(&mut echoed) {
                return assert_eq!(length, 172);
            }
        }
        panic!("packet {sequence} was not echoed");
    };
    // The first ones make room: a queue, a latched source.
    (0..100).for_each(&mut echo);
    let measured = allocation_counter::measure(|| (100..1_100).for_each(&mut echo));
    assert_eq!(measured.count_total, 0);
}

#[test]
fn a_packet_through_a_worker_allocates_nothing_by_epoll() {
    a_packet_allocates_nothing::<Epoll>();
}

#[test]
fn a_packet_through_a_worker_allocates_nothing_by_io_uring() {
    if crate::trials::has_io_uring() {
        a_packet_allocates_nothing::<Uring>();
    }
}
