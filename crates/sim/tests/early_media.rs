//! What callers hear before the answer: the agent's early media, its P-Early-Media (RFC 5009), several forks, and the ringback that
//! each agent has (RFC 3960 for the reasons).

use std::time::Duration;

use media::command::{Command, Direction};
use phone::{Invite, Recording, Ring, Step};
use sim::cast::{
    AT_DESK, AT_DESK_OR_BOT, AT_DESK_RINGING_LOCALLY, AT_SILENT_DESK, BOT_URL, CALLER, DESK, DESK_1, DESK_2,
    SILENT_BOT, US, caller, description, desk, invite, phone, proxy, talk,
};
use sim::stage::{assert_ladder, assert_rungs, play};
use sim::{Bot, World};

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);

/// A 183 of the phone at that address, with its media.
fn progress(of: std::net::SocketAddr) -> Ring {
    Ring::status(183).sdp(description(of))
}

/// An agent that is heard before it answers.
fn heard_early(then: impl IntoIterator<Item = Step>) -> Vec<Step> {
    let mut script = vec![Step::ExpectInvite, Step::RingWith(progress(DESK)), Step::Wait(SECOND)];
    script.extend(then);
    script
}

fn answers(of: std::net::SocketAddr) -> Step {
    Step::Answer { sdp: Some(description(of)) }
}

/// What the workers were told: who receives where, what is sent to it, and what is bridged.
fn media(world: &World) -> Vec<String> {
    let mut told = Vec::new();
    for command in world.media() {
        match command {
            Command::Describe { remote, .. } => {
                let Direction { send, .. } = remote.direction;
                told.push(format!("{}{}", remote.rtp.ip(), if send { "" } else { " muted" }));
            }
            Command::Relay { .. } => told.push("relay".to_owned()),
            Command::Tap { .. } => told.push("tap".to_owned()),
            Command::Release { .. } => told.push("release".to_owned()),
            Command::Bind { .. } | Command::Echo { .. } | Command::Dial { .. } | Command::Hear { .. } => {}
        }
    }
    told
}

/// The bodies of what we sent that begins so.
fn bodies(world: &World, beginning: &str) -> Vec<String> {
    let messages = world.said(beginning).into_iter();
    messages
        .filter_map(|text| Some(text.split_once("\r\n\r\n")?.1.to_owned()))
        .filter(|body| !body.is_empty())
        .collect()
}

fn headers(world: &World, beginning: &str, name: &str) -> Vec<String> {
    let name = format!("{name}: ");
    let messages = world.said(beginning);
    let lines = messages.iter().flat_map(|text| text.lines());
    lines.filter_map(|line| line.strip_prefix(&name)).map(str::to_owned).collect()
}

#[test]
fn early_media_is_relayed_and_the_answer_says_the_same() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_early([answers(DESK)])));
        world.phone(NOW, caller(talk(AT_DESK, SECOND)));
    });
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    183 sdp
          60  us -> caller  183 sdp
        1040  desk -> us    200 sdp
        1060  us -> desk    ACK
        1060  us -> caller  200 sdp
        1080  caller -> us  ACK
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        2100  us -> desk    BYE
        2100  us            record completed normal
        2120  desk -> us    200 BYE
        ",
    );
    assert_eq!(bodies(&world, "SIP/2.0 183"), bodies(&world, "SIP/2.0 200"));
    let (caller, desk) = ("198.51.100.10", "192.0.2.20");
    assert_eq!(media(&world), [caller, desk, "relay", caller, desk, "relay", "release", "release"]);
    let at = |what: &str| world.outbox().iter().position(|done| done == what).unwrap();
    assert!(at("relay") < at("183 sdp"), "{:?}", world.outbox());
    let record = world.records()[0];
    assert_eq!(record.ringing_at.map(|at| at - record.invite_at), Some(40));
    assert_eq!(record.answered_at.map(|at| at - record.invite_at), Some(1040));
}

