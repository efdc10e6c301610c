//! Reads bytes as a description, as offer and as answer, and holds what comes of it to its word.
//!
//! Asserted: nothing panics; what is agreed on can be sent to; an answer of ours is one that we would accept as its offerer, with the
//! same `m=` lines as the offer, and agrees with it in every number and key; what has to be encrypted is, and what must not be is not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp::{
    Agreement, Capabilities, Codec, Direction, Encryption, Keys, Lines, Local, Session, Srtp, accept, answer,
    offer,
};

/// Panics where the negotiation breaks its word.
pub(crate) fn check(bytes: &[u8]) {
    let session = match Session::parse(bytes) {
        Ok(session) => session,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    for capabilities in capabilities() {
        for encryption in encryptions(OURS) {
            check_answer(bytes, &session, &capabilities, &local(encryption.clone()));
            check_offer(&capabilities, &local(encryption));
        }
        if let Ok(agreement) = accept(&capabilities, &session) {
            check_sanity(&agreement, &capabilities, &Encryption::Off);
            assert_eq!(agreement.receive_payload_type, agreement.codec.static_payload_type());
            assert!(
                agreement
                    .telephone_event
                    .is_none_or(|(_, receive)| Some(receive) == capabilities.telephone_event)
            );
        }
    }
}

fn check_answer(bytes: &[u8], session: &Session, capabilities: &Capabilities, local: &Local) {
    let Ok((agreement, text)) = answer(session, capabilities, local) else { return };
    check_sanity(&agreement, capabilities, &local.encryption);
    assert_eq!(agreement.send_payload_type, agreement.receive_payload_type);
    assert_eq!(lines_of(&text, "m="), lines_of(&String::from_utf8_lossy(bytes), "m="), "{text}");
    assert_eq!(lines_of(&text, "a=crypto:"), usize::from(agreement.srtp.is_some()), "{text}");
    check_grammar(&text);

    let reply = Session::parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"));
    assert_eq!(reply.version(), local.version);
    let open = Capabilities { direction: Direction::BOTH, ..capabilities.clone() };
    // The offerer reads it with keys of its own, whichever the fuzzer has made up.
    let theirs = self::local(Encryption::Optional(Keys::new(&THEIRS)));
    let (mirrored, _) = answer(&reply, &open, &theirs).unwrap_or_else(|refusal| panic!("{refusal}: {text}"));
    check_mirrored(agreement.srtp.as_ref(), mirrored.srtp.as_ref());
    let rtp = SocketAddr::new(local.address, local.port);
    let expected = Agreement {
        rtp,
        rtcp: SocketAddr::new(local.address, local.port + 1),
        send: agreement.receive,
        receive: agreement.send,
        ptime_ms: 20,
        srtp: mirrored.srtp.clone(),
        ..agreement
    };
    assert_eq!(mirrored, expected, "{text}");
}

/// An offer of ours, answered by ourselves.
fn check_offer(capabilities: &Capabilities, local: &Local) {
    let text = offer(capabilities, local);
    check_grammar(&text);
    let session = Session::parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"));
    for encryption in encryptions(THEIRS) {
        let peer = self::local(encryption.clone());
        let Ok((theirs, reply)) = answer(&session, &Capabilities::default(), &peer) else {
            let apart = (&encryption, &local.encryption);
            assert!(
                matches!(
                    apart,
                    (Encryption::Off, Encryption::Required(_)) | (Encryption::Required(_), Encryption::Off)
                ),
                "{text}"
            );
            continue;
        };
        let reply = Session::parse(reply.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"));
        let agreement = Lines::default()
            .accept(capabilities, local, None, &reply)
            .unwrap_or_else(|refusal| panic!("{refusal}: {text}"));
        check_sanity(&agreement, capabilities, &local.encryption);
        check_mirrored(agreement.srtp.as_ref(), theirs.srtp.as_ref());
        let ours =
            Agreement { send: theirs.receive, receive: theirs.send, srtp: agreement.srtp.clone(), ..theirs };
        assert_eq!(agreement, ours);
    }
}

/// What one side sends with, the other receives with.
fn check_mirrored(ours: Option<&Srtp>, theirs: Option<&Srtp>) {
    let ours = ours.map(|srtp| (srtp.suite, &srtp.send));
    assert_eq!(ours, theirs.map(|srtp| (srtp.suite, &srtp.receive)));
}

fn check_sanity(agreement: &Agreement, capabilities: &Capabilities, encryption: &Encryption) {
    let Agreement { codec, send_payload_type, receive_payload_type, telephone_event, rtp, rtcp, .. } =
        *agreement;
    assert!(capabilities.codecs.contains(&codec));
    let Direction { sends, receives } = capabilities.direction;
    assert!(sends || !agreement.send, "we are not open to it");
    assert!(receives || !agreement.receive, "we are not open to it");
    assert!(send_payload_type < 128 && receive_payload_type < 128);
    if let Some((send, receive)) = telephone_event {
        assert!(capabilities.telephone_event.is_some());
        assert!(send < 128 && receive < 128);
        assert_ne!(send, send_payload_type, "a digit is told from audio");
        assert_ne!(receive, receive_payload_type, "a digit is told from audio");
    }
    assert!(rtp.port() != 0 && rtcp.port() != 0);
    assert!(!rtp.ip().is_multicast());
    assert!(!agreement.send || !rtp.ip().is_unspecified(), "nothing is sent nowhere");
    assert!((1..=200).contains(&agreement.ptime_ms));
    match encryption {
        Encryption::Off => assert_eq!(agreement.srtp, None),
        Encryption::Optional(_) => {}
        Encryption::Required(_) => assert!(agreement.srtp.is_some(), "never plain"),
    }
    assert!(agreement.srtp.is_some() || !agreement.profile.is_secure(), "what is said to be encrypted is");
    if let Some(srtp) = &agreement.srtp {
        let (key, salt) = srtp.suite.lengths();
        assert_eq!((srtp.send.bytes().len(), srtp.receive.bytes().len()), (key + salt, key + salt));
        assert_ne!(srtp.send, srtp.receive);
    }
}

/// Every line is `x=...`, ended by CRLF, without other control characters.
fn check_grammar(text: &str) {
    for line in text.strip_suffix("\r\n").expect("a last line end").split("\r\n") {
        assert!(matches!(line.as_bytes(), [b'a'..=b'z', b'=', _, ..]), "{line:?}");
        assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
    }
}

fn lines_of(text: &str, start: &str) -> usize {
    text.split(['\r', '\n']).filter(|line| line.starts_with(start)).count()
}

fn capabilities() -> [Capabilities; 3] {
    [
        Capabilities::default(),
        Capabilities {
            codecs: vec![Codec::Pcma],
            telephone_event: Some(127),
            direction: Direction { sends: true, receives: false },
        },
        Capabilities {
            codecs: vec![Codec::Pcma, Codec::Pcmu],
            telephone_event: None,
            ..Capabilities::default()
        },
    ]
}

fn encryptions(keys: [u8; Keys::BYTES]) -> [Encryption; 3] {
    let keys = Keys::new(&keys);
    [Encryption::Off, Encryption::Optional(keys.clone()), Encryption::Required(keys)]
}

fn local(encryption: Encryption) -> Local {
    let address = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
    Local { address, port: 40_000, session_id: 1, version: 7, encryption }
}

/// Bytes that no two suites share.
const OURS: [u8; Keys::BYTES] = counted(1);
const THEIRS: [u8; Keys::BYTES] = counted(101);

const fn counted(from: u8) -> [u8; Keys::BYTES] {
    let mut bytes = [from; Keys::BYTES];
    let mut at = 1;
    while at < bytes.len() {
        bytes[at] = bytes[at - 1].wrapping_add(1);
        at += 1;
    }
    bytes
}
