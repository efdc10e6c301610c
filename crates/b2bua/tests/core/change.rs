//! Changes of the session across the two legs of a call: passed on, refused, met by others, and taken back.

use std::time::Duration;

use crate::house::{AGENT, CALLER, House};
use crate::text::{Dial, OFFER, agent_asks, agent_says, body, header, reply};

/// The agent's description.
const DESK: &str = "v=0\r\no=- 9 9 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n\
    m=audio 50000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

fn connected() -> (House, Dial) {
    connected_with("")
}

/// Both legs up; the agent's 200 has these headers too.
fn connected_with(headers: &str) -> (House, Dial) {
    let mut house = House::new();
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, &format!("200 OK{headers}"), DESK);
    call.ack(&mut house, "");
    house.look();
    (house, call)
}

fn directed(description: &str, direction: &str) -> String {
    description.replace("a=sendrecv", &format!("a={direction}"))
}

fn hold(house: &mut House, call: &mut Dial) {
    call.inside(house, "INVITE", "", &directed(OFFER, "sendonly"));
}

/// `o=` of a message of ours: its version.
fn version(text: &str) -> u64 {
    let line = body(text).lines().find(|line| line.starts_with("o=")).unwrap_or_default();
    line.split(' ').nth(2).and_then(|version| version.parse().ok()).unwrap_or_default()
}

#[test]
fn a_hold_reaches_the_agent_before_the_holder_is_answered() {
    let (mut house, mut call) = connected();
    hold(&mut house, &mut call);
    assert_eq!(house.look(), "\ncaller <- 100\nagent <- INVITE\n", "the caller waits");
    let offer = house.last(AGENT, "INVITE");
    assert!(body(&offer).contains("a=sendonly") && version(&offer) == 2, "{offer}");
    agent_says(&mut house, "200 OK", &directed(DESK, "recvonly"));
    assert_eq!(
        house.look(),
        "
agent <- ACK
describe m1 Pcmu 192.0.2.9:40000 both
describe m2 Pcmu 198.51.100.8:50000 send
describe m1 Pcmu 192.0.2.9:40000 receive
caller <- 200
"
    );
    let answer = house.last(CALLER, "200");
    assert!(body(&answer).contains("a=recvonly") && version(&answer) == 2, "{answer}");
    call.ack(&mut house, "");
    call.inside(&mut house, "INVITE", "", OFFER);
    assert!(body(&house.last(AGENT, "INVITE")).contains("a=sendrecv"));
    agent_says(&mut house, "200 OK", DESK);
    assert!(house.look().ends_with(
        "describe m1 Pcmu 192.0.2.9:40000 both\ndescribe m2 Pcmu 198.51.100.8:50000 both\ncaller <- 200\n"
    ));
    assert!(body(&house.last(CALLER, "200")).contains("a=sendrecv"));
}

#[test]
fn a_hold_of_the_old_way_is_one_of_the_agent_too() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INVITE", "", &OFFER.replace("c=IN IP4 192.0.2.9", "c=IN IP4 0.0.0.0"));
    assert!(body(&house.last(AGENT, "INVITE")).contains("a=sendonly"), "the holder takes nothing");
}

#[test]
fn the_holder_hears_what_the_held_side_makes_of_it() {
    let (mut house, mut call) = connected();
    hold(&mut house, &mut call);
    agent_says(&mut house, "200 OK", &directed(DESK, "inactive"));
    assert!(body(&house.last(CALLER, "200")).contains("a=inactive"), "the agent takes nothing either");
}

#[test]
fn a_side_that_holds_is_not_resumed_by_the_other() {
    let (mut house, mut call) = connected();
    agent_asks(&mut house, "INVITE", 1, "", &directed(DESK, "sendonly"));
    assert_eq!(house.look(), "\nagent <- 100\ncaller <- INVITE\n");
    let ours = house.last(CALLER, "INVITE");
    reply(&mut house, CALLER, &ours, "200 OK", &directed(OFFER, "recvonly"));
    assert!(body(&house.last(AGENT, "200")).contains("a=recvonly"));
    house.look();
    // A caller that says again that it would like to speak is told once more that it is held.
    call.inside(&mut house, "INVITE", "", OFFER);
    assert_eq!(house.look(), "\ncaller <- 200\n", "the agent knows it");
    assert!(body(&house.last(CALLER, "200")).contains("a=sendonly"));
    call.ack(&mut house, "");
    agent_asks(&mut house, "INVITE", 2, "", DESK);
    assert_eq!(house.look(), "\nagent <- 100\ncaller <- INVITE\n", "it may speak again, and hears of it");
}

