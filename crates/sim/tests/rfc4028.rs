//! Session timers (RFC 4028) on either leg, in both roles and by both methods. Each leg has its own, and neither knows of the other's.

use std::time::Duration;

use phone::{Invite, Offer, Phone, Reaction, Step};
use sim::cast::{AT_DESK, CALLER, DESK, ECHO, US, caller, description, desk, pick_up, setup};
use sim::stage::{assert_ladder, assert_rungs, empty};
use sim::{Loss, Weather, World};

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);

/// An INVITE that asks for a session of that kind; `allow` are the methods that its sender takes.
fn timed(number: &str, session: &str, allow: &str) -> Step {
    let invite = Invite::to(format!("sip:{number}@{US}")).offer(description(CALLER));
    let invite = invite.header("Supported", "timer").header("Session-Expires", session);
    Step::Invite(invite.header("Allow", allow))
}

/// A call that lasts so long after its 2xx.
fn lasting(invite: Step, talk: Duration) -> Vec<Step> {
    vec![invite, Step::Expect(200), Step::Ack { sdp: None }, Step::Wait(talk), Step::Bye]
}

/// A SIP agent whose answer says so of the session.
fn timed_desk(session: &str, allow: &str, then: Vec<Step>) -> Phone {
    let mut script = pick_up(SECOND);
    script.extend(then);
    desk(script).saying("Session-Expires", session).saying("Require", "timer").saying("Allow", allow)
}

fn played(mut world: World) -> World {
    world.run().expect("every invariant holds");
    world
}

/// The bodies of our messages that begin so.
fn bodies(world: &World, beginning: &str) -> Vec<String> {
    let said = world.said(beginning).into_iter();
    said.filter_map(|text| Some(text.split_once("\r\n\r\n")?.1.to_owned())).collect()
}

const WITHOUT_UPDATE: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS";
const WITH_UPDATE: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE";
const THREE_MINUTES: Duration = Duration::from_secs(100);

#[test]
fn we_refresh_the_callers_session_by_update() {
    let mut world = empty();
    let invite = timed(ECHO, "90;refresher=uas", WITH_UPDATE);
    let phone = caller(lasting(invite, THREE_MINUTES)).saying("Session-Expires", "90;refresher=uac");
    world.phone(NOW, phone.saying("Require", "timer"));
    let world = played(world);
    assert_ladder(
        &world,
        "
             0  caller -> us  INVITE sdp
            20  us -> caller  100
            20  us -> caller  200 sdp
            40  caller -> us  ACK
         45020  us -> caller  UPDATE
         45040  caller -> us  200 UPDATE
         90060  us -> caller  UPDATE
         90080  caller -> us  200 UPDATE
        100040  caller -> us  BYE
        100060  us -> caller  200 BYE
        100060  us            record completed normal
        ",
    );
    let refresh = &world.said("UPDATE")[0];
    assert!(refresh.contains("Session-Expires: 90;refresher=uac\r\n"), "{refresh}");
    assert!(
        refresh.contains("Supported: timer\r\n") && refresh.contains("Content-Length: 0\r\n"),
        "{refresh}"
    );
}

#[test]
fn we_refresh_the_callers_session_by_reinvite_where_it_takes_no_update() {
    let mut world = empty();
    let invite = timed(ECHO, "90;refresher=uas", WITHOUT_UPDATE);
    let phone = caller(lasting(invite, THREE_MINUTES)).saying("Session-Expires", "90;refresher=uac");
    world.phone(NOW, phone.saying("Require", "timer"));
    let world = played(world);
    assert_ladder(
        &world,
        "
             0  caller -> us  INVITE sdp
            20  us -> caller  100
            20  us -> caller  200 sdp
            40  caller -> us  ACK
         45020  us -> caller  INVITE sdp
         45040  caller -> us  200 sdp
         45060  us -> caller  ACK
         90060  us -> caller  INVITE sdp
         90080  caller -> us  200 sdp
         90100  us -> caller  ACK
        100040  caller -> us  BYE
        100060  us -> caller  200 BYE
        100060  us            record completed normal
        ",
    );
    let said = [bodies(&world, "SIP/2.0 200"), bodies(&world, "INVITE")].concat();
    assert_eq!(said.iter().filter(|body| *body == &said[0]).count(), 3, "o= and all: {said:?}");
}

