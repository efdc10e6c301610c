use super::*;

const PAYLOAD_TEXT: &[u8] = b"BYE sip:a SIP/2.0\r\n\r\n";

fn packet<'a>(source: &str, destination: &str, correlation_id: &'a str) -> Packet<'a> {
    Packet {
        at_us: 0x6553_f100 * 1_000_000 + 0x0001_e240,
        transport: Transport::Udp,
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        correlation_id,
        payload: PAYLOAD_TEXT,
    }
}

/// Each chunk written by hand from the specification's table.
#[test]
fn a_packet_is_the_octets_of_the_specification() {
    let agent = Agent { capture_id: 2001, key: "pw".into() };
    let packed = agent.pack(&packet("192.0.2.1:5060", "198.51.100.9:5080", "a@b")).unwrap();
    let expected: Vec<u8> = [
        // 6 + 7 + 7 + 10 + 10 + 8 + 8 + 10 + 10 + 7 + 10 + 8 + 9 + 27 = 137
        &b"HEP3\x00\x89"[..],
        b"\x00\x00\x00\x01\x00\x07\x02",
        b"\x00\x00\x00\x02\x00\x07\x11",
        b"\x00\x00\x00\x03\x00\x0a\xc0\x00\x02\x01",
        b"\x00\x00\x00\x04\x00\x0a\xc6\x33\x64\x09",
        b"\x00\x00\x00\x07\x00\x08\x13\xc4",
        b"\x00\x00\x00\x08\x00\x08\x13\xd8",
        b"\x00\x00\x00\x09\x00\x0a\x65\x53\xf1\x00",
        b"\x00\x00\x00\x0a\x00\x0a\x00\x01\xe2\x40",
        b"\x00\x00\x00\x0b\x00\x07\x01",
        b"\x00\x00\x00\x0c\x00\x0a\x00\x00\x07\xd1",
        b"\x00\x00\x00\x0e\x00\x08pw",
        b"\x00\x00\x00\x11\x00\x09a@b",
        b"\x00\x00\x00\x0f\x00\x1bBYE sip:a SIP/2.0\r\n\r\n",
    ]
    .concat();
    assert_eq!(packed, expected);
    assert_eq!(packed.len(), 0x89);
}

#[test]
fn ipv6_has_chunks_of_its_own_and_what_is_over_tcp_is_protocol_6() {
    let agent = Agent { capture_id: 1, key: String::new() };
    let sent = packet("[2001:db8::1]:5061", "[2001:db8::2]:40000", "x");
    let packed = agent.pack(&Packet { transport: Transport::Tls, ..sent }).unwrap();
    let start =
        b"\x00\x00\x00\x01\x00\x07\x0a\x00\x00\x00\x02\x00\x07\x06\x00\x00\x00\x05\x00\x16\x20\x01\x0d\xb8";
    assert_eq!(&packed[6..6 + start.len()], start);
    assert!(!packed.windows(4).any(|octets| octets == [0, 0, 0, 0x0e]), "no key, no chunk of it");
}

#[test]
fn what_does_not_fit_is_no_packet() {
    let agent = Agent::default();
    let fits = packet("192.0.2.1:1", "192.0.2.2:2", "x");
    let rest = agent.pack(&fits).unwrap().len() - PAYLOAD_TEXT.len();
    let longest = vec![b'x'; usize::from(u16::MAX) - rest];
    assert!(agent.pack(&Packet { payload: &longest, ..fits }).is_some());
    let longer = vec![b'x'; longest.len() + 1];
    assert_eq!(agent.pack(&Packet { payload: &longer, ..fits }), None);
    assert_eq!(agent.pack(&Packet { payload: &vec![b'x'; 70_000], ..fits }), None);
    assert_eq!(agent.pack(&packet("192.0.2.1:1", "[::1]:2", "x")), None);
}

#[test]
fn the_key_is_in_no_debug_output() {
    assert!(!format!("{:?}", Agent { capture_id: 1, key: "pw".into() }).contains("pw"));
}
