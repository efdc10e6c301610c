//! Media workers on real sockets: phones on 127.0.0.1, a bot's channels, ports.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use media::agent::{MarkId, TapEvent, TapInput};
use media::command::{Codec, Direction, Remote, WorkerId};
use media::{Command, Event, MediaKey};
use media_net::{Backend, Dscp, Plan, Workers};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const WORKER: WorkerId = WorkerId(0);

/// Nothing here takes a tenth of it; what waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(10);

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("what was waited for happens")
}

struct Node {
    workers: Workers,
    events: mpsc::Receiver<Event>,
}

impl Node {
    fn start(backend: Backend) -> Self {
        Self::with_room_for(backend, 64)
    }

    fn with_room_for(backend: Backend, events: usize) -> Self {
        let (sender, events) = mpsc::channel(events);
        let plan = Plan { count: 1, seed: 42, backend, dscp: Dscp::EF, counts: Arc::default() };
        Self { workers: Workers::start(&plan, &sender).unwrap(), events }
    }

    fn tell(&self, command: Command) {
        self.workers.command(WORKER, command);
    }

    async fn event(&mut self) -> Event {
        within(self.events.recv()).await.expect("the worker lives")
    }

    /// A leg on any free port pair; the RTP port.
    async fn bind(&mut self, media: MediaKey) -> SocketAddr {
        for _ in 0..100 {
            let port = free_pair().await;
            self.tell(Command::Bind { media, address: LOOPBACK, port });
            let event = self.event().await;
            if event == (Event::Bound { media }) {
                return SocketAddr::new(LOOPBACK, port);
            }
            assert!(matches!(event, Event::BindFailed { .. }), "{event:?}");
        }
        panic!("no free port pair")
    }

    fn describe(&self, media: MediaKey, phone: &Phone) {
        let remote = Remote {
            rtp: phone.address(),
            rtcp: SocketAddr::new(LOOPBACK, phone.address().port() + 1),
            codec: Codec::Pcmu,
            send_payload_type: 0,
            receive_payload_type: 0,
            telephone_event: Some((101, 101)),
            direction: Direction { send: true, receive: true },
            silence_timeout: None,
            srtp: None,
        };
        self.tell(Command::Describe { media, remote });
    }

    fn attach(&self, media: MediaKey) -> (mpsc::Receiver<TapEvent>, mpsc::Sender<TapInput>) {
        let (events, heard) = mpsc::channel(1_024);
        let (play, inputs) = mpsc::channel(4);
        self.workers.attach(WORKER, media, events, inputs);
        (heard, play)
    }
}

/// An even port that was free a moment ago, and the one after it.
async fn free_pair() -> u16 {
    loop {
        let any = UdpSocket::bind((LOOPBACK, 0)).await.unwrap().local_addr().unwrap().port();
        let even = any & !1;
        let rtp = UdpSocket::bind((LOOPBACK, even)).await;
        if rtp.is_ok() && UdpSocket::bind((LOOPBACK, even + 1)).await.is_ok() {
            return even;
        }
    }
}

struct Phone {
    socket: UdpSocket,
}