#[test]
fn the_caller_refreshes_its_session_by_reinvite_and_by_update() {
    let mut world = empty();
    world.phone(NOW, desk(pick_up(SECOND)));
    let again = || Offer::none().header("Supported", "timer").header("Session-Expires", "90;refresher=uac");
    world.phone(
        NOW,
        caller(vec![
            timed(AT_DESK, "90;refresher=uac", WITH_UPDATE),
            Step::Expect(200),
            Step::Ack { sdp: None },
            Step::Wait(Duration::from_secs(45)),
            Step::ReinviteWith(again().sdp(description(CALLER))),
            Step::Expect(200),
            Step::Ack { sdp: None },
            Step::Wait(Duration::from_secs(45)),
            Step::UpdateWith(again()),
            Step::ExpectUpdated(200),
            Step::Wait(Duration::from_secs(45)),
            Step::Bye,
        ]),
    );
    let world = played(world);
    // The agent, which knows no timer, hears nothing of it.
    assert_ladder(
        &world,
        "
             0  caller -> us  INVITE sdp
            20  us -> caller  100
            20  us -> desk    INVITE sdp
            40  desk -> us    180
            60  us -> caller  180
          1040  desk -> us    200 sdp
          1060  us -> desk    ACK
          1060  us -> caller  200 sdp
          1080  caller -> us  ACK
         46080  caller -> us  INVITE sdp
         46100  us -> caller  200 sdp
         46120  caller -> us  ACK
         91120  caller -> us  UPDATE
         91140  us -> caller  200 UPDATE
        136160  caller -> us  BYE
        136180  us -> caller  200 BYE
        136180  us -> desk    BYE
        136180  us            record completed normal
        136200  desk -> us    200 BYE
        ",
    );
    let granted = world.said("SIP/2.0 200");
    let granted: Vec<_> =
        granted.iter().filter(|ok| ok.contains("Session-Expires: 90;refresher=uac\r\n")).collect();
    assert_eq!(granted.len(), 3, "{granted:?}");
}

#[test]
fn a_caller_that_does_not_refresh_ends_the_call_on_both_legs() {
    let mut world = empty();
    world.phone(NOW, desk(pick_up(SECOND)));
    let script = vec![
        timed(AT_DESK, "90;refresher=uac", WITH_UPDATE),
        Step::Expect(200),
        Step::Ack { sdp: None },
        Step::ExpectBye,
    ];
    world.phone(NOW, caller(script));
    let world = played(world);
    assert_ladder(
        &world,
        "
             0  caller -> us  INVITE sdp
            20  us -> caller  100
            20  us -> desk    INVITE sdp
            40  desk -> us    180
            60  us -> caller  180
          1040  desk -> us    200 sdp
          1060  us -> desk    ACK
          1060  us -> caller  200 sdp
          1080  caller -> us  ACK
         61060  us -> caller  BYE
         61060  us -> desk    BYE
         61060  us            record failed session-expired
         61080  caller -> us  200 BYE
         61080  desk -> us    200 BYE
        ",
    );
    let bye = &world.said("BYE")[0];
    assert!(bye.contains("Reason: SIP;cause=408;text=\"Session expired\"\r\n"), "{bye}");
}

#[test]
fn we_refresh_the_agents_session_by_update() {
    let mut world = empty();
    world.phone(NOW, timed_desk("90;refresher=uac", WITH_UPDATE, Vec::new()));
    world.phone(NOW, caller(sim::cast::talk(AT_DESK, THREE_MINUTES)));
    let world = played(world);
    assert_rungs(
        &world,
        "desk",
        "
            20  us -> desk    INVITE sdp
            40  desk -> us    180
          1040  desk -> us    200 sdp
          1060  us -> desk    ACK
         46060  us -> desk    UPDATE
         46080  desk -> us    200 UPDATE
         91100  us -> desk    UPDATE
         91120  desk -> us    200 UPDATE
        101100  us -> desk    BYE
        101120  desk -> us    200 BYE
        ",
    );
}

#[test]
fn we_refresh_the_agents_session_by_reinvite() {
    let mut world = empty();
    world.phone(NOW, timed_desk("90;refresher=uac", WITHOUT_UPDATE, Vec::new()));
    world.phone(NOW, caller(sim::cast::talk(AT_DESK, THREE_MINUTES)));
    let world = played(world);
    assert_rungs(
        &world,
        "desk",
        "
            20  us -> desk    INVITE sdp
            40  desk -> us    180
          1040  desk -> us    200 sdp
          1060  us -> desk    ACK
         46060  us -> desk    INVITE sdp
         46080  desk -> us    200 sdp
         46100  us -> desk    ACK
         91100  us -> desk    INVITE sdp
         91120  desk -> us    200 sdp
         91140  us -> desk    ACK
        101100  us -> desk    BYE
        101120  desk -> us    200 BYE
        ",
    );
    let said = bodies(&world, "INVITE");
    assert!(said.iter().all(|body| *body == said[0]) && said.len() == 3, "{said:?}");
}

#[test]
fn the_agent_refreshes_its_session() {
    let mut world = empty();
    let again = || Offer::none().header("Supported", "timer").header("Session-Expires", "90;refresher=uac");
    let then = vec![
        Step::ExpectAck,
        Step::Wait(Duration::from_secs(45)),
        Step::UpdateWith(again()),
        Step::ExpectUpdated(200),
        Step::Wait(Duration::from_secs(45)),
        Step::ReinviteWith(again().sdp(description(DESK))),
        Step::Expect(200),
        Step::Ack { sdp: None },
    ];
    world.phone(NOW, timed_desk("90;refresher=uas", WITH_UPDATE, then));
    world.phone(NOW, caller(sim::cast::talk(AT_DESK, THREE_MINUTES)));
    let world = played(world);
    assert_rungs(
        &world,
        "desk",
        "
            20  us -> desk    INVITE sdp
            40  desk -> us    180
          1040  desk -> us    200 sdp
          1060  us -> desk    ACK
         46080  desk -> us    UPDATE
         46100  us -> desk    200 UPDATE
         91120  desk -> us    INVITE sdp
         91140  us -> desk    200 sdp
         91160  desk -> us    ACK
        101100  us -> desk    BYE
        101120  desk -> us    200 BYE
        ",
    );
    assert_eq!(world.records()[0].reason.as_deref(), Some("normal"));
}

