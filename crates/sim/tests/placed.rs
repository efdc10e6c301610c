//! Calls of our own: from the wish to the gateway, to the answer, to the agent that joins, and to the end.

use std::net::SocketAddr;
use std::time::Duration;

use b2bua::CallRecord;
use b2bua::ask::{Answer, Asker, Dialled, Digits, Place};
use b2bua::io::{CallKey, Command, Milestone};
use b2bua::record::{AgentSource, CallDirection, CallStatus, EndedBy};
use phone::{Ladder, Phone, Step, sdp};
use sim::cast::{
    BOT_URL, ECHO, FRAIL_URL, GATEWAY, GATEWAY_2, OUTSIDE, OUTWARD, caller, description, desk, gateway,
    phone, pick_up, place, talk, wish,
};
use sim::stage::{assert_ladder, empty};
use sim::{Bot, Opening, World};

const SECOND: Duration = Duration::from_secs(1);
const NOW: Duration = Duration::ZERO;
const FIRST: CallKey = CallKey(1);

/// The world after such a wish among these phones.
fn played(wish: Place, phones: Vec<Phone>) -> World {
    played_with(wish, phones, |_| {})
}

fn played_with(wish: Place, phones: Vec<Phone>, set: impl FnOnce(&mut World)) -> World {
    let mut world = empty();
    for phone in phones {
        world.phone(NOW, phone);
    }
    world.command(NOW, place(wish));
    set(&mut world);
    world.run().expect("every invariant holds");
    world
}

/// A gateway that rings, answers, and hangs up after a while.
fn polite(at: SocketAddr, talk: Duration) -> Phone {
    let script = vec![
        Step::ExpectInvite,
        Step::Ring { status: 180, sdp: None },
        Step::Wait(SECOND),
        Step::Answer { sdp: Some(description(at)) },
        Step::ExpectAck,
        Step::Wait(talk),
        Step::Bye,
    ];
    phone("gateway", "carrier", at, script)
}

fn refusing(name: &str, status: u16) -> Phone {
    let at = if name == "second" { GATEWAY_2 } else { GATEWAY };
    phone(name, "carrier", at, vec![Step::ExpectInvite, Step::Reject { status }])
}

/// What who asked was told.
fn told(world: &World) -> &CallRecord {
    match world.answers() {
        [(Asker(7), Answer::Placed(record)), ..] => record,
        other => panic!("{other:?}"),
    }
}

/// A rung, at whatever time.
#[track_caller]
fn assert_shows(ladder: &str, rung: &str) {
    let rungs = Ladder::squeeze(ladder);
    let at = |found: &String| found.split_once(' ').is_some_and(|(_, found)| found == rung);
    assert!(rungs.iter().any(at), "no `{rung}` in\n{ladder}");
}

fn milestones(world: &World) -> Vec<Milestone> {
    world.milestones().iter().map(|(milestone, _)| *milestone).collect()
}

fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let fields = message.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

#[test]
fn whoever_is_called_talks_to_the_numbers_agent() {
    let world = played(wish(), vec![polite(GATEWAY, SECOND)]);
    assert_ladder(
        &world,
        "
          0  us -> gateway  INVITE sdp
         20  gateway -> us  180
       1020  gateway -> us  200 sdp
       1040  us -> gateway  ACK
       2060  gateway -> us  BYE
       2080  us -> gateway  200 BYE
       2080  us  record completed normal
        ",
    );
    let begun = told(&world);
    assert_eq!((begun.status, begun.direction), (None, CallDirection::Outbound));
    let record = world.records()[0];
    assert_eq!(begun.id, record.id);
    let (number, to) = (record.number.as_deref(), record.to.as_deref());
    assert_eq!((number, record.from.as_deref(), to), (Some(OUTWARD), Some(OUTWARD), Some(OUTSIDE)));
    assert_eq!((record.trunk_id.as_deref(), record.agent_id.as_deref()), (Some("carrier"), Some("echo")));
    assert_eq!(record.agent_source, Some(AgentSource::Assigned));
    assert_eq!((record.status, record.ended_by), (Some(CallStatus::Completed), Some(EndedBy::Callee)));
    assert_eq!((record.billable_s, record.codec.as_deref()), (2, Some("PCMU")));
    assert_eq!((record.transport.as_str(), record.source.as_str()), ("udp", "api"));
    assert_eq!(header(&world.said("INVITE")[0], "Call-ID"), Some(record.sip_call_id_a.as_str()));
    assert_eq!(milestones(&world), [Milestone::Ringing, Milestone::Answered, Milestone::Joined]);
}

