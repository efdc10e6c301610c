//! What others do to a call: strangers who found its ports, and someone on the path.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::time::{MissedTickBehavior, interval};

/// What a handset's address sends beside its own packets: whoever is on the path can send by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Mischief {
    #[default]
    None,
    /// Each packet again, at once and two seconds later.
    Replays,
    /// Before each packet one with its numbers, and two with those of later ones and of other streams, none of them sealed by the key.
    Forgeries,
}

/// Packets a second.
const FLOOD: u32 = 10_000;
const TICK: Duration = Duration::from_millis(1);

impl Mischief {
    /// What leaves before and after the packet of that place.
    pub(crate) fn beside(self, packets: &[Vec<u8>], place: usize) -> [Vec<Vec<u8>>; 2] {
        match self {
            Self::None => [Vec::new(), Vec::new()],
            Self::Replays => {
                let earlier = place.checked_sub(100).map(|place| packets[place].clone());
                [Vec::new(), [packets[place].clone()].into_iter().chain(earlier).collect()]
            }
            Self::Forgeries => {
                let forged = |offset: u16, stream: u8| {
                    let mut packet = packets[place].clone();
                    let sequence = u16::from_be_bytes([packet[2], packet[3]]).wrapping_add(offset);
                    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
                    packet[11] ^= stream;
                    packet[20] ^= 1;
                    packet
                };
                [vec![forged(0, 0), forged(1_000, 0), forged(0, packets[place][3] | 1)], Vec::new()]
            }
        }
    }
}

/// Floods the first of the ports with packets of random streams; the other gets a stream that looks as the rightful one does. Gives how many
/// packets each got: on a busy machine fewer than there should be.
pub(crate) async fn strangers(
    [flooded, imitated]: [SocketAddr; 2],
    payload_type: u8,
    rightful: u32,
    length: Duration,
) -> [u64; 2] {
    let began = Instant::now();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut ticks = interval(TICK);
    // Too many at once would say more of the test's machine than of the daemon.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = [0, 0];
    let mut random = 0x1234_5678_9abc_def1_u64;
    for turn in (0_u32..).take_while(|_| began.elapsed() < length) {
        ticks.tick().await;
        for _ in 0..FLOOD / 1_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let sequence = u16::try_from(random >> 48).unwrap();
            let ssrc = u32::try_from(random >> 16 & 0xffff_ffff).unwrap();
            let packet = packet(payload_type, sequence, ssrc);
            socket.send_to(&packet, flooded).await.unwrap();
            sent[0] += 1;
        }
        if turn.is_multiple_of(20) {
            let sequence = u16::try_from(turn / 20 % 65_536).unwrap();
            socket.send_to(&packet(payload_type, sequence, rightful), imitated).await.unwrap();
            sent[1] += 1;
        }
    }
    sent
}

fn packet(payload_type: u8, sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.resize(172, 0x17);
    packet
}

/// Datagrams that the system itself has dropped at that port, for want of room: the daemon never saw them. None where nobody listens.
pub(crate) fn dropped_by_the_system(port: SocketAddr) -> Option<u64> {
    let IpAddr::V4(address) = port.ip() else { panic!("{port} is none of IPv4") };
    // As the system lists sockets: address and port in hexadecimal.
    let place = format!("{:08X}:{:04X}", u32::from_ne_bytes(address.octets()), port.port());
    let sockets = fs::read_to_string("/proc/net/udp").unwrap();
    let socket = sockets.lines().find(|line| line.split_whitespace().nth(1) == Some(&place))?;
    Some(socket.split_whitespace().last().unwrap().parse().unwrap())
}
