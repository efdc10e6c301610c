//! Calls and their agents: streams, SIP and echo, the default agent and the fallback, and all that goes wrong with them.

use std::time::Duration;

use b2bua::record::{AgentSource, CallStatus, EndedBy};
use phone::{Ended, Step};
use sim::cast::{BOT, BOT_URL, CALLER, caller, invite};
use sim::stage::{assert_ladder, assert_rungs, empty, play};
use sim::{Bot, Loss, scenes};

#[test]
fn a_caller_hears_ringing_until_the_stream_is_open() {
    assert_ladder(
        &play(scenes::bot_session),
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> bot     open
          20  us -> caller  180
         120  bot -> us     opened
         120  us -> caller  200 sdp
         140  caller -> us  ACK
        1140  caller -> us  BYE
        1160  us -> caller  200 BYE
        1160  us -> bot     close
        1160  us            record completed normal
        ",
    );
}

#[test]
fn audio_is_connected_before_the_200() {
    let world = play(scenes::bot_session);
    let told: Vec<&str> = world.outbox().iter().map(String::as_str).collect();
    let place = |what: &str| {
        told.iter().position(|it| *it == what).unwrap_or_else(|| panic!("no {what} in {told:?}"))
    };
    assert!(place("describe") < place("tap"), "{told:?}");
    assert!(place("tap") < place("200 sdp"), "{told:?}");
}

#[test]
fn a_bot_that_closes_ends_the_call() {
    let world = play(scenes::bot_hangs_up);
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> bot     open
          20  us -> caller  180
         120  bot -> us     opened
         120  us -> caller  200 sdp
         140  caller -> us  ACK
        1120  bot -> us     closed
        1120  us -> caller  BYE
        1120  us            record completed normal
        1140  caller -> us  200 BYE
        ",
    );
    let record = world.records()[0];
    assert_eq!((record.status, record.ended_by), (Some(CallStatus::Completed), Some(EndedBy::Agent)));
}

#[test]
fn a_bot_that_is_not_there_is_480() {
    assert_ladder(
        &play(scenes::bot_unreachable),
        "
          0  caller -> us  INVITE sdp
         20  us -> caller  100
         20  us -> wss://bot.example.com/  open
         20  us -> caller  180
         20  wss://bot.example.com/ -> us  failed
         20  us -> caller  480
         20  us            record failed agent-unreachable
         40  caller -> us  ACK
        ",
    );
}

#[test]
fn a_bot_in_its_place_answers_for_one_that_fails() {
    assert_ladder(
        &play(scenes::fallback_for_a_bot),
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> frail   open
          20  us -> caller  180
          70  frail -> us   failed
          70  us -> bot     open
         170  bot -> us     opened
         170  us -> caller  200 sdp
         190  caller -> us  ACK
        1190  caller -> us  BYE
        1210  us -> caller  200 BYE
        1210  us -> bot     close
        1210  us            record completed normal
        ",
    );
}

#[test]
fn a_fallback_is_tried_once() {
    let world = play(scenes::fallback_fails_too);
    assert_eq!(world.ladder().matches("  open").count(), 2, "{}", world.ladder());
    assert_eq!(world.records()[0].reason.as_deref(), Some("agent-unreachable"));
}

#[test]
fn a_bot_answers_for_a_sip_agent_that_refuses() {
    let world = play(scenes::fallback_for_an_agent);
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    503
          60  us -> desk    ACK
          60  us -> bot     open
          60  us -> caller  180
         160  bot -> us     opened
         160  us -> caller  200 sdp
         180  caller -> us  ACK
        1180  caller -> us  BYE
        1200  us -> caller  200 BYE
        1200  us -> bot     close
        1200  us            record completed normal
        ",
    );
    assert_eq!(world.records()[0].agent_id.as_deref(), Some("bot"));
}

#[test]
fn a_sip_agent_that_rings_is_there_and_has_until_ring_s() {
    let world = play(scenes::agent_with_a_fallback_rings_on);
    assert_rungs(
        &world,
        "desk",
        "
           20  us -> desk  INVITE sdp
           40  desk -> us  180
        60020  us -> desk  CANCEL
        60040  desk -> us  200 CANCEL
        60040  desk -> us  487
        60060  us -> desk  ACK
        ",
    );
    assert_eq!(world.records()[0].reason.as_deref(), Some("no-answer"));
}