#[test]
fn the_gateway_gets_an_offer_of_all_that_we_speak() {
    let world = played(wish(), vec![polite(GATEWAY, SECOND)]);
    let invite = &world.said("INVITE")[0];
    assert!(invite.starts_with("INVITE sip:+12125550177@198.18.0.1 SIP/2.0\r\n"), "{invite}");
    assert!(header(invite, "From").unwrap().starts_with("<sip:+14155550120@198.18.0.1>;tag="), "{invite}");
    for line in ["m=audio 10000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000"] {
        assert!(invite.contains(line), "{invite}");
    }
    assert_eq!(header(invite, "P-Early-Media"), None);
}

#[test]
fn a_stream_is_opened_once_the_call_is_answered() {
    let asked = wish()
        .joined_by("bot")
        .telling([("campaign".to_owned(), "spring".to_owned())].into())
        .expect("it is no more than may be told");
    let world =
        played_with(asked, vec![polite(GATEWAY, SECOND)], |world| world.bot(Bot::new("bot", BOT_URL)));
    assert_ladder(
        &world,
        "
          0  us -> gateway  INVITE sdp
         20  gateway -> us  180
       1020  gateway -> us  200 sdp
       1040  us -> gateway  ACK
       1040  us -> bot     open
       1140  bot -> us     opened
       2060  gateway -> us  BYE
       2080  us -> gateway  200 BYE
       2080  us -> bot     close
       2080  us  record completed normal
        ",
    );
    let of = |name: &str| world.told_to("bot", name);
    assert_eq!(
        (of("campaign"), of("from_number"), of("to_number")),
        (Some("spring"), Some(OUTWARD), Some(OUTSIDE))
    );
    assert_eq!(world.records()[0].agent_source, Some(AgentSource::Named));
}

#[test]
fn a_sip_agent_is_invited_once_the_call_is_answered() {
    let world = played(wish().joined_by("desk"), vec![polite(GATEWAY, 2 * SECOND), desk(pick_up(SECOND))]);
    assert_ladder(
        &world,
        "
          0  us -> gateway  INVITE sdp
         20  gateway -> us  180
       1020  gateway -> us  200 sdp
       1040  us -> gateway  ACK
       1040  us -> desk  INVITE sdp
       1060  desk -> us  180
       2060  desk -> us  200 sdp
       2080  us -> desk  ACK
       3060  gateway -> us  BYE
       3080  us -> gateway  200 BYE
       3080  us -> desk  BYE
       3080  us  record completed normal
       3100  desk -> us  200 BYE
        ",
    );
    let (_, joined) = &world.milestones()[2];
    assert_eq!(joined.sip_call_id_b, world.records()[0].sip_call_id_b);
}

#[test]
fn an_agent_that_hangs_up_ends_the_call() {
    let mut script = pick_up(SECOND);
    script.extend([Step::ExpectAck, Step::Wait(SECOND), Step::Bye]);
    let world = played(wish().joined_by("desk"), vec![gateway(GATEWAY, SECOND), desk(script)]);
    let record = world.records()[0];
    assert_eq!((record.status, record.ended_by), (Some(CallStatus::Completed), Some(EndedBy::Agent)));
    assert_shows(&world.ladder(), "us -> gateway BYE");
}

#[test]
fn the_call_ends_if_no_agent_can_join() {
    let refused = vec![Step::ExpectInvite, Step::Reject { status: 503 }];
    for (agent, phones, bots) in [
        ("desk", vec![desk(refused)], vec![]),
        ("desk", vec![], vec![]),
        ("bot", vec![], vec![Bot::new("bot", BOT_URL).opening(Opening::Never)]),
    ] {
        let phones = phones.into_iter().chain([gateway(GATEWAY, SECOND)]).collect();
        let world = played_with(wish().joined_by(agent), phones, |world| {
            for bot in bots {
                world.bot(bot);
            }
        });
        let record = world.records()[0];
        assert_eq!(record.reason.as_deref(), Some("agent-unreachable"), "{}", world.ladder());
        assert_eq!((record.status, record.sip_status), (Some(CallStatus::Failed), Some(200)));
        assert!(record.answered_at.is_some());
        assert_shows(&world.ladder(), "us -> gateway BYE");
        assert_eq!(milestones(&world), [Milestone::Ringing, Milestone::Answered]);
    }
}

#[test]
fn an_agent_that_says_nothing_is_not_waited_for_in_silence() {
    let world = played(wish().joined_by("desk"), vec![gateway(GATEWAY, SECOND)]);
    let record = world.records()[0];
    assert_eq!((record.reason.as_deref(), record.billable_s), (Some("agent-unreachable"), 20));
}

