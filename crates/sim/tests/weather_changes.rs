//! Changes and refreshes of sessions in two hundred storms each: a tenth of all datagrams is lost, a tenth comes twice, any may be late.
//! Whatever the weather, every call ends, and nothing is left: no dialog, no transaction, no port, no timer.

use std::net::SocketAddr;
use std::time::Duration;

use phone::{Invite, Offer, Phone, Reaction, Step, sdp};
use sim::Weather;
use sim::cast::{AT_DESK, CALLER, DESK, MOVED, US, caller, description, desk, invite, pick_up, talk};
use storms::in_all;

mod storms;

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);

/// Plays a SIP agent and a caller, anew for each seed.
fn in_any_weather(parties: impl Fn() -> (Phone, Phone)) {
    in_all(Weather::storm(), |world, _| {
        let (desk, caller) = parties();
        world.phone(NOW, desk);
        world.phone(NOW, caller);
    });
}

fn directed(of: SocketAddr, direction: &str, version: u64) -> String {
    let rtp = SocketAddr::new(of.ip(), 4000);
    sdp::audio(rtp, &["0 PCMU/8000", "101 telephone-event/8000"], direction, version)
}

/// A change of the session, whatever becomes of it.
fn change(sdp: String) -> [Step; 4] {
    [Step::Reinvite { sdp: Some(sdp) }, Step::ExpectFinal, Step::Ack { sdp: None }, Step::Wait(SECOND)]
}

/// A hold and its end.
fn hold_and_resume(of: SocketAddr) -> Vec<Step> {
    [change(directed(of, "sendonly", 2)), change(directed(of, "sendrecv", 3))].concat()
}

fn calling(then: Vec<Step>) -> Vec<Step> {
    let mut script =
        vec![invite(AT_DESK, CALLER), Step::ExpectFinal, Step::Ack { sdp: None }, Step::Wait(SECOND)];
    script.extend(then);
    script.push(Step::Bye);
    script
}

fn picking_up(then: Vec<Step>) -> Vec<Step> {
    let mut script = pick_up(SECOND);
    script.push(Step::Wait(SECOND));
    script.extend(then);
    script
}

#[test]
fn the_caller_holds() {
    in_any_weather(|| (desk(pick_up(SECOND)), caller(calling(hold_and_resume(CALLER)))));
}

#[test]
fn the_agent_holds() {
    in_any_weather(|| {
        let away = vec![Step::Wait(Duration::from_secs(20))];
        (desk(picking_up(hold_and_resume(DESK))), caller(calling(away)))
    });
}

#[test]
fn both_hold() {
    in_any_weather(|| {
        let mut script = hold_and_resume(CALLER);
        script.push(Step::Wait(Duration::from_secs(10)));
        (desk(picking_up(hold_and_resume(DESK))), caller(calling(script)))
    });
}

#[test]
fn the_agent_refuses_waits_and_glares() {
    in_any_weather(|| {
        let reactions = vec![
            Reaction::Refuses(491, Vec::new()),
            Reaction::Refuses(488, Vec::new()),
            Reaction::Waits,
            Reaction::Refuses(500, vec![("Retry-After".to_owned(), "2".to_owned())]),
        ];
        let mut script = hold_and_resume(CALLER);
        script.extend(hold_and_resume(CALLER));
        (desk(pick_up(SECOND)).reacting(reactions), caller(calling(script)))
    });
}

#[test]
fn the_caller_changes_by_update_and_without_an_offer() {
    in_any_weather(|| {
        let script = vec![
            Step::Update { sdp: Some(directed(CALLER, "inactive", 2)) },
            Step::Wait(SECOND),
            Step::Update { sdp: Some(description(MOVED)) },
            Step::Wait(SECOND),
            Step::Reinvite { sdp: None },
            Step::ExpectFinal,
            Step::Ack { sdp: Some(directed(CALLER, "sendonly", 3)) },
            Step::Wait(Duration::from_secs(3)),
        ];
        let desk = desk(pick_up(SECOND)).saying("Allow", "INVITE, ACK, CANCEL, BYE, UPDATE");
        (desk, caller(calling(script)))
    });
}

#[test]
fn a_side_leaves_amid_a_change() {
    in_any_weather(|| {
        let leaves = vec![Step::Wait(Duration::from_millis(300)), Step::Bye];
        let hold = Step::Reinvite { sdp: Some(directed(CALLER, "sendonly", 2)) };
        let desk = desk(picking_up(leaves)).reacting(vec![Reaction::Waits]);
        (desk, caller(calling(vec![hold, Step::Wait(Duration::from_secs(2))])))
    });
}

#[test]
fn both_sessions_are_refreshed() {
    for allow in ["INVITE, ACK, CANCEL, BYE", "INVITE, ACK, CANCEL, BYE, UPDATE"] {
        in_any_weather(|| {
            let invite = Invite::to(format!("sip:{AT_DESK}@{US}")).offer(description(CALLER));
            let invite = invite.header("Supported", "timer").header("Allow", allow);
            let invite = Step::Invite(invite.header("Session-Expires", "90;refresher=uas"));
            let script = vec![
                invite,
                Step::ExpectFinal,
                Step::Ack { sdp: None },
                Step::Wait(Duration::from_mins(3)),
                Step::Bye,
            ];
            let timed = |phone: Phone| {
                phone
                    .saying("Session-Expires", "90;refresher=uac")
                    .saying("Require", "timer")
                    .saying("Allow", allow)
            };
            (timed(desk(pick_up(SECOND))), timed(caller(script)))
        });
    }
}

#[test]
fn a_session_that_nobody_refreshes_ends() {
    in_any_weather(|| {
        let again = Offer::none().header("Supported", "timer").header("Session-Expires", "90;refresher=uac");
        let then = vec![Step::Wait(Duration::from_secs(40)), Step::UpdateWith(again)];
        let desk =
            desk(picking_up(then)).saying("Session-Expires", "90;refresher=uas").saying("Require", "timer");
        (desk, caller(talk(AT_DESK, Duration::from_mins(5))))
    });
}
