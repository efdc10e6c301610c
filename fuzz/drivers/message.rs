//! What is done with each input of the fuzz target `message`; a test on the stable toolchain does it with the committed corpus.

use bytes::Bytes;
use sip::framing::{Frame, Framer};
use sip::message::Limits;
use sip::{Message, NameAddr, Uri, Via, Writer};

/// Reads the octets every way there is. Panics where something does not hold.
pub(crate) fn exercise(data: &[u8]) {
    datagram(data);
    stream(data);
    if let Ok(text) = std::str::from_utf8(data) {
        syntax(text);
    }
}

fn datagram(data: &[u8]) {
    match Message::parse(Bytes::copy_from_slice(data)) {
        Ok(message) => {
            touch(&message);
            assert!(message.via().is_some() && message.from().is_some() && message.to().is_some());
            assert!(!message.call_id().is_empty());
            reprint(&message);
        }
        Err(malformed) => {
            assert!(!malformed.fault.is_empty());
            if let Some((status, request)) = malformed.answer {
                touch(&request);
                assert!(request.is_request() && status.code() >= 400);
                refuse(&request, Writer::response_to(&request, status, Some(&malformed.fault)));
            }
        }
    }
}

/// The answer has a line for each header copied and no other, whatever is in them.
fn refuse(request: &Message, writer: Writer) {
    let printed = writer.finish(None);
    let vias = request.fields().filter(|field| field.is("Via")).count();
    let others = ["From", "To", "Call-ID", "CSeq"];
    let others = others.iter().filter(|name| request.fields().any(|field| field.is(name))).count();
    for line_break in [b'\r', b'\n'] {
        let breaks = printed.split(|&byte| byte == line_break).count() - 1;
        assert_eq!(breaks, 1 + vias + others + 1 + 1);
    }
}

fn touch(message: &Message) {
    for (name, value) in message.lines() {
        assert!(!value.contains('\n') || message.fields().any(|field| field.value() == value));
        for element in message.headers(name) {
            syntax(&element);
        }
        assert_eq!(message.header(name), message.headers(name).next());
    }
    let _read = (message.method(), message.request_uri(), message.status(), message.reason_phrase());
    let _read = (
        message.from_tag(),
        message.to_tag(),
        message.cseq(),
        message.max_forwards(),
        message.content_type(),
    );
    let _read = message.contact().map(|contact| contact.display_decoded());
    assert!(message.body().len() <= message.bytes().len());
}

fn syntax(text: &str) {
    if let Ok(uri) = Uri::parse(text) {
        let _read = (uri.user_decoded(), uri.parsed_host(), uri.address(), uri.port(), uri.headers());
        let _read = (uri.lr(), uri.transport(), uri.maddr(), uri.params().iter().count());
        assert_eq!(Uri::parse(uri.as_str()), Ok(uri));
    }
    if let Ok(address) = NameAddr::parse(text) {
        let _read = (address.display_decoded(), address.tag(), address.params().iter().count());
        assert_eq!(Uri::parse(address.uri().as_str()), Ok(address.uri()));
    }
    if let Some(via) = Via::parse(text) {
        let _read = (via.branch(), via.received(), via.rport(), via.maddr(), via.parsed_host());
    }
}

/// Printed header by header and read again, it is the same message.
fn reprint(message: &Message) {
    let mut writer = match (message.request_uri(), message.status()) {
        (Some(uri), _) => Writer::request(message.method(), uri),
        (None, Some(status)) => Writer::response(status, message.reason_phrase()),
        (None, None) => panic!("neither request nor response"),
    };
    for field in message.fields() {
        writer.copy(field);
    }
    let printed = writer.finish(Some(("", message.body())));
    if printed.len() > Limits::SIZE {
        return;
    }
    let again = Message::parse(printed).expect("what is printed is well-formed");
    assert_eq!(again.method(), message.method());
    assert_eq!(again.request_uri(), message.request_uri());
    assert_eq!((again.status(), again.reason_phrase()), (message.status(), message.reason_phrase()));
    assert_eq!((again.call_id(), again.cseq()), (message.call_id(), message.cseq()));
    assert_eq!((again.from_tag(), again.to_tag()), (message.from_tag(), message.to_tag()));
    assert_eq!(again.body(), message.body());
    let headers = |message: &Message| {
        let others = message.fields().filter(|field| !field.is("Content-Length"));
        others.map(|field| (field.name().to_owned(), field.value().into_owned())).collect::<Vec<_>>()
    };
    assert_eq!(headers(&again), headers(message));
    for (name, _) in message.lines().filter(|(name, _)| !name.eq_ignore_ascii_case("l")) {
        if !name.eq_ignore_ascii_case("Content-Length") {
            assert!(again.headers(name).eq(message.headers(name)), "{name}");
        }
    }
}

/// However the stream is cut, the same messages come out of it, and no more octets than went in.
fn stream(data: &[u8]) {
    let whole = frames(&[data]);
    let (first, second) = data.split_at(data.len() / 2);
    let halves = frames(&[first, second]);
    let octets: usize = whole.iter().map(Bytes::len).sum();
    assert!(octets <= data.len());
    assert_eq!(whole, halves);
    for message in whole {
        datagram(&message);
    }
}

/// The messages of a stream, up to its end or to where it breaks.
fn frames(reads: &[&[u8]]) -> Vec<Bytes> {
    let mut framer = Framer::new();
    let mut messages = Vec::new();
    for read in reads {
        framer.push(read);
        loop {
            match framer.next() {
                Ok(Some(Frame::Message(message))) => messages.push(message),
                Ok(Some(Frame::Ping | Frame::Pong)) => {}
                Ok(None) => break,
                Err(_) => return messages,
            }
        }
    }
    messages
}