#[test]
fn an_agent_that_does_not_refresh_ends_the_call_on_both_legs() {
    let mut world = empty();
    world.phone(NOW, timed_desk("90;refresher=uas", WITH_UPDATE, vec![Step::ExpectBye]));
    let script =
        vec![sim::cast::invite(AT_DESK, CALLER), Step::Expect(200), Step::Ack { sdp: None }, Step::ExpectBye];
    world.phone(NOW, caller(script));
    let world = played(world);
    assert_ladder(
        &world,
        "
             0  caller -> us  INVITE sdp
            20  us -> caller  100
            20  us -> desk    INVITE sdp
            40  desk -> us    180
            60  us -> caller  180
          1040  desk -> us    200 sdp
          1060  us -> desk    ACK
          1060  us -> caller  200 sdp
          1080  caller -> us  ACK
         61060  us -> desk    BYE
         61060  us -> caller  BYE
         61060  us            record failed session-expired
         61080  desk -> us    200 BYE
         61080  caller -> us  200 BYE
        ",
    );
}

#[test]
fn a_refresh_that_is_refused_by_update_goes_by_reinvite() {
    let mut world = empty();
    let phone = timed_desk("90;refresher=uac", WITH_UPDATE, Vec::new());
    world.phone(NOW, phone.reacting(vec![Reaction::Refuses(501, Vec::new())]));
    world.phone(NOW, caller(sim::cast::talk(AT_DESK, Duration::from_mins(1))));
    let world = played(world);
    assert_rungs(
        &world,
        "desk",
        "
            20  us -> desk    INVITE sdp
            40  desk -> us    180
          1040  desk -> us    200 sdp
          1060  us -> desk    ACK
         46060  us -> desk    UPDATE
         46080  desk -> us    501 UPDATE
         46100  us -> desk    INVITE sdp
         46120  desk -> us    200 sdp
         46140  us -> desk    ACK
         61100  us -> desk    BYE
         61120  desk -> us    200 BYE
        ",
    );
}

#[test]
fn an_agent_that_answers_no_refresh_is_gone() {
    let mut world = empty();
    world.phone(NOW, timed_desk("90;refresher=uac", WITH_UPDATE, vec![Step::ExpectBye]));
    let script =
        vec![sim::cast::invite(AT_DESK, CALLER), Step::Expect(200), Step::Ack { sdp: None }, Step::ExpectBye];
    world.phone(NOW, caller(script));
    world.lose(Loss { from: "us".into(), to: "desk".into(), label: "UPDATE".into(), times: 99 });
    let world = played(world);
    assert_eq!(world.records()[0].reason.as_deref(), Some("session-expired"), "{}", world.ladder());
}

#[test]
fn an_interval_that_is_too_short_is_422_and_the_next_one_is_granted() {
    let mut setup = setup(1, Weather::calm());
    setup.config.sip.session.least = Duration::from_mins(2);
    let mut world = World::new(setup).expect("the cast's inventory is sound");
    let short = vec![timed(ECHO, "90", WITH_UPDATE), Step::Expect(422)];
    world.phone(NOW, caller(short));
    world.run_until(SECOND);
    let refusal = world.said("SIP/2.0 422");
    assert!(refusal[0].contains("Min-SE: 120\r\n"), "{refusal:?}");
    assert_eq!(world.records()[0].reason.as_deref(), Some("bad-request"));
    let at = std::net::SocketAddr::from(([198, 51, 100, 12], 5060));
    let long = lasting(timed(ECHO, "120;refresher=uac", WITH_UPDATE), SECOND);
    world.phone(NOW, sim::cast::phone("again", "+12125550199", at, long));
    let world = played(world);
    let granted = world.said("SIP/2.0 200");
    assert!(granted[0].contains("Session-Expires: 120;refresher=uac\r\n"), "{granted:?}");
    assert!(granted[0].contains("Require: timer\r\n"), "{granted:?}");
}

#[test]
fn a_caller_that_knows_no_timer_has_none() {
    let mut world = empty();
    world.phone(NOW, caller(sim::cast::talk(ECHO, Duration::from_hours(1))));
    let world = played(world);
    assert!(world.said("SIP/2.0 200").iter().all(|ok| !ok.contains("Session-Expires")));
    assert_eq!((world.said("UPDATE").len(), world.said("INVITE").len()), (0, 0), "{}", world.ladder());
}