#[test]
fn a_180_after_it_does_not_stop_early_media() {
    let world = play(|world| {
        world.phone(
            NOW,
            desk(heard_early([
                Step::Ring { status: 180, sdp: None },
                Step::Ring { status: 180, sdp: None },
                Step::Wait(SECOND),
                answers(DESK),
            ])),
        );
        world.phone(NOW, caller(talk(AT_DESK, SECOND)));
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          60  us -> caller  183 sdp
        1060  us -> caller  180
        2060  us -> caller  200 sdp
        2080  caller -> us  ACK
        3080  caller -> us  BYE
        3100  us -> caller  200 BYE
        ",
    );
    assert_eq!(media(&world)[..4], ["198.51.100.10", "192.0.2.20", "relay", "198.51.100.10"]);
}

#[test]
fn forwarding_and_queueing_are_passed_on_and_the_end_of_a_fork_is_not() {
    let world = play(|world| {
        let ring = |status| Step::Ring { status, sdp: None };
        world.phone(
            NOW,
            desk(vec![
                Step::ExpectInvite,
                ring(181),
                ring(180),
                ring(182),
                ring(199),
                Step::Wait(SECOND),
                answers(DESK),
            ]),
        );
        world.phone(NOW, caller(talk(AT_DESK, SECOND)));
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          60  us -> caller  181
          60  us -> caller  180
          60  us -> caller  182
        1060  us -> caller  200 sdp
        1080  caller -> us  ACK
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        ",
    );
}

#[test]
fn the_fork_that_described_itself_last_is_heard_and_the_one_that_answers_is_spoken_to() {
    let world = play(|world| {
        world.proxy(proxy("fork", DESK, DESK_1, Recording::Leaves).forking_to(DESK_2));
        world.phone(
            NOW,
            phone(
                "one",
                "one",
                DESK_1,
                vec![
                    Step::ExpectInvite,
                    Step::RingWith(progress(DESK_1)),
                    Step::Wait(2 * SECOND),
                    answers(DESK_1),
                ],
            ),
        );
        world.phone(
            NOW,
            phone(
                "two",
                "two",
                DESK_2,
                vec![Step::ExpectInvite, Step::Wait(SECOND), Step::RingWith(progress(DESK_2))],
            ),
        );
        world.phone(NOW, caller(talk(AT_DESK, SECOND)));
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
         100  us -> caller  183 sdp
        2100  us -> caller  200 sdp
        2120  caller -> us  ACK
        3120  caller -> us  BYE
        3140  us -> caller  200 BYE
        ",
    );
    let (caller, one, two) = ("198.51.100.10", "192.0.2.21", "192.0.2.22");
    assert_eq!(
        media(&world),
        [caller, one, "relay", caller, two, caller, one, "relay", "release", "release"]
    );
    assert_eq!(bodies(&world, "SIP/2.0 183"), bodies(&world, "SIP/2.0 200"));
}

#[test]
fn of_two_forks_that_answer_one_is_ended() {
    let world = play(|world| {
        world.proxy(proxy("fork", DESK, DESK_1, Recording::Leaves).forking_to(DESK_2));
        let late = 100 * Duration::from_millis(1);
        world.phone(NOW, phone("one", "one", DESK_1, vec![Step::ExpectInvite, answers(DESK_1)]));
        world.phone(
            NOW,
            phone(
                "two",
                "two",
                DESK_2,
                vec![
                    Step::ExpectInvite,
                    Step::RingWith(progress(DESK_2)),
                    Step::Wait(late),
                    answers(DESK_2),
                    Step::ExpectBye,
                ],
            ),
        );
        world.phone(NOW, caller(talk(AT_DESK, SECOND)));
    });
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> fork    INVITE sdp
          40  fork -> one   INVITE sdp
          40  fork -> two   INVITE sdp
          60  one -> fork   200 sdp
          60  two -> fork   183 sdp
          80  fork -> us    200 sdp
          80  fork -> us    183 sdp
         100  us -> one     ACK
         100  us -> caller  200 sdp
         120  caller -> us  ACK
         160  two -> fork   200 sdp
         180  fork -> us    200 sdp
         200  us -> two     ACK
         200  us -> two     BYE
         220  two -> us     200 BYE
        1120  caller -> us  BYE
        1140  us -> caller  200 BYE
        1140  us -> one     BYE
        1140  us            record completed normal
        1160  one -> us     200 BYE
        ",
    );
}

#[test]
fn p_early_media_gates_what_is_heard_and_the_last_word_counts() {
    let world = play(|world| {
        let gated = |status, gate: &str| Step::RingWith(Ring::status(status).header("P-Early-Media", gate));
        world.phone(
            NOW,
            desk(vec![
                Step::ExpectInvite,
                Step::RingWith(progress(DESK).header("P-Early-Media", "inactive")),
                Step::Wait(SECOND),
                gated(180, "sendonly"),
                Step::Wait(SECOND),
                gated(183, "gated"),
                Step::Wait(SECOND),
                answers(DESK),
            ]),
        );
        let to = Invite::to(format!("sip:{AT_DESK}@{US}")).offer(description(CALLER));
        let mut script = talk(AT_DESK, SECOND);
        script[0] = Step::Invite(to.header("P-Early-Media", "supported"));
        world.phone(NOW, caller(script));
    });
    let (caller, desk) = ("198.51.100.10", "192.0.2.20");
    let (no_caller, no_desk) = ("198.51.100.10 muted", "192.0.2.20 muted");
    assert_eq!(
        media(&world),
        [no_caller, no_desk, "relay", caller, no_desk, caller, desk, "relay", "release", "release"]
    );
    assert_eq!(headers(&world, "SIP/2.0 183", "P-Early-Media"), ["inactive, gated", "sendonly, gated"]);
    assert_eq!(headers(&world, "SIP/2.0 180", "P-Early-Media"), ["sendonly, gated"]);
    assert_eq!(headers(&world, "INVITE", "P-Early-Media"), ["supported"]);
}

#[test]
fn the_fork_that_may_be_heard_is() {
    let world = play(|world| {
        world.proxy(proxy("fork", DESK, DESK_1, Recording::Leaves).forking_to(DESK_2));
        world.phone(
            NOW,
            phone(
                "one",
                "one",
                DESK_1,
                vec![
                    Step::ExpectInvite,
                    Step::RingWith(progress(DESK_1).header("P-Early-Media", "sendrecv")),
                ],
            ),
        );
        world.phone(
            NOW,
            phone(
                "two",
                "two",
                DESK_2,
                vec![
                    Step::ExpectInvite,
                    Step::Wait(SECOND),
                    Step::RingWith(progress(DESK_2).header("P-Early-Media", "recvonly")),
                    Step::Wait(SECOND),
                    answers(DESK_2),
                ],
            ),
        );
        world.phone(NOW, caller(talk(AT_DESK, SECOND)));
    });
    let (caller, one, two) = ("198.51.100.10", "192.0.2.21", "192.0.2.22");
    assert_eq!(media(&world), [caller, one, "relay", caller, two, "relay", "release", "release"]);
    assert_eq!(headers(&world, "SIP/2.0 183", "P-Early-Media"), [] as [&str; 0]);
}

#[test]
fn the_callers_own_network_rings_whatever_the_agent_plays() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_early([Step::Ring { status: 180, sdp: None }, answers(DESK)])));
        world.phone(NOW, caller(talk(AT_DESK_RINGING_LOCALLY, SECOND)));
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          60  us -> caller  180
        1060  us -> caller  200 sdp
        1080  caller -> us  ACK
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        ",
    );
    assert_eq!(media(&world)[..3], ["198.51.100.10", "192.0.2.20", "relay"]);
    assert_eq!(headers(&world, "INVITE", "P-Early-Media"), [] as [&str; 0]);
}