#[test]
fn a_move_concerns_its_own_leg_alone() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INVITE", "", &OFFER.replace("40000", "42000"));
    assert_eq!(house.look(), "\ndescribe m1 Pcmu 192.0.2.9:42000 both\ncaller <- 200\n");
    call.ack(&mut house, "");
    agent_asks(&mut house, "INVITE", 1, "", &DESK.replace("50000", "52000"));
    assert_eq!(house.look(), "\ndescribe m2 Pcmu 198.51.100.8:52000 both\nagent <- 200\n");
}

#[test]
fn a_codec_that_the_other_leg_does_not_speak_is_offered_to_it_first() {
    let (mut house, mut call) = connected();
    let alaw = OFFER.replace("0 8 101", "8 101");
    call.inside(&mut house, "INVITE", "", &alaw);
    assert_eq!(house.look(), "\ncaller <- 100\nagent <- INVITE\n");
    assert!(body(&house.last(AGENT, "INVITE")).contains("m=audio 10002 RTP/AVP 8 0 101"));
    agent_says(&mut house, "200 OK", &DESK.replace("0 8 101", "8 101"));
    assert_eq!(
        house.look(),
        "
agent <- ACK
describe m2 Pcma 198.51.100.8:50000 both
describe m1 Pcma 192.0.2.9:40000 both
caller <- 200
"
    );
    call.ack(&mut house, "");
    assert_eq!(house.core.calls().next().unwrap().record.codec.as_deref(), Some("PCMA"));
    // The relay turns one into the other, so that an agent which keeps its own is no obstacle.
    call.inside(&mut house, "INVITE", "", &OFFER.replace("0 8 101", "0 101"));
    agent_says(&mut house, "200 OK", &DESK.replace("0 8 101", "8 101"));
    assert!(house.look().ends_with("describe m1 Pcmu 192.0.2.9:40000 both\ncaller <- 200\n"));
    call.ack(&mut house, "");
    call.inside(&mut house, "INVITE", "", &alaw);
    assert_eq!(house.look(), "\ndescribe m1 Pcma 192.0.2.9:40000 both\ncaller <- 200\n", "the agent's own");
}

#[test]
fn a_change_that_the_agent_refuses_leaves_both_sessions_as_they_were() {
    for (said, heard) in [("488 Not Acceptable Here", "488"), ("503 Busy", "500"), ("603 Decline", "606")] {
        let (mut house, mut call) = connected();
        hold(&mut house, &mut call);
        house.look();
        agent_says(&mut house, said, "");
        let journal = house.look();
        let cause = said.split(' ').next().unwrap();
        let reason = format!(
            "[SIP;cause={cause};text=\"the other side did not agree to the change; the session stays as it was\"]"
        );
        assert_eq!(journal, format!("\nagent <- ACK\ncaller <- {heard} {reason}\n"));
        call.absorb_inside(&mut house);
        // The version that was refused stands for what was refused: neither old nor new is called by it.
        call.inside(&mut house, "INVITE", "", &directed(OFFER, "inactive"));
        let offer = house.last(AGENT, "INVITE");
        assert_eq!(version(&offer), 3, "{offer}");
        call.bye(&mut house, "");
        assert_eq!(house.record().reason.as_deref(), Some("normal"));
    }
}

#[test]
fn an_agent_whose_answer_to_a_hold_cant_be_used_holds_nobody() {
    let declined = DESK.replace("m=audio 50000", "m=audio 0");
    for answer in ["", declined.as_str()] {
        let (mut house, mut call) = connected();
        hold(&mut house, &mut call);
        house.look();
        agent_says(&mut house, "200 OK", answer);
        let reason = "[SIP;cause=488;text=\"the other side did not agree to the change; the session stays as it was\"]";
        assert_eq!(house.look(), format!("\nagent <- ACK\ncaller <- 488 {reason}\n"));
        call.absorb_inside(&mut house);
        hold(&mut house, &mut call);
        agent_says(&mut house, "200 OK", &directed(DESK, "recvonly"));
        assert!(house.look().ends_with("caller <- 200\n"), "another try is as good as the first");
        call.bye(&mut house, "");
        assert_eq!(house.record().reason.as_deref(), Some("normal"));
    }
}

#[test]
fn our_offer_within_a_call_keeps_the_number_of_telephone_event() {
    let mut house = House::new();
    let call = Dial::to("+14155550103").offering(&OFFER.replace("101", "96"));
    call.place(&mut house);
    agent_says(&mut house, "200 OK", DESK);
    call.ack(&mut house, "");
    agent_asks(&mut house, "INVITE", 1, "", &directed(DESK, "sendonly"));
    let offer = house.last(CALLER, "INVITE");
    assert!(body(&offer).contains("RTP/AVP 0 8 96\r\n"), "{offer}");
    reply(&mut house, CALLER, &offer, "200 OK", &directed(&OFFER.replace("101", "96"), "recvonly"));
    assert!(house.look().ends_with("agent <- 200\n"));
    let remote = house.described[&house.media[0]].clone();
    assert_eq!(remote.telephone_event, Some((96, 96)));
}

