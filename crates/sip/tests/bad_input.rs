//! Bad input by hand: oversized, truncated, not UTF-8, without Content-Length, with two of them. Each row is a change to one
//! good request, and its verdict.

use bytes::Bytes;
use sip::{Message, StatusCode, Writer};

/// What becomes of a message; of an answered one also a word of the fault.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    Accept,
    Answer(u16, &'static str),
    Silence(&'static str),
}
use Verdict::{Accept, Answer, Silence};

const GOOD: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n\
    From: <sip:alice@example.com>;tag=1\r\n\
    To: <sip:bob@example.com>\r\n\
    Call-ID: 1@192.0.2.1\r\n\
    CSeq: 1 INVITE\r\n\
    Contact: <sip:alice@192.0.2.1>\r\n\
    Max-Forwards: 70\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 5\r\n\
    \r\n\
    hello";

/// What is done to the good request: each of the first texts gives way to the second.
type Change = &'static [(&'static str, &'static str)];

const TABLE: &[(&str, Change, Verdict)] = &[
    ("nothing changed", &[], Accept),
    ("line breaks in front", &[("INVITE sip", "\r\n\r\nINVITE sip")], Accept),
    ("octets after the body", &[("hello", "hello, and more")], Accept),
    // Content-Length (RFC 3261 s.18.3).
    ("no Content-Length", &[("Content-Length: 5\r\n", "")], Accept),
    ("two that agree", &[("Content-Length: 5", "Content-Length: 5\r\nl: 005")], Accept),
    ("two that differ", &[("Content-Length: 5", "Content-Length: 5\r\nl: 4")], Answer(400, "differ")),
    ("two in one line", &[("Content-Length: 5", "Content-Length: 5, 5")], Answer(400, "Content-Length")),
    ("a body cut short", &[("hello", "hell")], Answer(400, "Content-Length: 5")),
    ("no body at all", &[("hello", "")], Answer(400, "Content-Length: 5")),
    ("negative", &[("Length: 5", "Length: -5")], Answer(400, "Content-Length")),
    ("signed", &[("Length: 5", "Length: +5")], Answer(400, "Content-Length")),
    ("in words", &[("Length: 5", "Length: five")], Answer(400, "Content-Length")),
    ("in hexadecimal", &[("Length: 5", "Length: 0x5")], Answer(400, "Content-Length")),
    ("empty", &[("Length: 5", "Length:")], Answer(400, "Content-Length")),
    ("beyond 32 bits", &[("Length: 5", "Length: 4294967301")], Answer(400, "Content-Length")),
    ("beyond 64 bits", &[("Length: 5", "Length: 18446744073709551621")], Answer(400, "Content-Length")),
    // Cut off.
    ("without the blank line", &[("\r\n\r\nhello", "\r\n")], Answer(400, "ends within")),
    ("within a header", &[("ent-Length: 5\r\n\r\nhello", "")], Answer(400, "ends within")),
    // Line ends.
    ("a bare LF", &[("Max-Forwards: 70\r\n", "Max-Forwards: 70\n")], Answer(400, "Max-Forwards")),
    ("a bare CR", &[("alice@192", "al\rice@192")], Answer(400, "stray")),
    ("an LF that starts a header", &[("text/plain", "text/plain\nX: 1")], Answer(400, "stray")),
    ("LF for the blank line", &[("\r\n\r\nhello", "\r\n\nhello")], Answer(400, "without CR")),
    ("a fold", &[("From: ", "From:\r\n\t ")], Accept),
    ("a fold of nothing", &[("tag=1\r\n", "tag=1\r\n \r\n")], Accept),
    (
        "a fold of the start line",
        &[("sip:bob@example.com SIP", "sip:bob@example.com\r\n SIP")],
        Answer(400, "Request-URI"),
    ),
    ("a fold in front of the headers", &[("SIP/2.0\r\nVia", "SIP/2.0\r\n Via")], Silence("version")),
    // Start lines.
    ("no SIP version", &[("bob@example.com SIP/2.0\r\nV", "bob@example.com\r\nV")], Answer(400, "version")),
    ("another protocol", &[("com SIP/2.0\r\nV", "com HTTP/1.1\r\nV")], Answer(400, "version")),
    ("SIP/3.0", &[("com SIP/2.0\r\nV", "com SIP/3.0\r\nV")], Answer(505, "version")),
    ("a version in lower case", &[("com SIP/2.0\r\nV", "com sip/2.0\r\nV")], Accept),
    ("no Request-URI", &[("INVITE sip:bob@example.com", "INVITE")], Answer(400, "version")),
    ("a method that is no token", &[("INVITE sip", "IN/VITE sip")], Silence("method")),
    ("a URI without scheme", &[("INVITE sip:", "INVITE ")], Answer(400, "scheme")),
    ("a port beyond 65535", &[("bob@example.com SIP", "bob@example.com:65536 SIP")], Answer(400, "port")),
    // Headers.
    ("no colon", &[("Max-Forwards: 70", "Max-Forwards 70")], Answer(400, "colon")),
    ("an empty name", &[("Max-Forwards: 70", ": 70")], Answer(400, "token")),
    ("a name with a space", &[("Max-Forwards: 70", "Max Forwards: 70")], Answer(400, "token")),
    ("space before the colon", &[("Max-Forwards:", "Max-Forwards \t:")], Accept),
    ("no Via", &[("Via: SIP", "X-Via: SIP")], Silence("no Via")),
    ("an empty Via", &[("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport", "Via:")], Silence("Via")),
    ("a second Via that is none", &[("rport\r\n", "rport\r\nVia: x\r\n")], Answer(400, "Via")),
    ("no From", &[("From", "X-From")], Answer(400, "no From")),
    ("no To", &[("To:", "X-To:")], Answer(400, "no To")),
    ("no Call-ID", &[("Call-ID", "X-Call-ID")], Answer(400, "no Call-ID")),
    ("no CSeq", &[("CSeq", "X-CSeq")], Answer(400, "no CSeq")),
    ("two From", &[("To:", "f: <sip:c@d>\r\nTo:")], Answer(400, "two")),
    ("two Call-ID", &[("CSeq", "i: 2\r\nCSeq")], Answer(400, "two")),
    ("a CSeq of 2^31", &[("CSeq: 1 ", "CSeq: 2147483648 ")], Answer(400, "CSeq")),
    ("another method in CSeq", &[("1 INVITE", "1 BYE")], Answer(400, "CSeq")),
    ("an unknown method and another in CSeq", &[("INVITE sip", "NEW sip")], Answer(501, "CSeq")),
    ("Max-Forwards beyond 255", &[("70", "256")], Answer(400, "Max-Forwards")),
    ("a Contact that is none", &[("<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.1")], Answer(400, "Contact")),
    ("an ACK that is malformed", &[("INVITE sip", "ACK sip")], Silence("CSeq")),
    ("no From tag", &[(";tag=1", "")], Accept),
    ("no branch", &[(";branch=z9hG4bK1", "")], Accept),
    ("NUL in a value", &[("tag=1", "tag=1;x=\0")], Accept),
    // What is no request.
    (
        "a response with a long status",
        &[("INVITE sip:bob@example.com SIP/2.0\r\n", "SIP/2.0 2000 OK\r\n")],
        Silence("status"),
    ),
    (
        "a response below 100",
        &[("INVITE sip:bob@example.com SIP/2.0\r\n", "SIP/2.0 099 OK\r\n")],
        Silence("status"),
    ),
    ("a response without a phrase", &[("INVITE sip:bob@example.com SIP/2.0\r\n", "SIP/2.0 200\r\n")], Accept),
    (
        "a response of SIP/3.0",
        &[("INVITE sip:bob@example.com SIP/2.0\r\n", "SIP/3.0 200 OK\r\n")],
        Silence("version"),
    ),
];

fn change(change: Change) -> String {
    change.iter().fold(GOOD.to_owned(), |message, (from, to)| {
        assert!(message.contains(from), "{from:?} is in the message");
        message.replacen(from, to, 1)
    })
}

fn check(what: &str, message: Vec<u8>, expected: Verdict) {
    let seen = Message::parse(Bytes::from(message));
    match (expected, seen) {
        (Accept, Ok(_)) => {}
        (Answer(status, word), Err(malformed)) => {
            assert!(malformed.fault.contains(word), "{what}: {}", malformed.fault);
            let (answer, request) =
                malformed.answer.unwrap_or_else(|| panic!("{what}: {} is answered", malformed.fault));
            assert_eq!(answer.code(), status, "{what}");
            answer_reads(what, &request, answer);
        }
        (Silence(word), Err(malformed)) => {
            assert!(malformed.fault.contains(word), "{what}: {}", malformed.fault);
            assert!(malformed.answer.is_none(), "{what} is dropped");
        }
        (expected, seen) => panic!("{what}: {expected:?} expected, {seen:?} seen"),
    }
}

/// The answer is a response to which its receiver finds the transaction: the top Via is the request's.
fn answer_reads(what: &str, request: &Message, status: StatusCode) {
    let printed = Writer::response_to(request, status, None).finish(None);
    match Message::parse(printed) {
        Ok(response) => assert_eq!(response.via(), request.via(), "{what}"),
        // It can be no better than the request, whose header is copied.
        Err(malformed) => assert!(
            ["From", "To", "Call-ID", "CSeq", "Via"].iter().any(|name| malformed.fault.contains(name))
        ),
    }
}

#[test]
fn each_fault_gets_its_answer_or_silence() {
    for (what, changes, expected) in TABLE {
        check(what, change(changes).into_bytes(), *expected);
    }
}

#[test]
fn a_datagram_cut_anywhere_is_refused_or_silent() {
    for end in 0..GOOD.len() {
        let seen = Message::parse(Bytes::copy_from_slice(&GOOD.as_bytes()[..end]));
        assert!(seen.is_err(), "cut at {end}");
    }
}

/// The good request with an octet that is no UTF-8 in front of a text.
fn with_stray(before: &str) -> Vec<u8> {
    let (start, rest) = GOOD.split_once(before).expect("it is in the message");
    [start.as_bytes(), b"\xe9", before.as_bytes(), rest.as_bytes()].concat()
}

#[test]
fn octets_that_are_not_utf_8_are_answered_400_where_no_free_text_stands() {
    for (before, what) in [
        ("alice@example", "From is not UTF-8"),
        ("1\r\nTo:", "From is not UTF-8"),
        ("alice@192", "Contact is not UTF-8"),
        ("1@192", "Call-ID is not UTF-8"),
        (";rport", "Via is not UTF-8"),
        ("text/plain", "Content-Type is not UTF-8"),
        ("70", "Max-Forwards"),
        ("Max-Forwards", "token"),
        ("bob@example.com SIP", "Request-URI is not UTF-8"),
    ] {
        check(before, with_stray(before), Answer(400, what));
    }
    let mut cut_short = GOOD.as_bytes()[..GOOD.len() - 20].to_vec();
    cut_short.push(0xff);
    check("and cut short", cut_short, Answer(400, "ends within"));
}

#[test]
fn latin_1_in_display_names_and_free_text_is_taken_and_copied_to_the_octet() {
    let from = b"From: \"Jos\xe9 \\\" Mu\xf1oz\" <sip:alice@example.com>;tag=1";
    let to = b"To: Ren\xe9e \xff\x80 <sip:bob@example.com>";
    let subject = b"Subject: caf\xe9 \xc3\xa9";
    let good = change(&[("Content-Length: 5", "Content-Length: 6")]);
    let mut message = Vec::new();
    for line in good.as_bytes().split_inclusive(|&octet| octet == b'\n') {
        match line {
            line if line.starts_with(b"From") => message.extend_from_slice(from),
            line if line.starts_with(b"To") => {
                message.extend_from_slice(&[&to[..], b"\r\n", subject].concat());
            }
            line => message.extend_from_slice(line.strip_suffix(b"\r\n").unwrap_or(line)),
        }
        if line.ends_with(b"\n") {
            message.extend_from_slice(b"\r\n");
        }
    }
    message.push(0xe9);
    let message = Message::parse(Bytes::from(message)).unwrap();
    assert_eq!(message.from().unwrap().display_decoded().as_deref(), Some("Jos\u{FFFD} \" Mu\u{FFFD}oz"));
    assert_eq!((message.from_tag(), message.body()), (Some("1"), &b"hello\xe9"[..]));
    let mut writer = Writer::response_to(&message, StatusCode::OK, None);
    for field in message.fields().filter(|field| field.is("Subject")) {
        writer.copy(field);
    }
    let printed = writer.finish(None);
    for line in [&from[..], to, subject] {
        let line = [b"\r\n", line, b"\r\n"].concat();
        assert!(printed.windows(line.len()).any(|window| window == line), "{printed:?}");
    }
}

#[test]
fn a_body_may_hold_any_octets() {
    let mut message = GOOD.replace("Content-Length: 5", "Content-Length: 7").into_bytes();
    message.extend_from_slice(b"\xff\0");
    let message = Message::parse(Bytes::from(message)).unwrap();
    assert_eq!(message.body(), b"hello\xff\0");
}

#[test]
fn what_is_too_large_is_answered_513_and_a_long_uri_414() {
    let lines = |count: usize| "X: 1\r\n".repeat(count);
    let with = |extra: &str| GOOD.replacen("Max-Forwards", &format!("{extra}Max-Forwards"), 1).into_bytes();
    check("246 more headers", with(&lines(246)), Accept);
    check("a header for each of 300 lines", with(&lines(300)), Answer(513, "headers"));
    check("a long header", with(&format!("X: {}\r\n", "x".repeat(8_000))), Accept);
    check("one too long", with(&format!("X: {}\r\n", "x".repeat(8_200))), Answer(513, "octets long"));
    check(
        "one too long by its folds",
        with(&format!("X: {}\r\n", "x\r\n ".repeat(3_000))),
        Answer(513, "octets long"),
    );
    check("100 Vias", with(&"v: SIP/2.0/UDP h\r\n".repeat(99)), Accept);
    check(
        "101 Vias",
        with(&format!("v: SIP/2.0/UDP h{}\r\n", ",SIP/2.0/UDP h".repeat(99))),
        Answer(513, "more than 100"),
    );
    let long = |octets: usize| GOOD.replacen("bob", &"b".repeat(octets), 1).into_bytes();
    check("a long Request-URI", long(2_000), Accept);
    check("one too long", long(2_050), Answer(414, "Request-URI"));
    let body = |octets: usize| {
        let head = GOOD.strip_suffix("hello").unwrap().replace("Length: 5", &format!("Length: {octets}"));
        [head.into_bytes(), vec![b'x'; octets]].concat()
    };
    check("a large body", body(65_000), Accept);
    check("one too large", body(70_000), Answer(513, "over 65535"));
    check("nothing but zeros", vec![0; 70_000], Silence("start line"));
}

#[test]
fn nothing_at_all_is_silence() {
    for message in ["", "\r\n", "\r\n\r\n", "\0\0\0\0", "hello", "SIP", "SIP/2.0", " \r\n\r\n"] {
        check(message, message.into(), Silence("start line"));
    }
}
