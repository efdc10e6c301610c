//! Reads bytes as a description, as offer and as answer, and holds what comes of it to its word.
//!
//! Asserted: nothing panics; what is agreed on can be sent to; an answer of ours is one that we would accept as its offerer, with the
//! same `m=` lines as the offer, and agrees with it in every number.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp::{Agreement, Capabilities, Codec, Direction, Local, Session, accept, answer, offer};

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
        check_answer(bytes, &session, &capabilities);
        if let Ok(agreement) = accept(&capabilities, &session) {
            check_sanity(&agreement, &capabilities);
            assert_eq!(agreement.receive_payload_type, agreement.codec.static_payload_type());
            assert!(
                agreement
                    .telephone_event
                    .is_none_or(|(_, receive)| Some(receive) == capabilities.telephone_event)
            );
        }
        check_offer(&capabilities);
    }
}

fn check_answer(bytes: &[u8], session: &Session, capabilities: &Capabilities) {
    let Ok((agreement, text)) = answer(session, capabilities, &LOCAL) else { return };
    check_sanity(&agreement, capabilities);
    assert_eq!(agreement.send_payload_type, agreement.receive_payload_type);
    assert_eq!(lines_of(&text, "m="), lines_of(&String::from_utf8_lossy(bytes), "m="), "{text}");
    check_grammar(&text);

    let reply = Session::parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"));
    assert_eq!(reply.version(), LOCAL.version);
    let open = Capabilities { direction: Direction::BOTH, ..capabilities.clone() };
    let (mirrored, _) = answer(&reply, &open, &LOCAL).unwrap_or_else(|refusal| panic!("{refusal}: {text}"));
    let rtp = SocketAddr::new(LOCAL.address, LOCAL.port);
    let expected = Agreement {
        rtp,
        rtcp: SocketAddr::new(LOCAL.address, LOCAL.port + 1),
        send: agreement.receive,
        receive: agreement.send,
        ptime_ms: 20,
        ..agreement
    };
    assert_eq!(mirrored, expected, "{text}");
}

/// An offer of ours, answered by ourselves.
fn check_offer(capabilities: &Capabilities) {
    let text = offer(capabilities, &LOCAL);
    check_grammar(&text);
    let session = Session::parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"));
    let (theirs, reply) =
        answer(&session, &Capabilities::default(), &LOCAL).unwrap_or_else(|e| panic!("{e}: {text}"));
    let reply = Session::parse(reply.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"));
    let ours = Agreement { send: theirs.receive, receive: theirs.send, ..theirs };
    assert_eq!(accept(capabilities, &reply), Ok(ours));
}

fn check_sanity(agreement: &Agreement, capabilities: &Capabilities) {
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
    assert!(!agreement.encrypted);
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

const LOCAL: Local =
    Local { address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), port: 40_000, session_id: 1, version: 7 };
