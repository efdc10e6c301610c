//! rsip as the oracle: where it accepts, our method, Request-URI, status, Call-ID, CSeq, tags and body are the same, less the
//! written list of its faults. Over the corpus, and over messages made up by proptest.

mod support;

use bytes::Bytes;
use proptest::prelude::*;
use rsip::headers::UntypedHeader;
use rsip::message::HeadersExt;
use rsip::prelude::ToTypedHeader;
use sip::Message;

/// Where rsip accepts and we refuse: a word of our fault, and what rsip does there.
const TAKES_TOO_MUCH: &[(&str, &str)] = &[
    ("Content-Length", "never looks at Content-Length"),
    ("ends within", "takes a datagram that is cut within its headers"),
    ("no Via", "misses a Via only when it is asked for"),
    ("Via:", "leaves a Via unread until it is asked for"),
    ("V:", "leaves a compact Via unread altogether"),
    ("where the request is", "does not compare the methods of start line and CSeq"),
    ("there are two", "takes the first of two From, To, Call-ID or CSeq"),
    ("not closed", "takes a quote that is not closed for part of a name"),
    ("Contact:", "leaves a Contact unread until it is asked for"),
    ("Route:", "leaves a Route or Record-Route unread until it is asked for"),
    ("Max-Forwards", "leaves Max-Forwards unread until it is asked for"),
    ("without a scheme", "takes a URI without a scheme"),
    ("URI holds a space", "takes a URI up to the space"),
    ("is not in quotes", "takes a comma for part of a bare display name"),
    ("in angle brackets", "takes a URI with headers without angle brackets"),
    ("holds headers", "takes headers for part of a Request-URI's host"),
    ("version", "takes any version, or a word that is none"),
    ("Call-ID:", "takes an empty Call-ID, or spaces in it"),
    ("below 2^31", "takes a CSeq up to 2^32-1"),
    ("stray", "takes a lone CR or LF for part of a value"),
    ("host or port", "takes any octets for a host"),
];

/// What of the same message is to be the same.
#[derive(PartialEq, Eq, Debug)]
struct Essence {
    /// Method, or status.
    start: String,
    request_uri: Option<String>,
    call_id: String,
    cseq: String,
    from_tag: Option<String>,
    to_tag: Option<String>,
    body: Vec<u8>,
}

fn ours(message: &Message) -> Essence {
    Essence {
        start: message.status().map_or_else(|| message.method().to_string(), |status| status.to_string()),
        request_uri: message.request_uri().map(str::to_owned),
        call_id: message.call_id().to_owned(),
        cseq: message.cseq().to_string(),
        from_tag: message.from_tag().map(str::to_owned),
        to_tag: message.to_tag().map(str::to_owned),
        body: message.body().to_vec(),
    }
}

/// `None` where rsip does not accept.
fn theirs(octets: &[u8]) -> Option<Essence> {
    let message = rsip::SipMessage::try_from(octets).ok()?;
    let cseq = message.cseq_header().ok()?.clone().typed().ok()?;
    let tag = |tag: Option<&rsip::param::Tag>| tag.map(|tag| tag.value().to_owned());
    let (start, request_uri) = match &message {
        rsip::SipMessage::Request(request) => (request.method.to_string(), Some(request.uri.to_string())),
        rsip::SipMessage::Response(response) => (response.status_code.code().to_string(), None),
    };
    Some(Essence {
        start,
        request_uri,
        call_id: message.call_id_header().ok()?.value().to_owned(),
        cseq: format!("{} {}", cseq.seq, cseq.method),
        from_tag: tag(message.from_header().ok()?.clone().typed().ok()?.tag()),
        to_tag: tag(message.to_header().ok()?.clone().typed().ok()?.tag()),
        body: message.body().clone(),
    })
}

/// Sets what rsip gets wrong to what we have, where the difference is one of its known faults.
fn forgive(theirs: &mut Essence, ours: &Essence) {
    // It takes all of the datagram for the body, whatever Content-Length says.
    if theirs.body.starts_with(&ours.body) {
        theirs.body.clone_from(&ours.body);
    }
    // It takes white space around a value for part of it, and an empty tag for a tag.
    theirs.call_id = theirs.call_id.trim().to_owned();
    for tag in [&mut theirs.from_tag, &mut theirs.to_tag] {
        tag.take_if(|tag| tag.is_empty());
    }
    // It prints a transport parameter in upper case, and `scheme://` for all but sip, sips and tel.
    if let (Some(their_uri), Some(our_uri)) = (&mut theirs.request_uri, &ours.request_uri) {
        let plain = |uri: &str| uri.trim().replacen("://", ":", 1).to_ascii_lowercase();
        if plain(their_uri) == plain(our_uri) {
            their_uri.clone_from(our_uri);
        }
    }
}

/// Whether both accept; an error where they disagree.
fn agree(octets: &[u8]) -> Result<bool, String> {
    let Some(mut theirs) = theirs(octets) else { return Ok(false) };
    match Message::parse(Bytes::copy_from_slice(octets)) {
        Ok(message) => {
            let ours = ours(&message);
            forgive(&mut theirs, &ours);
            if ours == theirs { Ok(true) } else { Err(format!("ours {ours:#?}, rsip's {theirs:#?}")) }
        }
        Err(malformed) if TAKES_TOO_MUCH.iter().any(|(word, _)| malformed.fault.contains(word)) => Ok(false),
        Err(malformed) => Err(format!("rsip accepts what we refuse: {}", malformed.fault)),
    }
}