#[test]
fn a_fallback_agent_joins_in_place_of_one_that_cannot() {
    let frail = Bot::new("frail", FRAIL_URL).opening(Opening::Fails(SECOND));
    let world = played_with(wish().joined_by("frail"), vec![polite(GATEWAY, 3 * SECOND)], |world| {
        world.bot(frail);
        world.bot(Bot::new("bot", BOT_URL));
    });
    let record = world.records()[0];
    assert_eq!((record.agent_id.as_deref(), record.status), (Some("bot"), Some(CallStatus::Completed)));
}

#[test]
fn what_may_not_leave_is_refused_and_recorded() {
    let from = |number| Place::new(number, OUTSIDE).expect("a number");
    let to = |number| Place::new(OUTWARD, number).expect("a number");
    for (wish, reason, status) in [
        (from("+14155550999"), "caller-not-owned", 403),
        (from(ECHO), "outbound-disabled", 403),
        (to("+442079460000"), "country-not-allowed", 403),
        (to("911"), "destination-emergency", 403),
        (to("x"), "destination-invalid", 484),
        (wish().joined_by("nobody"), "no-agent", 480),
    ] {
        let world = played(wish, vec![]);
        assert!(!world.ladder().contains("INVITE"), "{}", world.ladder());
        let record = world.records()[0];
        assert_eq!((record.reason.as_deref(), record.sip_status), (Some(reason), Some(status)));
        assert_eq!((record.status, record.ended_by), (Some(CallStatus::Refused), Some(EndedBy::Policy)));
        assert!(record.detail.is_some(), "{record:?}");
        assert_eq!(told(&world), record);
    }
}

#[test]
fn parameters_are_refused_where_nobody_would_read_them() {
    let world = played(wish().telling([("a".to_owned(), "b".to_owned())].into()).unwrap(), vec![]);
    let record = told(&world);
    assert_eq!((record.reason.as_deref(), record.sip_status), (Some("bad-request"), Some(400)));
    assert!(record.detail.as_deref().is_some_and(|words| words.contains("media-stream")), "{record:?}");
}

#[test]
fn a_node_that_drains_places_no_call() {
    let world = {
        let mut world = empty();
        world.command(NOW, Command::Drain);
        world.command(SECOND, place(wish()));
        world.run().expect("every invariant holds");
        world
    };
    assert_eq!(told(&world).reason.as_deref(), Some("draining"));
}

#[test]
fn a_refusal_of_the_callee_ends_the_call_with_its_word() {
    for (status, reason, end) in [
        (486, "callee-busy", CallStatus::Busy),
        (603, "callee-declined", CallStatus::Busy),
        (404, "callee-unknown", CallStatus::Failed),
    ] {
        let world = played(wish(), vec![refusing("first", status), gateway(GATEWAY_2, SECOND)]);
        let record = world.records()[0];
        assert_eq!((record.reason.as_deref(), record.status), (Some(reason), Some(end)));
        assert_eq!(record.sip_status, Some(status));
        assert_eq!(told(&world).status, None);
    }
}

#[test]
fn the_next_gateway_is_tried() {
    for phones in [vec![refusing("first", 503)], vec![]] {
        let phones = phones.into_iter().chain([polite(GATEWAY_2, SECOND)]).collect();
        let world = played(wish(), phones);
        let record = world.records()[0];
        assert_eq!(record.status, Some(CallStatus::Completed), "{}", world.ladder());
        let invites = world.said("INVITE");
        let last = invites.last().unwrap();
        assert_eq!(header(last, "Call-ID") == Some(&record.sip_call_id_a), last.contains("198.18.0.2"));
    }
}

#[test]
fn whoever_has_answered_by_one_gateway_is_not_rung_by_another() {
    let without_audio = description(GATEWAY).replace("m=audio 4000", "m=audio 0");
    assert_ne!(without_audio, description(GATEWAY));
    let answers =
        vec![Step::ExpectInvite, Step::Answer { sdp: Some(without_audio) }, Step::ExpectAck, Step::ExpectBye];
    let first = phone("gateway", "carrier", GATEWAY, answers);
    let world = played(wish(), vec![first, polite(GATEWAY_2, SECOND)]);
    assert_eq!(world.said("INVITE").len(), 1, "{}", world.ladder());
    let record = world.records()[0];
    assert_eq!(
        (record.status, record.reason.as_deref()),
        (Some(CallStatus::Failed), Some("no-common-codec"))
    );
}

#[test]
fn where_no_gateway_says_anything_the_trunk_has_failed() {
    let world = played(wish(), vec![]);
    let record = world.records()[0];
    assert_eq!((record.reason.as_deref(), record.sip_status), (Some("trunk-failed"), Some(502)));
}