#[test]
fn a_change_that_meets_one_of_the_agent_is_tried_again() {
    let (mut house, mut call) = connected();
    hold(&mut house, &mut call);
    house.look();
    agent_says(&mut house, "491 Request Pending", "");
    assert_eq!(house.look(), "\nagent <- ACK\n", "the caller hears nothing of it");
    // The Call-ID is ours: 2.1 to 4 s (RFC 3261 s.14.1).
    house.pass(Duration::from_millis(2_099));
    assert_eq!(house.look(), "\n");
    // The agent's change comes first, and has to wait for the caller's.
    agent_asks(&mut house, "INVITE", 1, "", &directed(DESK, "inactive"));
    assert_eq!(house.look(), "\nagent <- 491\n");
    house.pass(Duration::from_millis(1_901));
    assert!(house.look().contains("agent <- INVITE\n"));
    agent_says(&mut house, "200 OK", &directed(DESK, "recvonly"));
    assert!(house.look().ends_with("caller <- 200\n"));
}

#[test]
fn a_change_that_never_gets_its_turn_is_504() {
    let (mut house, mut call) = connected();
    hold(&mut house, &mut call);
    let mut tries = 0;
    while !house.look().contains("caller <- 504") {
        let asked = house.last(AGENT, "INVITE");
        reply(&mut house, AGENT, &asked, "491 Request Pending", "");
        house.pass(Duration::from_secs(4));
        tries += 1;
        assert!(tries < 10);
    }
    assert_eq!(tries, 5);
    call.absorb_inside(&mut house);
    call.bye(&mut house, "");
    let bye = house.last(AGENT, "BYE");
    reply(&mut house, AGENT, &bye, "200 OK", "");
    house.assert_empty();
}

#[test]
fn an_agent_that_only_rings_at_a_change_is_not_waited_for_and_told_of_the_end() {
    let (mut house, mut call) = connected();
    hold(&mut house, &mut call);
    agent_says(&mut house, "180 Ringing", "");
    house.pass(Duration::from_millis(19_999));
    house.look();
    house.pass(Duration::from_millis(1));
    assert!(house.look().starts_with("\ncaller <- 504 [SIP;cause=408;"));
    call.absorb_inside(&mut house);
    agent_says(&mut house, "200 OK", &directed(DESK, "recvonly"));
    let journal = house.look();
    assert!(journal.contains("agent <- ACK\n") && journal.ends_with("agent <- INVITE\n"), "{journal}");
    let again = house.last(AGENT, "INVITE");
    assert!(body(&again).contains("a=sendrecv") && version(&again) == 3, "the old session: {again}");
    agent_says(&mut house, "200 OK", DESK);
    assert!(house.look().ends_with("describe m2 Pcmu 198.51.100.8:50000 both\n"));
}

#[test]
fn an_update_is_answered_soon_whatever_the_agent_does() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "UPDATE", "", &directed(OFFER, "sendonly"));
    assert_eq!(house.look(), "\nagent <- INVITE\n", "the agent has not said that it takes UPDATE");
    agent_says(&mut house, "180 Ringing", "");
    house.pass(Duration::from_secs(8));
    assert!(house.look().contains("caller <- 504"));
}

#[test]
fn an_update_goes_as_one_to_an_agent_that_takes_it() {
    let (mut house, mut call) = connected_with("\r\nAllow: INVITE, ACK, BYE, UPDATE");
    call.inside(&mut house, "UPDATE", "", &directed(OFFER, "sendonly"));
    assert_eq!(house.look(), "\nagent <- UPDATE\n");
    let update = house.last(AGENT, "UPDATE");
    reply(&mut house, AGENT, &update, "200 OK", &directed(DESK, "recvonly"));
    assert!(house.look().ends_with("caller <- 200\n"));
    assert!(body(&house.last(CALLER, "200")).contains("a=recvonly"));
    hold(&mut house, &mut call);
    call.ack(&mut house, "");
    call.inside(&mut house, "INVITE", "", OFFER);
    assert!(house.look().ends_with("agent <- INVITE\n"), "a re-INVITE stays one");
}

