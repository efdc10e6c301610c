//! What SIPp can't send, by a client of our own: messages in pieces and several in one, what is no SIP, a CANCEL on the heels of its INVITE.

use super::wire::{SDP, Wire, header, to_tag};
use super::world::{Carrier, ECHO, MUTE, Transport, World};

/// Each becomes a test over each of these transports.
macro_rules! over {
    ($($module:ident $transport:ident: $($name:ident)*;)*) => {
        $(
            mod $module {
                use crate::suite::world::Transport;

                $(
                    #[test]
                    fn $name() {
                        super::$name(Transport::$transport);
                    }
                )*
            }
        )*
    };
}

over! {
    udp Udp:
        a_request_without_a_from_is_a_bad_request
        what_answers_or_acknowledges_nothing_is_dropped
        a_datagram_of_no_sip_is_dropped
        a_datagram_that_lacks_some_of_its_body_is_a_bad_request
        octets_after_the_body_of_a_datagram_are_passed_over
        a_cancel_on_the_heels_of_its_invite_is_heard
        a_cseq_of_another_method_is_a_bad_request
        line_ends_before_a_message_are_passed_over;
    tcp Tcp:
        a_request_without_a_from_is_a_bad_request
        what_answers_or_acknowledges_nothing_is_dropped
        a_cancel_on_the_heels_of_its_invite_is_heard
        a_cseq_of_another_method_is_a_bad_request
        line_ends_before_a_message_are_passed_over
        a_message_in_pieces_is_put_together
        messages_in_one_piece_are_taken_apart
        a_message_and_a_half_are_taken_as_far_as_they_came
        a_keep_alive_is_answered
        what_is_no_sip_ends_its_stream_and_no_other
        a_message_without_a_length_ends_its_stream;
    tls Tls:
        a_request_without_a_from_is_a_bad_request
        what_answers_or_acknowledges_nothing_is_dropped
        a_cancel_on_the_heels_of_its_invite_is_heard
        a_cseq_of_another_method_is_a_bad_request
        line_ends_before_a_message_are_passed_over
        a_message_in_pieces_is_put_together
        messages_in_one_piece_are_taken_apart
        a_message_and_a_half_are_taken_as_far_as_they_came
        a_keep_alive_is_answered
        what_is_no_sip_ends_its_stream_and_no_other
        a_message_without_a_length_ends_its_stream;
}

fn world(transport: Transport) -> World {
    World::new(transport, Carrier::Known, &[])
}

/// Ends the daemon; these must be its records, the latest first, and nothing be left to be ended.
fn assert_left(mut world: World, records: &[&str]) {
    assert!(world.daemon.terminate(), "SIGTERM ends it with 0\n{}", world.logs());
    let reasons: Vec<_> = world.daemon.records().iter().map(|record| record["reason"].clone()).collect();
    assert_eq!(reasons, records, "{}", world.logs());
}

/// A call to the echo that is up: the far side's tag.
fn call(wire: &mut Wire) -> String {
    wire.send(&wire.request("INVITE", ECHO, 1, "", SDP));
    let tag = to_tag(&wire.response(200, "INVITE"));
    wire.send(&wire.request("ACK", ECHO, 1, &tag, ""));
    tag
}

fn hang_up(wire: &mut Wire, tag: &str) {
    wire.send(&wire.request("BYE", ECHO, 9, tag, ""));
    wire.response(200, "BYE");
}

/// RFC 3261 s.9.2, whatever s.9.1 asks of the caller.
fn a_cancel_on_the_heels_of_its_invite_is_heard(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "cancelled");
    let cancel = wire.request("CANCEL", MUTE, 1, "", "");
    let invite = wire.request("INVITE", MUTE, 1, "", SDP);
    if transport == Transport::Udp {
        wire.send(&invite);
        wire.send(&cancel);
    } else {
        wire.send(&(invite + &cancel));
    }
    let mut finals = Vec::new();
    while finals.len() < 2 {
        let message = wire.message();
        if !message.starts_with("SIP/2.0 1") {
            finals.push(format!("{} {}", &message[8..11], header(&message, "CSeq")));
            if header(&message, "CSeq").ends_with("INVITE") {
                wire.send(&wire.request("ACK", MUTE, 1, &to_tag(&message), ""));
            }
        }
    }
    finals.sort();
    assert_eq!(finals, ["200 1 CANCEL", "487 1 INVITE"]);
    assert_left(world, &["canceled"]);
}

/// RFC 3261 s.8.1.1.5.
fn a_cseq_of_another_method_is_a_bad_request(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "confused");
    wire.send(&wire.request("OPTIONS", ECHO, 1, "", "").replace("CSeq: 1 OPTIONS", "CSeq: 1 BYE"));
    let refused = wire.message();
    assert!(refused.starts_with("SIP/2.0 400 "), "{refused}");
    assert_left(world, &[]);
}

/// RFC 3261 s.8.1.1: From is one of those that no request lacks.
fn a_request_without_a_from_is_a_bad_request(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "nameless");
    let options = wire.request("OPTIONS", ECHO, 1, "", "");
    let from = format!("From: {}\r\n", header(&options, "From"));
    wire.send(&options.replace(&from, ""));
    let refused = wire.message();
    assert!(refused.starts_with("SIP/2.0 400 "), "{refused}");
    assert_left(world, &[]);
}