#[test]
fn what_rings_too_long_is_taken_back() {
    let rings = vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }, Step::ExpectCancel];
    let world = played(wish().ringing_for(5).unwrap(), vec![phone("gateway", "carrier", GATEWAY, rings)]);
    assert_ladder(
        &world,
        "
          0  us -> gateway  INVITE sdp
         20  gateway -> us  180
       5000  us -> gateway  CANCEL
       5000  us  record noanswer no-answer
       5020  gateway -> us  200 CANCEL
       5020  gateway -> us  487
       5040  us -> gateway  ACK
        ",
    );
}

#[test]
fn a_call_can_be_hung_up_at_any_time() {
    let hangs_up = |at_ms, agent: &str| {
        let phones = vec![gateway(GATEWAY, SECOND), desk(pick_up(SECOND))];
        let world = played_with(wish().joined_by(agent), phones, |world| {
            world.command(Duration::from_millis(at_ms), Command::Hangup(FIRST));
        });
        let record = world.records()[0].clone();
        (record.status.unwrap(), record.reason.unwrap(), world.ladder())
    };
    let (status, reason, ladder) = hangs_up(500, "echo");
    assert_eq!((status, reason.as_str()), (CallStatus::Canceled, "canceled"));
    assert_shows(&ladder, "us -> gateway CANCEL");
    let (status, reason, ladder) = hangs_up(1_500, "desk");
    assert_eq!((status, reason.as_str()), (CallStatus::Completed, "hangup"));
    assert_shows(&ladder, "us -> gateway BYE");
    assert_shows(&ladder, "us -> desk CANCEL");
    let (status, reason, ladder) = hangs_up(3_000, "desk");
    assert_eq!((status, reason.as_str()), (CallStatus::Completed, "hangup"));
    assert_shows(&ladder, "us -> gateway BYE");
    assert_shows(&ladder, "us -> desk BYE");
}

#[test]
fn whoever_hangs_up_before_the_agent_joins_is_let_go() {
    let world = played(
        wish().joined_by("desk"),
        vec![
            polite(GATEWAY, SECOND),
            desk(vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }, Step::ExpectCancel]),
        ],
    );
    let record = world.records()[0];
    assert_eq!((record.status, record.ended_by), (Some(CallStatus::Completed), Some(EndedBy::Callee)));
    assert_shows(&world.ladder(), "us -> desk CANCEL");
}

#[test]
fn a_shutdown_ends_a_call_that_rings() {
    let rings = vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }, Step::ExpectCancel];
    let world = played_with(wish(), vec![phone("gateway", "carrier", GATEWAY, rings)], |world| {
        world.command(SECOND, Command::Shutdown);
    });
    assert_eq!(world.records()[0].reason.as_deref(), Some("shutdown"));
}

/// A gateway that answers, and takes no digits beside the audio.
fn deaf(at: SocketAddr) -> Phone {
    let audio = sdp::audio(SocketAddr::new(at.ip(), 4000), &["0 PCMU/8000"], "sendrecv", 1);
    let script = vec![Step::ExpectInvite, Step::Answer { sdp: Some(audio) }, Step::ExpectAck];
    phone("gateway", "carrier", at, script.into_iter().chain([Step::Wait(3 * SECOND), Step::Bye]).collect())
}

/// What became of digits, sent so late.
fn dialled(world: &mut World, at: Duration) -> (Vec<Dialled>, usize) {
    let digits = Digits::parse("12#").expect("they are digits");
    world.command(at, Command::Dial(Asker(8), FIRST, digits));
    world.run().expect("every invariant holds");
    let told = world.answers().iter().filter_map(|(asker, answer)| match answer {
        Answer::Dialled(dialled) if *asker == Asker(8) => Some(*dialled),
        Answer::Dialled(_) | Answer::Placed(_) => None,
    });
    let sent = world.media().iter().filter(|command| matches!(command, media::Command::Dial { .. }));
    (told.collect(), sent.count())
}

#[test]
fn digits_go_to_whoever_is_called() {
    let (early, up, over) =
        (Duration::from_millis(500), Duration::from_millis(1_500), Duration::from_mins(1));
    for (gateway, at, expected) in [
        (polite(GATEWAY, SECOND), early, (vec![Dialled::NotTalking], 0)),
        (polite(GATEWAY, SECOND), up, (vec![Dialled::Sent], 3)),
        (deaf(GATEWAY), up, (vec![Dialled::NotTaken], 0)),
        (polite(GATEWAY, SECOND), over, (vec![Dialled::Unknown], 0)),
    ] {
        let mut world = empty();
        world.phone(NOW, gateway);
        world.command(NOW, place(wish()));
        assert_eq!(dialled(&mut world, at), expected, "{at:?}");
    }
}

#[test]
fn digits_go_to_a_caller_too() {
    let mut world = empty();
    world.phone(NOW, caller(talk(ECHO, SECOND)));
    assert_eq!(dialled(&mut world, Duration::from_millis(500)), (vec![Dialled::Sent], 3));
}