#[test]
fn a_silent_agent_is_not_heard_of_before_it_answers() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_early([answers(DESK)])));
        world.phone(NOW, caller(talk(AT_SILENT_DESK, SECOND)));
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
        1060  us -> caller  200 sdp
        1080  caller -> us  ACK
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        ",
    );
    assert_eq!(world.records()[0].ringing_at, None);
    let world = play(|world| {
        world.bot(Bot::new("bot", BOT_URL));
        world.phone(NOW, caller(talk(SILENT_BOT, SECOND)));
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
         120  us -> caller  200 sdp
         140  caller -> us  ACK
        1140  caller -> us  BYE
        1160  us -> caller  200 BYE
        ",
    );
}

#[test]
fn early_media_ends_with_the_callers_cancel() {
    let world = play(|world| {
        world.phone(NOW, desk(vec![Step::ExpectInvite, Step::RingWith(progress(DESK)), Step::ExpectCancel]));
        world.phone(
            NOW,
            caller(vec![
                invite(AT_DESK, CALLER),
                Step::Expect(183),
                Step::Wait(SECOND),
                Step::Cancel,
                Step::Expect(487),
            ]),
        );
    });
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    183 sdp
          60  us -> caller  183 sdp
        1080  caller -> us  CANCEL
        1100  us -> caller  200 CANCEL
        1100  us -> caller  487
        1100  us -> desk    CANCEL
        1100  us            record canceled canceled
        1120  caller -> us  ACK
        1120  desk -> us    200 CANCEL
        1120  desk -> us    487
        1140  us -> desk    ACK
        ",
    );
}

#[test]
fn another_agent_takes_the_call_after_early_media() {
    let world = play(|world| {
        world.bot(Bot::new("bot", BOT_URL));
        world.phone(NOW, desk(heard_early([Step::Reject { status: 500 }])));
        world.phone(NOW, caller(talk(AT_DESK_OR_BOT, SECOND)));
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          60  us -> caller  183 sdp
        1060  us -> caller  180
        1160  us -> caller  200 sdp
        1180  caller -> us  ACK
        2180  caller -> us  BYE
        2200  us -> caller  200 BYE
        ",
    );
    assert_eq!(bodies(&world, "SIP/2.0 183"), bodies(&world, "SIP/2.0 200"));
    let (caller, desk) = ("198.51.100.10", "192.0.2.20");
    assert_eq!(media(&world), [caller, desk, "relay", "release", caller, "tap", "release"]);
}