impl Phone {
    async fn new() -> Self {
        Self { socket: UdpSocket::bind((LOOPBACK, 0)).await.unwrap() }
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// 20 ms of PCMU whose samples are all `number`.
    async fn say(&self, to: SocketAddr, number: u8) {
        let mut packet = vec![0x80, 0, 0, number];
        packet.extend((u32::from(number) * 160).to_be_bytes());
        packet.extend([0xca, 0xfe, 0xba, 0xbe]);
        packet.extend([number; 160]);
        self.socket.send_to(&packet, to).await.unwrap();
    }

    /// Payload type, sequence number and payload of the next packet.
    async fn hear(&self) -> (u8, u16, Vec<u8>) {
        let mut packet = [0; 2_048];
        let (length, _) = within(self.socket.recv_from(&mut packet)).await.unwrap();
        (packet[1] & 0x7f, u16::from_be_bytes([packet[2], packet[3]]), packet[12..length].to_vec())
    }
}

async fn a_stream_of_packets_is_echoed_in_order(backend: Backend) {
    let (mut node, phone, media) = (Node::start(backend), Phone::new().await, MediaKey(1));
    let ours = node.bind(media).await;
    node.describe(media, &phone);
    node.tell(Command::Echo { media });
    let mut first = None;
    for number in 0..200_u8 {
        phone.say(ours, number).await;
        let (payload_type, sequence, payload) = phone.hear().await;
        let first = *first.get_or_insert(sequence);
        assert_eq!((payload_type, sequence.wrapping_sub(first)), (0, u16::from(number)));
        assert_eq!(payload, [number; 160]);
    }
    node.workers.stop();
}

async fn what_one_phone_says_the_other_hears(backend: Backend) {
    let mut node = Node::start(backend);
    let (one, two) = (Phone::new().await, Phone::new().await);
    let (a, b) = (MediaKey(1), MediaKey(2));
    let (ours_a, ours_b) = (node.bind(a).await, node.bind(b).await);
    node.describe(a, &one);
    node.describe(b, &two);
    node.tell(Command::Relay { a, b });
    for number in 0..100 {
        one.say(ours_a, number).await;
        assert_eq!(two.hear().await.2, [number; 160]);
        two.say(ours_b, 100 + number).await;
        assert_eq!(one.hear().await.2, [100 + number; 160]);
    }
    let mut latched = Vec::new();
    for media in [a, b] {
        node.tell(Command::Release { media });
        let counters = loop {
            let event = node.event().await;
            if let Event::Released { media: released, counters } = event {
                assert_eq!(released, media);
                break counters;
            }
            let Event::Latched { source, .. } = event else { panic!("{event:?}") };
            latched.push(source);
        };
        assert_eq!((counters.received, counters.sent, counters.lost), (100, 100, 0));
    }
    assert_eq!(latched, [one.address(), two.address()]);
}

async fn a_tap_carries_audio_both_ways_and_tells_the_mark_when_all_is_played(backend: Backend) {
    let (mut node, phone, media) = (Node::start(backend), Phone::new().await, MediaKey(1));
    let ours = node.bind(media).await;
    let (mut heard, play) = node.attach(media);
    node.describe(media, &phone);
    // The bot is early: what it says waits for the tap.
    play.send(TapInput::Audio(Bytes::from([[1_u8; 160], [2; 160], [3; 160]].concat()))).await.unwrap();
    play.send(TapInput::Mark(MarkId(9))).await.unwrap();
    node.tell(Command::Tap { media });
    let mut first = phone.hear().await.2;
    // Until the bot's first word the line is kept alive by silence.
    while first == [0xFF; 160] {
        first = phone.hear().await.2;
    }
    assert_eq!(first, [1; 160]);
    for number in 2..=3 {
        assert_eq!(phone.hear().await.2, [number; 160]);
    }
    assert_eq!(within(heard.recv()).await, Some(TapEvent::Mark(MarkId(9))));
    let talking = async {
        for number in 0..25 {
            phone.say(ours, number).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let listening = async {
        let mut samples = Vec::new();
        while samples.len() < 20 {
            match within(heard.recv()).await {
                Some(TapEvent::Audio(frame)) => samples.push(frame.samples[80]),
                other => panic!("{other:?}"),
            }
        }
        samples
    };
    let ((), samples) = tokio::join!(talking, listening);
    assert!(samples.is_sorted(), "{samples:?}");
}

async fn a_bot_faster_than_its_channel_waits_and_loses_nothing(backend: Backend) {
    let (mut node, phone, media) = (Node::start(backend), Phone::new().await, MediaKey(1));
    node.bind(media).await;
    node.describe(media, &phone);
    let (mut heard, play) = node.attach(media);
    let marks = 900;
    let speaking = tokio::spawn(async move {
        for number in 0..marks {
            play.send(TapInput::Mark(MarkId(number))).await.unwrap();
        }
        play
    });
    node.tell(Command::Tap { media });
    for number in 0..marks {
        assert_eq!(within(heard.recv()).await, Some(TapEvent::Mark(MarkId(number))));
    }
    drop(speaking.await.unwrap());
}

async fn played_audio_is_paced_at_20_ms(backend: Backend) {
    let (mut node, phone, media) = (Node::start(backend), Phone::new().await, MediaKey(1));
    node.bind(media).await;
    node.describe(media, &phone);
    let (_heard, play) = node.attach(media);
    node.tell(Command::Tap { media });
    play.send(TapInput::Audio(Bytes::from(vec![7; 160 * 101]))).await.unwrap();
    phone.hear().await;
    let first = std::time::Instant::now();
    for _ in 0..100 {
        phone.hear().await;
    }
    let took = first.elapsed();
    assert!(took >= Duration::from_millis(1_980), "100 packets in {took:?}: sent too fast");
    assert!(took < Duration::from_millis(2_400), "100 packets in {took:?}: the deadlines drift");
}

async fn a_port_in_use_fails_the_bind_in_the_systems_words_and_leaves_nothing_open(backend: Backend) {
    let (mut node, media) = (Node::start(backend), MediaKey(1));
    let port = free_pair().await;
    for taken in [port, port + 1] {
        let other = UdpSocket::bind((LOOPBACK, taken)).await.unwrap();
        node.tell(Command::Bind { media, address: LOOPBACK, port });
        let name = if taken == port { "RTP" } else { "RTCP" };
        let error = format!("{name} port {taken} of 127.0.0.1: Address already in use (os error 98)");
        assert_eq!(node.event().await, Event::BindFailed { media, error });
        drop(other);
    }
    node.tell(Command::Bind { media, address: LOOPBACK, port });
    assert_eq!(node.event().await, Event::Bound { media });
}

async fn a_released_leg_frees_its_ports_and_drops_its_agents_channels(backend: Backend) {
    let (mut node, media) = (Node::start(backend), MediaKey(1));
    let ours = node.bind(media).await;
    let (mut heard, play) = node.attach(media);
    assert!(UdpSocket::bind(ours).await.is_err());
    node.tell(Command::Release { media });
    assert!(matches!(node.event().await, Event::Released { media: MediaKey(1), .. }));
    UdpSocket::bind(ours).await.unwrap();
    UdpSocket::bind((LOOPBACK, ours.port() + 1)).await.unwrap();
    assert_eq!(within(heard.recv()).await, None);
    within(play.closed()).await;
    // An agent that attaches to a leg that is gone learns it the same way.
    let (mut heard, play) = node.attach(media);
    assert_eq!(within(heard.recv()).await, None);
    within(play.closed()).await;
}

async fn no_event_is_lost_when_nobody_reads_for_a_while(backend: Backend) {
    let mut node = Node::with_room_for(backend, 1);
    let legs = 50;
    for key in 0..legs {
        node.tell(Command::Release { media: MediaKey(key) });
    }
    for key in 0..legs {
        let Event::Released { media, .. } = node.event().await else {
            panic!("only releases were asked for")
        };
        assert_eq!(media, MediaKey(key));
    }
}

/// Whether this kernel lets us have io_uring; says so aloud if not.
fn has_io_uring() -> bool {
    let probed = Backend::IoUring.probe();
    if let Err(error) = &probed {
        println!("skipped: io_uring can't be had here: {error}");
    }
    probed.is_ok()
}

macro_rules! suite {
    ($($trial:ident,)*) => {
        mod by_epoll {
            $(#[tokio::test]
            async fn $trial() {
                super::$trial(super::Backend::Epoll).await;
            })*
        }

        mod by_io_uring {
            $(#[tokio::test]
            async fn $trial() {
                if super::has_io_uring() {
                    super::$trial(super::Backend::IoUring).await;
                }
            })*
        }
    };
}

suite! {
    a_stream_of_packets_is_echoed_in_order,
    what_one_phone_says_the_other_hears,
    a_tap_carries_audio_both_ways_and_tells_the_mark_when_all_is_played,
    a_bot_faster_than_its_channel_waits_and_loses_nothing,
    played_audio_is_paced_at_20_ms,
    a_port_in_use_fails_the_bind_in_the_systems_words_and_leaves_nothing_open,
    a_released_leg_frees_its_ports_and_drops_its_agents_channels,
    no_event_is_lost_when_nobody_reads_for_a_while,
}