#[test]
fn while_a_change_is_under_way_others_wait() {
    let (mut house, mut call) = connected();
    hold(&mut house, &mut call);
    agent_asks(&mut house, "INVITE", 1, "", DESK);
    house.look();
    assert!(house.last(AGENT, "491").contains("CSeq: 1 INVITE"), "it crossed ours");
    call.inside(&mut house, "UPDATE", "", &directed(OFFER, "inactive"));
    let later = house.last(CALLER, "500");
    assert!(header(&later, "Retry-After").is_some(), "{later}");
}

#[test]
fn a_bye_amid_a_change_ends_both_legs_cleanly() {
    for side in [CALLER, AGENT] {
        let (mut house, mut call) = connected();
        hold(&mut house, &mut call);
        agent_says(&mut house, "100 Trying", "");
        house.look();
        let pending = house.last(AGENT, "INVITE");
        if side == CALLER {
            call.bye(&mut house, "");
        } else {
            agent_asks(&mut house, "BYE", 1, "", "");
        }
        let journal = house.look();
        assert!(journal.contains("caller <- 487\n"), "{journal}");
        assert!(journal.contains("release m1\nrelease m2\nrecord Completed normal\n"), "{journal}");
        reply(&mut house, AGENT, &pending, "487 Request Terminated", "");
        for who in [CALLER, AGENT] {
            let ours = house
                .sent
                .iter()
                .rev()
                .find(|(to, text)| *to == who.parse().unwrap() && text.starts_with("BYE"));
            if let Some((_, bye)) = ours.cloned() {
                reply(&mut house, who, &bye, "200 OK", "");
            }
        }
        house.assert_empty();
    }
}

#[test]
fn a_change_that_is_cancelled_is_taken_back() {
    let (mut house, mut call) = connected();
    hold(&mut house, &mut call);
    agent_says(&mut house, "100 Trying", "");
    house.look();
    call.cancel_inside(&mut house);
    assert_eq!(house.look(), "\ncaller <- 200\ncaller <- 487\n");
    call.absorb_inside(&mut house);
    agent_says(&mut house, "200 OK", &directed(DESK, "recvonly"));
    let journal = house.look();
    assert!(journal.ends_with("agent <- INVITE\n"), "{journal}");
    assert!(body(&house.last(AGENT, "INVITE")).contains("a=sendrecv"));
    agent_says(&mut house, "200 OK", DESK);
    call.inside(&mut house, "INVITE", "", OFFER);
    assert!(house.look().ends_with("caller <- 200\n"), "nothing has changed for the caller");
    call.ack(&mut house, "");
}

#[test]
fn what_the_ack_of_a_late_offer_changes_is_told_afterwards() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INVITE", "", "");
    assert_eq!(house.look(), "\ncaller <- 200\n");
    assert!(body(&house.last(CALLER, "200")).contains("m=audio 10000 RTP/AVP 0 8 101"), "a full offer");
    call.ack(&mut house, &directed(OFFER, "sendonly"));
    assert!(house.look().ends_with("agent <- INVITE\n"));
    assert!(body(&house.last(AGENT, "INVITE")).contains("a=sendonly"));
    agent_says(&mut house, "200 OK", &directed(DESK, "recvonly"));
    house.look();
    // And resumed the same way: the offer says what the agent is open to, not what it is held by.
    call.inside(&mut house, "INVITE", "", "");
    assert!(body(&house.last(CALLER, "200")).contains("a=sendrecv"));
    call.ack(&mut house, OFFER);
    assert!(house.look().ends_with("agent <- INVITE\n"));
    agent_says(&mut house, "200 OK", DESK);
    assert!(house.described[&house.media[1]].direction.send);
}

#[test]
fn a_caller_that_opens_on_hold_is_so_for_the_agent() {
    let mut house = House::new();
    let call = Dial::to("+14155550103").offering(&directed(OFFER, "sendonly"));
    call.place(&mut house);
    assert!(body(&house.last(AGENT, "INVITE")).contains("a=sendonly"));
    agent_says(&mut house, "200 OK", &directed(DESK, "recvonly"));
    call.ack(&mut house, "");
    assert!(body(&house.last(CALLER, "200")).contains("a=recvonly"));
    assert!(house.look().ends_with("caller <- 200\n"), "nobody has anything to hear");
}

#[test]
fn an_agent_that_answers_on_hold_holds_the_caller() {
    let mut house = House::new();
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, "200 OK", &directed(DESK, "sendonly"));
    assert!(body(&house.last(CALLER, "200")).contains("a=sendonly"));
    call.ack(&mut house, "");
    house.look();
    agent_asks(&mut house, "INVITE", 1, "", DESK);
    assert_eq!(house.look(), "\nagent <- 100\ncaller <- INVITE\n");
    assert!(body(&house.last(CALLER, "INVITE")).contains("a=sendrecv"));
}