#[test]
fn a_bot_answers_for_a_sip_agent_that_is_silent() {
    let world = play(scenes::fallback_for_an_agent_that_is_silent);
    assert_eq!(world.records()[0].agent_id.as_deref(), Some("bot"), "{}", world.ladder());
    assert_eq!(world.find("caller").and_then(phone::Phone::status), Some(200));
}

#[test]
fn a_caller_that_gives_up_closes_the_stream() {
    assert_ladder(
        &play(scenes::bot_too_slow_for_the_caller),
        "
          0  caller -> us  INVITE sdp
         20  us -> caller  100
         20  us -> bot     open
         20  us -> caller  180
        500  caller -> us  CANCEL
        520  us -> caller  200 CANCEL
        520  us -> caller  487
        520  us -> bot     close
        520  us            record canceled canceled
        540  caller -> us  ACK
        ",
    );
}

#[test]
fn a_number_without_an_agent_reaches_the_default_one() {
    let world = play(scenes::default_agent);
    let record = world.records()[0];
    assert_eq!((record.agent_id.as_deref(), record.agent_source), (Some("echo"), Some(AgentSource::Default)));
    assert_eq!(record.status, Some(CallStatus::Completed));
    assert_eq!(record.duration_ms, 1060 - 20, "from the INVITE to the BYE");
}

#[test]
fn an_agent_under_a_host_name_is_looked_up() {
    let world = play(scenes::named_agent_session);
    assert_eq!(world.records()[0].status, Some(CallStatus::Completed), "{}", world.ladder());
}

#[test]
fn the_next_server_of_an_agent_is_called_after_a_503_and_after_silence() {
    let world = play(scenes::next_server_of_an_agent);
    assert_ladder(
        &world,
        "
             0  caller -> us           INVITE sdp
            20  us -> caller           100
            25  us -> busy             INVITE sdp
            45  busy -> us             503
            65  us -> busy             ACK
            65  us -> 192.0.2.22:5060  INVITE sdp
           565  us -> 192.0.2.22:5060  INVITE sdp
          1565  us -> 192.0.2.22:5060  INVITE sdp
          3565  us -> 192.0.2.22:5060  INVITE sdp
          4065  us -> desk             INVITE sdp
          4085  desk -> us             180
          4105  us -> caller           180
          5085  desk -> us             200 sdp
          5105  us -> desk             ACK
          5105  us -> caller           200 sdp
          5125  caller -> us           ACK
          6125  caller -> us           BYE
          6145  us -> caller           200 BYE
          6145  us -> desk             BYE
          6145  us                     record completed normal
          6165  desk -> us             200 BYE
          7565  us -> 192.0.2.22:5060  INVITE sdp
         15565  us -> 192.0.2.22:5060  INVITE sdp
         31565  us -> 192.0.2.22:5060  INVITE sdp
        ",
    );
}

#[test]
fn an_agent_under_a_name_that_is_none_is_480() {
    let world = play(scenes::unresolvable_agent);
    assert_eq!(world.records()[0].reason.as_deref(), Some("agent-unreachable"), "{}", world.ladder());
}

#[test]
fn an_agent_that_hangs_up_ends_the_call() {
    let world = play(scenes::agent_hangs_up);
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
        2040  desk -> us    BYE
        2060  us -> desk    200 BYE
        2060  us -> caller  BYE
        2060  us            record completed normal
        2080  caller -> us  200 BYE
        ",
    );
    assert_eq!(world.records()[0].ended_by, Some(EndedBy::Agent));
}

#[test]
fn an_agent_that_rings_on_is_cancelled() {
    let world = play(scenes::ring_timeout);
    let record = world.records()[0];
    assert_eq!((record.status, record.reason.as_deref()), (Some(CallStatus::NoAnswer), Some("no-answer")));
    assert!(world.ladder().contains("us -> desk    CANCEL"), "{}", world.ladder());
    assert_eq!(world.find("caller").unwrap().status(), Some(480));
}

#[test]
fn an_agents_answer_that_crosses_our_cancel_is_ended() {
    assert_ladder(
        &play(scenes::agent_answer_crosses_the_cancel),
        "
          0  caller -> us  INVITE sdp
         20  us -> caller  100
         20  us -> desk    INVITE sdp
         40  desk -> us    180
         60  us -> caller  180
        500  caller -> us  CANCEL
        520  us -> caller  200 CANCEL
        520  us -> caller  487
        520  us -> desk    CANCEL
        520  us            record canceled canceled
        535  desk -> us    200 sdp
        540  caller -> us  ACK
        540  desk -> us    200 CANCEL
        555  us -> desk    ACK
        555  us -> desk    BYE
        575  desk -> us    200 BYE
        ",
    );
}

