use super::*;
use crate::Direction::{In, Out};
use crate::Leg::{A, B};

struct Play(Trace);

impl Play {
    fn at(mut self, ms: u64, leg: Leg, direction: Direction, start: &str, more: &str) -> Self {
        let cseq = if start.contains("BYE") { "2 BYE" } else { "1 INVITE" };
        let start = start.replace(" BYE", "");
        let method = start.split(' ').next().unwrap();
        let (start, cseq) = if start.starts_with(|first: char| first.is_ascii_digit()) {
            (format!("SIP/2.0 {start}"), cseq.to_owned())
        } else {
            (format!("{method} sip:a@b SIP/2.0"), format!("1 {method}"))
        };
        let message = format!(
            "{start}\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: {cseq}\r\n{more}"
        );
        let message =
            if message.contains("\r\n\r\n") { message } else { message + "Content-Length: 0\r\n\r\n" };
        let remote = match leg {
            A => "192.0.2.7:5060",
            B => "10.0.0.9:5080",
        };
        self.0.items.push(Item {
            at_us: 1_700_000_000_000_000 + ms * 1000,
            leg,
            direction,
            transport: Transport::Udp,
            local: "198.51.100.5:5060".parse().unwrap(),
            remote: remote.parse().unwrap(),
            message: message.as_bytes().into(),
        });
        self
    }
}

fn sdp(direction: &str) -> String {
    let body = format!("v=0\r\na={direction}\r\n");
    format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn call() -> Play {
    let (offer, held) = (sdp("sendrecv"), sdp("sendonly"));
    Play(Trace::default())
        .at(0, A, In, "INVITE", &offer)
        .at(0, A, Out, "100 Trying", "")
        .at(2, B, Out, "INVITE", &offer)
        .at(502, B, Out, "INVITE", &offer)
        .at(503, B, In, "180 Ringing", "")
        .at(504, A, Out, "180 Ringing", "")
        .at(1900, B, In, "200 OK", &held)
        .at(1901, A, Out, "200 OK", &held)
        .at(1902, B, Out, "ACK", "")
        .at(1940, A, In, "ACK", "")
        .at(61_940, A, In, "BYE", "Reason: Q.850;cause=16;text=\"Normal call clearing\"\r\n")
        .at(61_940, A, Out, "200 OK BYE", "")
}

#[test]
fn both_legs_are_merged_with_their_notes() {
    let expected = "
caller  192.0.2.7:5060 by udp, to our 198.51.100.5:5060
agent   10.0.0.9:5080 by udp, to our 198.51.100.5:5060

     ms  caller                        strowger                            agent
      0  │─ INVITE (SDP) ─────────────────>│                                 │
      0  │<─ 100 Trying ───────────────────│                                 │
      2  │                                 │─ INVITE (SDP) ─────────────────>│
    502  │                                 │─ INVITE (SDP, again) ──────────>│
    503  │                                 │<─ 180 Ringing ──────────────────│
    504  │<─ 180 Ringing ──────────────────│                                 │
   1900  │                                 │<─ 200 OK (SDP sendonly) ────────│
   1901  │<─ 200 OK (SDP sendonly) ────────│                                 │
   1902  │                                 │─ ACK ──────────────────────────>│
   1940  │─ ACK ──────────────────────────>│                                 │
  61940  │─ BYE ──────────────────────────>│                                 │
         │    Q.850 16 Normal call         │                                 │
         │    clearing                     │                                 │
  61940  │<─ 200 OK (BYE) ─────────────────│                                 │
";
    assert_eq!(format!("\n{}", draw(&call().0)), expected);
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    let long = format!("Reason: SIP;cause=486;text=\"{}\"\r\n", "x".repeat(200));
    let play = call().at(99_999_999, B, In, &format!("486 {}", "Busy ".repeat(50)), &long);
    for line in draw(&play.0).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn a_call_without_a_sip_agent_has_one_lane() {
    let drawn = draw(&Play(Trace::default()).at(0, A, In, "INVITE", "").0);
    assert!(!drawn.contains("agent"), "{drawn}");
    assert!(drawn.lines().all(|line| line.chars().count() < 60), "{drawn}");
}

#[test]
fn no_message_commands_the_terminal() {
    let play = Play(Trace::default()).at(0, A, In, "INVITE", "Reason: SIP;text=\"\u{1b}[2J\u{9b}x\"\r\n");
    let drawn = draw(&play.0);
    assert!(!drawn.contains(['\u{1b}', '\u{9b}']), "{drawn:?}");
}

#[test]
fn another_peer_of_a_leg_is_told_and_so_is_what_was_not_kept() {
    let mut play = Play(Trace::default())
        .at(0, A, In, "INVITE", "")
        .at(0, B, Out, "INVITE", "")
        .at(9, B, Out, "INVITE", "");
    play.0.items[2].remote = "10.0.0.10:5080".parse().unwrap();
    play.0.not_kept = 7;
    let drawn = draw(&play.0);
    assert!(drawn.contains("10.0.0.10:5080 by udp:"), "{drawn}");
    assert!(!drawn.contains("again"), "another target is no repetition: {drawn}");
    assert!(drawn.ends_with("\n7 later messages were not kept.\n"), "{drawn}");
}

#[test]
fn a_trace_of_nothing_is_nothing() {
    assert_eq!(draw(&Trace::default()), "");
}
