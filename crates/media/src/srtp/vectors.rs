//! The examples of the RFCs: RFC 3711 B.2 and B.3, RFC 6188 s.7.1 and s.7.2, RFC 7714 s.16 and s.17.

use super::counter::{Aes, Counter};
use super::derive::fill;
use super::gcm::Gcm;
use super::session::{Head, Session, Transform};
use super::{MasterKey, Refused, Suite, TRAILER};

/// From hex digits, with spaces between them.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

/// Its keystream, at block 0 and at block 0xfeff.
fn keystream(key: &str) -> [Vec<u8>; 2] {
    let counter = Counter::new(Aes::new(&hex(key)), array("f0f1f2f3f4f5f6f7f8f9fafbfcfd"), &[0; 20], 10);
    let mut bytes = vec![0; 0xff02 * 16];
    counter.apply(0, 0, &mut bytes);
    [bytes[..48].to_vec(), bytes[0xfeff * 16..].to_vec()]
}

#[test]
fn aes_in_counter_mode() {
    let expected = [
        "e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab 41e95b3bb0a2e8dd477901e4fca894c0",
        "ec8cdf7398607cb0f2d21675ea9ea1e4 362b7c3c6773516318a077d7fc5073ae 6a2cc3787889374fbeb4c81b17ba6c44",
    ];
    assert_eq!(keystream("2b7e151628aed2a6abf7158809cf4f3c"), expected.map(hex));
    let expected = [
        "92bdd28a93c3f52511c677d08b5515a4 9da71b2378a854f67050756ded165bac 63c4868b7096d88421b563b8c94c9a31",
        "cea518c90fd91ced9cbb18c078a54711 3dbc4814f4da5f00a08772b63c6a046d 6eb246913062a16891433e97dd01a57f",
    ];
    let key = "57f82fe3613fd170a85ec93c40b1f092 2ec4cb0dc025b58272147cc438944a98";
    assert_eq!(keystream(key), expected.map(hex));
}

#[test]
fn session_keys() {
    let derived = |suite, master: &str, label, length| {
        let mut bytes = vec![0; length];
        fill(&MasterKey::new(suite, &hex(master)).unwrap(), label, &mut bytes);
        bytes
    };
    let master = "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6";
    let short = |label, length| derived(Suite::AesCm128HmacSha1Tag80, master, label, length);
    assert_eq!(short(0, 16), hex("c61e7a93744f39ee10734afe3ff7a087"));
    assert_eq!(short(2, 14), hex("30cbbc08863d8c85d49db34a9ae1"));
    let authentication = "cebe321f6ff7716b6fd4ab49af256a15 6d38baa48f0a0acf3c34e2359e6cdbce
        e049646c43d9327ad175578ef7227098 6371c10c9a369ac2f94a8c5fbcdddc25 6d6e919a48b610ef17c2041e47403576";
    assert_eq!(short(1, 80), hex(authentication));
    let master =
        "f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2";
    let long = |label, length| derived(Suite::AesCm256HmacSha1Tag80, master, label, length);
    assert_eq!(long(0, 32), hex("5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4"));
    assert_eq!(long(2, 14), hex("fa31791685ca444a9e07c6c64e93"));
    assert_eq!(long(1, 20), hex("fd9c32d39ed5fbb5a9dc96b30818454d 1313dc05"));
}

/// A session of RFC 7714: a key of 0, 1, 2 ... and the salt "Quid pro quo".
fn gcm(key: u8) -> Session {
    let key: Vec<u8> = (0..key).collect();
    Session::new(Transform::Gcm(Gcm::new(&key, *b"Quid pro quo")), None)
}

const GALLIA: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
    69736120 696e2070 61727465 73207472 6573";

#[test]
fn rtp_by_gcm() {
    for (key, sealed) in [
        (
            16,
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b
             36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        ),
        (
            32,
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f
             1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        ),
    ] {
        let (session, plain, sealed) = (gcm(key), hex(GALLIA), hex(sealed));
        let head = Head::read(&plain).unwrap();
        let mut buffer = [&plain[..], &[0; TRAILER]].concat();
        let index = head.sequence.into();
        assert_eq!(session.seal_rtp(head, index, &mut buffer, plain.len()), Ok(sealed.len()));
        assert_eq!(buffer[..sealed.len()], sealed);
        let mut packet = sealed;
        assert_eq!(session.open_rtp(head, index, &mut packet), Ok(plain.len()));
        assert_eq!(packet[..plain.len()], plain);
    }
}

/// What is authenticated only: all of the packet is associated data.
#[test]
fn rtp_by_gcm_in_the_clear() {
    for (key, tag) in [(16, "22493f82d2bce397e9d79e3b19aa4216"), (32, "a866d5910f887463067ceefec45215d4")] {
        let key: Vec<u8> = (0..key).collect();
        let tagged = Gcm::new(&key, *b"Quid pro quo").seal(0x5501_a0b2, 0xf17b, &hex(GALLIA), &mut []);
        assert_eq!(tagged, Ok(array(tag)));
    }
}

const LUNA: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
    deadbeef deadbeef deadbeef deadbeef deadbeef";

#[test]
fn rtcp_by_gcm() {
    for (key, sealed) in [
        (
            16,
            "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46
             86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
        ),
        (
            32,
            "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658
             c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
        ),
    ] {
        let (session, plain, sealed) = (gcm(key), hex(LUNA), hex(sealed));
        let mut buffer = [&plain[..], &[0; TRAILER]].concat();
        let length = session.seal_rtcp(0x4d61_7273, 0x5d4, &mut buffer, plain.len());
        assert_eq!(length, Ok(sealed.len()));
        assert_eq!(buffer[..sealed.len()], sealed);
        assert_opens(&session, sealed, &plain);
    }
}

#[test]
fn rtcp_by_gcm_in_the_clear() {
    for (key, trailer) in [
        (16, "841dd968 3dd78ec9 2ae58790 125f62b3 000005d4"),
        (32, "91db4afb feee5a97 8fab4393 ed2615fe 000005d4"),
    ] {
        assert_opens(&gcm(key), hex(&format!("{LUNA} {trailer}")), &hex(LUNA));
    }
}

fn assert_opens(session: &Session, sealed: Vec<u8>, plain: &[u8]) {
    let mut packet = sealed;
    let read = session.read_rtcp(&packet).unwrap();
    assert_eq!((read.ssrc, read.index()), (0x4d61_7273, 0x5d4));
    for at in 0..packet.len() {
        let mut changed = packet.clone();
        changed[at] ^= 0x10;
        let opened = session.read_rtcp(&changed).and_then(|read| session.open_rtcp(read, &mut changed));
        assert!(
            matches!(opened, Err(Refused::Unauthenticated | Refused::Malformed)),
            "byte {at}: {opened:?}"
        );
    }
    assert_eq!(session.open_rtcp(read, &mut packet), Ok(plain.len()));
    assert_eq!(packet[..plain.len()], *plain);
}