#[test]
fn hold_is_answered_and_the_audio_goes_on_after_it() {
    let world = play(scenes::hold_and_resume);
    let mut directions = Vec::new();
    for command in world.media() {
        if let media::Command::Describe { remote, .. } = command {
            directions.push((remote.direction.send, remote.direction.receive));
        }
    }
    assert_eq!(directions, [(true, true), (false, true), (true, true)], "{}", world.ladder());
}

#[test]
fn an_invite_that_is_repeated_is_one_call() {
    let mut world = empty();
    world.bot(Bot::new("bot", BOT_URL));
    let wait = Duration::from_secs(1);
    world.phone(
        Duration::ZERO,
        caller(vec![
            invite(BOT, CALLER),
            Step::Expect(200),
            Step::Ack { sdp: None },
            Step::Wait(wait),
            Step::Bye,
        ]),
    );
    for label in ["100", "180", "200 sdp"] {
        world.lose(Loss { from: "us".into(), to: "caller".into(), label: label.into(), times: 1 });
    }
    world.run().unwrap();
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100  (lost)
          20  us -> bot     open
          20  us -> caller  180  (lost)
         120  bot -> us     opened
         120  us -> caller  200 sdp  (lost)
         500  caller -> us  INVITE sdp
         620  us -> caller  200 sdp
         640  caller -> us  ACK
        1640  caller -> us  BYE
        1660  us -> caller  200 BYE
        1660  us -> bot     close
        1660  us            record completed normal
        ",
    );
}

#[test]
fn an_answer_that_is_never_acked_ends_after_32_s() {
    let world = play(scenes::ack_never_comes);
    let ladder = world.ladder();
    assert_eq!(ladder.matches("us -> caller  200 sdp").count(), 11, "{ladder}");
    assert!(ladder.contains(" 32020  us -> caller  BYE"), "{ladder}");
    assert_eq!(world.find("caller").unwrap().outcome().unwrap().ended, Some(Ended::ByThem));
    assert_eq!(world.records().len(), 1);
}

#[test]
fn a_cancel_that_crosses_our_200_ends_by_bye() {
    let world = play(scenes::cancel_crosses_the_answer);
    assert_ladder(
        &world,
        "
          0  caller -> us  INVITE sdp
         20  us -> caller  100
         20  us -> bot     open
         20  us -> caller  180
        120  bot -> us     opened
        120  us -> caller  200 sdp
        125  caller -> us  CANCEL
        140  caller -> us  ACK sdp
        140  caller -> us  BYE
        145  us -> caller  200 CANCEL
        160  us -> caller  200 BYE
        160  us -> bot     close
        160  us            record completed normal
        ",
    );
}

#[test]
fn an_unknown_number_is_404_and_recorded() {
    let world = play(scenes::unknown_did);
    assert_ladder(
        &world,
        "
          0  caller -> us  INVITE sdp
         20  us -> caller  404
         20  us            record refused did-unknown
         40  caller -> us  ACK
        ",
    );
}

#[test]
fn an_unknown_source_gets_silence_and_a_record() {
    let world = play(scenes::unknown_source);
    assert!(!world.ladder().contains("us -> stranger"), "{}", world.ladder());
    let records = world.records();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (records[0].status, records[0].reason.as_deref()),
        (Some(CallStatus::Refused), Some("source-unknown"))
    );
    assert!(!world.notices().is_empty());
}

#[test]
fn an_offer_of_nothing_that_we_speak_is_488() {
    let world = play(scenes::no_common_codec);
    assert_eq!(world.records()[0].reason.as_deref(), Some("no-common-codec"), "{}", world.ladder());
}

#[test]
fn a_carrier_that_asks_by_options_is_answered() {
    assert_ladder(
        &play(scenes::options),
        "
          0  caller -> us  OPTIONS
         20  us -> caller  200 OPTIONS
        ",
    );
}

#[test]
fn a_stop_ends_every_call_and_takes_no_more() {
    let world = play(scenes::shutdown);
    let fate = |name: &str| world.find(name).unwrap().outcome().unwrap();
    assert_eq!(fate("caller").ended, Some(Ended::ByThem), "{}", world.ladder());
    for refused in ["rings", "waits", "late"] {
        assert_eq!(fate(refused).status, Some(503), "{refused}:\n{}", world.ladder());
    }
    assert_eq!(world.records().len(), 4);
}
