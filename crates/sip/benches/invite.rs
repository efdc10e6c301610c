//! Parse and print of one typical INVITE, ours against rsip, as a B2BUA or proxy has it: read it, take what a transaction and a
//! dialog need, and write it out header by header with a Via of our own on top.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use rsip::headers::UntypedHeader;
use rsip::message::HeadersExt;
use sip::{Message, Writer};

const INVITE: &str = "INVITE sip:+14155550100@sbc.carrier.example.net:5060;user=phone SIP/2.0\r\n\
    Record-Route: <sip:198.51.100.7;lr;ftag=as58f4201b;did=f1a.6ab2>\r\n\
    Record-Route: <sip:198.51.100.23:5060;transport=udp;lr>\r\n\
    Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK7c3e.9a1fe0d4c57b2f4d8e9a3b0c1d2e3f40.0\r\n\
    Via: SIP/2.0/UDP 203.0.113.44:5060;received=203.0.113.44;rport=5060;branch=z9hG4bK2d4790d3ef\r\n\
    From: \"Alice Example\" <sip:+442071838750@carrier.example.net;user=phone>;tag=as58f4201b\r\n\
    To: <sip:+14155550100@sbc.carrier.example.net;user=phone>\r\n\
    Contact: <sip:+442071838750@203.0.113.44:5060;transport=udp>\r\n\
    Call-ID: 3f0c2b7d5e8a41f69d1a7c3b90e2f4d6@203.0.113.44\r\n\
    CSeq: 102 INVITE\r\n\
    Max-Forwards: 68\r\n\
    User-Agent: Example Softswitch 7.4.2 (build 20261121-0a1b2c3d4e)\r\n\
    Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PRACK, UPDATE\r\n\
    Supported: replaces, timer, 100rel\r\n\
    Session-Expires: 1800;refresher=uac\r\n\
    Min-SE: 90\r\n\
    P-Asserted-Identity: <sip:+442071838750@carrier.example.net;user=phone>\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 238\r\n\
    \r\n\
    v=0\r\n\
    o=- 1763724001 1763724001 IN IP4 203.0.113.44\r\n\
    s=-\r\n\
    c=IN IP4 203.0.113.44\r\n\
    t=0 0\r\n\
    m=audio 18452 RTP/AVP 8 0 101\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\n\
    a=ptime:20\r\n\
    a=sendrecv\r\n";

const _: () = assert!(INVITE.len() == 1_287);

const OUR_VIA: &str = "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK0123456789abcdef;rport";

/// Reads, looks at the key of the transaction and of the dialog, and writes all of it again.
fn ours(wire: &Bytes) -> Bytes {
    let message = Message::parse(wire.clone()).unwrap();
    black_box((message.via(), message.call_id(), message.from_tag(), message.to_tag(), message.cseq()));
    let mut writer = Writer::request(message.method(), message.request_uri().unwrap());
    let mut top = true;
    for field in message.fields() {
        if top && field.is("Via") {
            writer.header(field.name(), OUR_VIA);
            top = false;
        } else {
            writer.copy(field);
        }
    }
    writer.finish(Some(("", message.body())))
}

/// The same by rsip. It leaves the values of headers as text until they are asked for, so it is asked for no more than that text.
fn theirs(wire: &Bytes) -> Bytes {
    let mut request = rsip::Request::try_from(wire.clone()).unwrap();
    black_box((
        request.call_id_header().unwrap(),
        request.from_header().unwrap(),
        request.to_header().unwrap(),
    ));
    black_box(request.cseq_header().unwrap());
    *request.via_header_mut().unwrap() = rsip::headers::Via::new(OUR_VIA);
    request.into()
}

fn invite(criterion: &mut Criterion) {
    let wire = Bytes::from_static(INVITE.as_bytes());
    assert_eq!(lines(&ours(&wire)), lines(&theirs(&wire)), "both print the same message");
    let mut group = criterion.benchmark_group("invite of 1,287 octets");
    group.bench_function("parse and print, ours", |bencher| bencher.iter(|| ours(black_box(&wire))));
    group.bench_function("parse and print, rsip", |bencher| bencher.iter(|| theirs(black_box(&wire))));
    group.bench_function("parse, ours", |bencher| {
        bencher.iter(|| Message::parse(black_box(&wire).clone()).unwrap());
    });
    group.bench_function("parse, rsip", |bencher| {
        bencher.iter(|| rsip::Request::try_from(black_box(&wire).clone()).unwrap());
    });
    group.finish();
}

/// The lines in order of the alphabet: we print Content-Length last.
fn lines(message: &Bytes) -> Vec<&str> {
    let mut lines: Vec<_> = std::str::from_utf8(message).unwrap().lines().collect();
    lines.sort_unstable();
    lines
}

criterion_group!(benches, invite);
criterion_main!(benches);