#[test]
fn both_read_the_same_in_the_corpus() {
    for folder in ["rfc4475_torture", "rfc5118_ipv6", "jain_sip_torture", "rfc_call_flows"] {
        let Some(files) = support::folder(folder) else { return };
        let mut both = 0;
        for (file, bytes) in &files {
            for message in [bytes.clone(), support::mended(bytes)] {
                let accepted =
                    agree(&message).unwrap_or_else(|difference| panic!("{folder}/{file}: {difference}"));
                both += usize::from(accepted);
            }
        }
        eprintln!("{folder}: {} files, {both} readings by both", files.len());
        assert!(both * 6 >= files.len(), "{folder}: rsip is no oracle if it accepts {both} only");
    }
}

/// How a header is written: a list of ways, of which rsip knows the first only.
#[derive(Clone, Copy, Debug)]
enum Style {
    Plain,
    Compact,
    LowerCase,
    SpaceBeforeColon,
    Folded,
}

fn styled((name, compact): (&str, &str), value: &str, style: Style) -> String {
    match style {
        Style::Plain => format!("{name}: {value}\r\n"),
        Style::Compact => format!("{compact}:{value}\r\n"),
        Style::LowerCase => format!("{}: {value}\r\n", name.to_lowercase()),
        Style::SpaceBeforeColon => format!("{name} \t: {value} \r\n"),
        Style::Folded => format!("{name}:\r\n\t {value}\r\n"),
    }
}

fn style() -> impl Strategy<Value = Style> {
    prop_oneof![
        Just(Style::Plain),
        Just(Style::Compact),
        Just(Style::LowerCase),
        Just(Style::SpaceBeforeColon),
        Just(Style::Folded),
    ]
}

fn method() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "UPDATE", "PRACK",
    ])
    .prop_map(str::to_owned)
}

fn uri() -> impl Strategy<Value = String> {
    let host = prop_oneof!["[a-z][a-z0-9]{0,8}\\.example\\.(com|net)", "192\\.0\\.2\\.[1-9][0-9]?"];
    let user = prop_oneof!["[a-z0-9._-]{1,12}", "\\+1[0-9]{10}"];
    let port = proptest::option::of(1024_u16..);
    let params = proptest::sample::select(vec!["", ";lr", ";transport=udp", ";user=phone;x=y"]);
    (user, host, port, params).prop_map(|(user, host, port, params)| {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("sip:{user}@{host}{port}{params}")
    })
}

fn address() -> impl Strategy<Value = String> {
    let display = proptest::sample::select(vec!["", "Alice ", "\"Bell, Alexander; \\\"AB\\\"\" "]);
    (display, uri()).prop_map(|(display, uri)| format!("{display}<{uri}>"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What was put in comes out, however the headers are written; and rsip, which knows one way of writing, says the same.
    #[test]
    fn both_read_what_was_written(
        (method, uri, from, to) in (method(), uri(), address(), address()),
        (from_tag, to_tag) in ("[a-zA-Z0-9.]{1,20}", proptest::option::of("[a-zA-Z0-9.]{1,20}")),
        call_id in "[a-zA-Z0-9.%-]{1,30}(@[a-z0-9.]{1,20})?",
        number in 0_u32..1 << 31,
        body in "[ -~]{0,80}",
        styles in proptest::array::uniform6(style()),
        plain in any::<bool>(),
        rotation in 0_usize..6,
    ) {
        let styles = if plain { [Style::Plain; 6] } else { styles };
        let tagged = |tag: &Option<String>| tag.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let mut headers = [
            styled(("Via", "v"), "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", styles[0]),
            styled(("From", "f"), &format!("{from};tag={from_tag}"), styles[1]),
            styled(("To", "t"), &format!("{to}{}", tagged(&to_tag)), styles[2]),
            styled(("Call-ID", "i"), &call_id, styles[3]),
            styled(("CSeq", "CSEQ"), &format!("{number} {method}"), styles[4]),
            styled(("Content-Length", "l"), &body.len().to_string(), styles[5]),
        ];
        headers.rotate_left(rotation);
        let message = format!("{method} {uri} SIP/2.0\r\n{}\r\n{body}", headers.concat());
        let expected = Essence {
            start: method.clone(),
            request_uri: Some(uri),
            call_id,
            cseq: format!("{number} {method}"),
            from_tag: Some(from_tag),
            to_tag,
            body: body.into_bytes(),
        };
        let parsed = Message::parse(Bytes::from(message.clone()));
        prop_assert!(parsed.is_ok(), "{parsed:?}");
        prop_assert_eq!(ours(&parsed.unwrap()), expected);
        let both = agree(message.as_bytes());
        prop_assert!(both.is_ok(), "{both:?}");
        prop_assert!(both == Ok(true) || !plain, "rsip accepts the plain way of writing");
    }
}

#[test]
fn both_read_the_same_of_a_message_with_any_one_octet_changed() {
    let mut differences = Vec::new();
    let mut both = 0;
    for at in 0..GOOD.len() {
        for octet in (b' '..=b'~').chain([b'\t', b'\r', b'\n', 0, 0xff]) {
            let mut message = GOOD.as_bytes().to_vec();
            message[at] = octet;
            match agree(&message) {
                Ok(accepted) => both += usize::from(accepted),
                Err(difference) => differences.push(format!("{octet:#04x} at {at}: {difference}")),
            }
        }
    }
    assert!(differences.is_empty(), "{} differences, such as {}", differences.len(), differences[0]);
    assert!(both > 10_000, "{both} readings by both");
}

const GOOD: &str = "OPTIONS sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n\
    From: Alice <sip:alice@example.com>;tag=1a\r\n\
    To: <sip:bob@example.com>;tag=2b\r\n\
    Call-ID: 1@192.0.2.1\r\n\
    CSeq: 1 OPTIONS\r\n\
    Max-Forwards: 70\r\n\
    Content-Length: 5\r\n\
    \r\n\
    hello";
