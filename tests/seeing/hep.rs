//! HEP3 read as its specification writes it, apart from what writes it in the daemon.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

/// A packet as a collector understands it.
pub(super) struct Packet {
    pub(super) at_us: u64,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    /// Of IP.
    pub(super) protocol: u8,
    /// 1: SIP.
    pub(super) kind: u8,
    pub(super) capture_id: u32,
    pub(super) key: String,
    pub(super) correlation_id: String,
    pub(super) payload: String,
}

/// The next packet that comes.
pub(super) fn receive(collector: &UdpSocket) -> Packet {
    let mut buffer = vec![0; 65_535];
    let (length, _) = collector.recv_from(&mut buffer).expect("a packet comes");
    let packet = &buffer[..length];
    assert_eq!(&packet[..4], b"HEP3");
    assert_eq!(usize::from(u16::from_be_bytes([packet[4], packet[5]])), length, "the length is that of all");
    let mut chunks = BTreeMap::new();
    let mut rest = &packet[6..];
    while !rest.is_empty() {
        let word = |at: usize| u16::from_be_bytes([rest[at], rest[at + 1]]);
        assert_eq!(word(0), 0, "a generic chunk");
        let (kind, length) = (word(2), usize::from(word(4)));
        assert!(chunks.insert(kind, &rest[6..length]).is_none(), "chunk {kind} comes twice");
        rest = &rest[length..];
    }
    let octet = |kind: u16| <[u8; 1]>::try_from(chunks[&kind]).unwrap()[0];
    let word = |kind: u16| u16::from_be_bytes(chunks[&kind].try_into().unwrap());
    let long = |kind: u16| u32::from_be_bytes(chunks[&kind].try_into().unwrap());
    let text = |kind: u16| String::from_utf8(chunks[&kind].to_vec()).unwrap();
    let address = |ip: u16, port: u16| SocketAddr::from((Ipv4Addr::from(long(ip)), word(port)));
    assert_eq!(octet(1), 2, "IPv4");
    Packet {
        at_us: u64::from(long(9)) * 1_000_000 + u64::from(long(10)),
        source: address(3, 7),
        destination: address(4, 8),
        protocol: octet(2),
        kind: octet(11),
        capture_id: long(12),
        key: text(14),
        correlation_id: text(17),
        payload: text(15),
    }
}