/// RFC 3261 s.18.1.2, RFC 6026 s.7.1: the first thing that comes back is for the request after them.
fn what_answers_or_acknowledges_nothing_is_dropped(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "stray");
    wire.send(&wire.request("ACK", ECHO, 1, ";tag=nobody", ""));
    let response = wire.request("BYE", ECHO, 2, ";tag=nobody", "");
    let (_, headers) = response.split_once("\r\n").unwrap();
    wire.send(&format!("SIP/2.0 200 OK\r\n{headers}"));
    wire.send(&wire.request("OPTIONS", ECHO, 3, "", ""));
    let first = wire.message();
    assert!(first.starts_with("SIP/2.0 200 ") && header(&first, "CSeq") == "3 OPTIONS", "{first}");
    assert_left(world, &[]);
}

fn a_datagram_of_no_sip_is_dropped(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "garbage");
    wire.send("GET / HTTP/1.1\r\n\r\n");
    wire.send("\0\0");
    wire.send(&wire.request("OPTIONS", ECHO, 1, "", ""));
    let first = wire.message();
    assert!(first.starts_with("SIP/2.0 200 "), "{first}");
    assert_left(world, &[]);
}

/// RFC 3261 s.18.3.
fn a_datagram_that_lacks_some_of_its_body_is_a_bad_request(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "short");
    let invite = wire.request("INVITE", ECHO, 1, "", SDP);
    wire.send(&invite[..invite.len() - 10]);
    let refused = wire.message();
    assert!(refused.starts_with("SIP/2.0 400 "), "{refused}");
    assert_left(world, &["bad-request"]);
}

/// RFC 3261 s.18.3.
fn octets_after_the_body_of_a_datagram_are_passed_over(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "long");
    let invite = wire.request("INVITE", ECHO, 1, "", SDP);
    wire.send(&(invite + "m=video 1 RTP/AVP 31\r\n"));
    let answer = wire.response(200, "INVITE");
    assert!(!answer.contains("m=video"), "{answer}");
    let tag = to_tag(&answer);
    wire.send(&wire.request("ACK", ECHO, 1, &tag, ""));
    hang_up(&mut wire, &tag);
    assert_left(world, &["normal"]);
}

/// RFC 3261 s.7.5.
fn line_ends_before_a_message_are_passed_over(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "late");
    wire.send(&format!("\r\n{}", wire.request("OPTIONS", ECHO, 1, "", "")));
    wire.response(200, "OPTIONS");
    assert_left(world, &[]);
}

/// RFC 3261 s.18.3: a stream has no messages but those of Content-Length.
fn a_message_in_pieces_is_put_together(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "pieces");
    let invite = wire.request("INVITE", ECHO, 1, "", SDP);
    for piece in invite.as_bytes().chunks(7) {
        wire.send(std::str::from_utf8(piece).unwrap());
    }
    let tag = to_tag(&wire.response(200, "INVITE"));
    for octet in wire.request("ACK", ECHO, 1, &tag, "").chars() {
        wire.send(&octet.to_string());
    }
    hang_up(&mut wire, &tag);
    assert_left(world, &["normal"]);
}

fn messages_in_one_piece_are_taken_apart(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "glued");
    let glued: String = (1..=20).map(|cseq| wire.request("OPTIONS", ECHO, cseq, "", "")).collect();
    let invite = wire.request("INVITE", ECHO, 21, "", SDP);
    wire.send(&(glued + &invite));
    for cseq in 1..=20 {
        let response = wire.response(200, "OPTIONS");
        assert_eq!(header(&response, "CSeq"), format!("{cseq} OPTIONS"));
    }
    let tag = to_tag(&wire.response(200, "INVITE"));
    let bye = wire.request("BYE", ECHO, 22, &tag, "");
    wire.send(&(wire.request("ACK", ECHO, 21, &tag, "") + &bye));
    wire.response(200, "BYE");
    assert_left(world, &["normal"]);
}

fn a_message_and_a_half_are_taken_as_far_as_they_came(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "half");
    let second = wire.request("INVITE", ECHO, 2, "", SDP);
    // Up to the middle of the body.
    let (half, rest) = second.split_at(second.len() - SDP.len() / 2);
    wire.send(&(wire.request("OPTIONS", ECHO, 1, "", "") + half));
    wire.response(200, "OPTIONS");
    wire.send(rest);
    let tag = to_tag(&wire.response(200, "INVITE"));
    wire.send(&wire.request("ACK", ECHO, 2, &tag, ""));
    hang_up(&mut wire, &tag);
    assert_left(world, &["normal"]);
}

/// RFC 5626 s.3.5.1: a double line end is a ping, a single one its answer.
fn a_keep_alive_is_answered(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "alive");
    let tag = call(&mut wire);
    wire.send("\r\n\r\n");
    assert_eq!(wire.octets(2), b"\r\n");
    hang_up(&mut wire, &tag);
    assert_left(world, &["normal"]);
}

fn what_is_no_sip_ends_its_stream_and_no_other(transport: Transport) {
    let world = world(transport);
    let mut good = Wire::to(&world, "good");
    let tag = call(&mut good);
    let mut bad = Wire::to(&world, "bad");
    bad.send("GET / HTTP/1.1\r\nHost: us.example\r\n\r\n");
    assert!(bad.is_ended(), "nothing is said to who speaks no SIP");
    world.daemon.logged("what it sent is no SIP");
    hang_up(&mut good, &tag);
    assert_left(world, &["normal"]);
}

/// RFC 3261 s.18.3, s.20.14: there is no telling where the next one begins.
fn a_message_without_a_length_ends_its_stream(transport: Transport) {
    let world = world(transport);
    let mut wire = Wire::to(&world, "endless");
    wire.send(&wire.request("OPTIONS", ECHO, 1, "", "").replace("Content-Length: 0\r\n", ""));
    assert!(wire.is_ended());
    world.daemon.logged("what it sent is no SIP");
    assert_left(world, &[]);
}
