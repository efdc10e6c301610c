//! Keys before the answer.

use std::net::SocketAddr;

use phone::{Invite, Recording, Ring, Step};
use sim::World;
use sim::cast::{AT_DESK, CALLER, DESK, DESK_1, DESK_2, US, caller, description, desk, phone, proxy};
use sim::stage::assert_rungs;

use crate::{
    FIRST, NOBODY, NOW, SECOND, SECOND_ONE, SUITE, THIRD, Wants, answer, assert_sealed, descriptions, keyed,
    run, sealed_by, suites, talk, told, world,
};

const GCM_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nw==";

fn progress(sdp: String) -> Ring {
    Ring::status(183).sdp(sdp)
}

/// Both legs are encrypted.
fn both() -> World {
    world(Wants { trunk: "required", desk: "required", ..NOBODY }, "")
}

/// An encrypted caller, up to the end.
fn calls(world: &mut World) {
    let offer = Invite::to(format!("sip:{AT_DESK}@{US}")).offer(sealed_by(CALLER, FIRST));
    world.phone(NOW, caller([Step::Invite(offer)].into_iter().chain(talk()).collect()));
}

#[test]
fn an_answer_with_other_keys_than_the_183_before_it_takes_their_place() {
    let mut world = both();
    let script = vec![
        Step::ExpectInvite,
        Step::RingWith(progress(sealed_by(DESK, SECOND_ONE))),
        Step::Wait(SECOND),
        answer(sealed_by(DESK, THIRD)),
    ];
    world.phone(NOW, desk(script));
    calls(&mut world);
    run(&mut world);
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          60  us -> caller  183 sdp
        1060  us -> caller  200 sdp
        1080  caller -> us  ACK
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        ",
    );
    let offer = &descriptions(&world, "INVITE")[0];
    let agent = told(&world, DESK);
    assert_eq!(agent.len(), 2);
    assert_sealed(agent[0].as_ref(), SECOND_ONE, offer);
    assert_sealed(agent[1].as_ref(), THIRD, offer);
    let (early, last) = (&descriptions(&world, "SIP/2.0 183")[0], &descriptions(&world, "SIP/2.0 200")[0]);
    assert_eq!(early, last, "the caller's own leg has not changed");
    let caller = told(&world, CALLER);
    assert_eq!(caller.len(), 1);
    assert_sealed(caller[0].as_ref(), FIRST, last);
    assert_eq!(suites(&world), (SUITE, SUITE));
}

#[test]
fn an_answer_by_another_suite_than_the_183_before_it_has_the_keys_of_that() {
    let mut world = both();
    let sealed = keyed(DESK, "RTP/SAVP", &[&format!("3 AEAD_AES_128_GCM inline:{GCM_KEY}")]);
    let script = vec![
        Step::ExpectInvite,
        Step::RingWith(progress(sealed_by(DESK, SECOND_ONE))),
        Step::Wait(SECOND),
        answer(sealed),
    ];
    world.phone(NOW, desk(script));
    calls(&mut world);
    run(&mut world);
    let offer = &descriptions(&world, "INVITE")[0];
    let agent = told(&world, DESK);
    assert_sealed(agent[0].as_ref(), SECOND_ONE, offer);
    assert_sealed(agent[1].as_ref(), GCM_KEY, offer);
    assert_eq!(suites(&world), (SUITE, Some("AEAD_AES_128_GCM")));
}

/// Two forks behind a proxy: the script of each.
fn forks(world: &mut World, one: Vec<Step>, two: Vec<Step>) {
    world.proxy(proxy("fork", DESK, DESK_1, Recording::Leaves).forking_to(DESK_2));
    world.phone(NOW, phone("one", "one", DESK_1, one));
    world.phone(NOW, phone("two", "two", DESK_2, two));
}

/// What the workers were told of the agent's side, in order: who is heard, and by which key.
fn heard(world: &World) -> Vec<(SocketAddr, String)> {
    let mut heard = Vec::new();
    for command in world.media() {
        if let media::Command::Describe { remote, .. } = command
            && remote.rtp.ip() != CALLER.ip()
        {
            let key = remote.srtp.as_ref().map(|srtp| crate::inline(&srtp.receive));
            heard.push((SocketAddr::new(remote.rtp.ip(), DESK.port()), key.unwrap_or_default()));
        }
    }
    heard.dedup();
    heard
}

#[test]
fn each_fork_is_heard_by_its_own_key_and_the_one_that_answers_is_spoken_to() {
    let mut world = both();
    let gcm = keyed(DESK_2, "RTP/SAVP", &[&format!("3 AEAD_AES_128_GCM inline:{GCM_KEY}")]);
    forks(
        &mut world,
        vec![
            Step::ExpectInvite,
            Step::RingWith(progress(sealed_by(DESK_1, SECOND_ONE))),
            Step::Wait(2 * SECOND),
            answer(sealed_by(DESK_1, SECOND_ONE)),
        ],
        vec![Step::ExpectInvite, Step::Wait(SECOND), Step::RingWith(progress(gcm))],
    );
    calls(&mut world);
    run(&mut world);
    let told = |at, key: &str| (at, key.to_owned());
    let (one, two) = (told(DESK_1, SECOND_ONE), told(DESK_2, GCM_KEY));
    assert_eq!(heard(&world), [one.clone(), two, one]);
    let offer = &descriptions(&world, "INVITE")[0];
    assert_sealed(crate::told(&world, DESK_1)[0].as_ref(), SECOND_ONE, offer);
    assert_sealed(crate::told(&world, DESK_2)[0].as_ref(), GCM_KEY, offer);
    assert_eq!(suites(&world), (SUITE, SUITE));
}

#[test]
fn a_fork_that_answers_with_other_keys_than_it_rang_with_is_spoken_to_by_those() {
    let mut world = both();
    forks(
        &mut world,
        vec![Step::ExpectInvite, Step::RingWith(progress(sealed_by(DESK_1, SECOND_ONE)))],
        vec![
            Step::ExpectInvite,
            Step::RingWith(progress(sealed_by(DESK_2, SECOND_ONE))),
            Step::Wait(SECOND),
            answer(sealed_by(DESK_2, THIRD)),
        ],
    );
    calls(&mut world);
    run(&mut world);
    let last = heard(&world).pop();
    assert_eq!(last, Some((DESK_2, THIRD.to_owned())), "{}", world.ladder());
}

#[test]
fn a_fork_that_is_plain_is_not_heard_where_keys_are_required_and_the_encrypted_one_is() {
    let mut world = both();
    forks(
        &mut world,
        vec![Step::ExpectInvite, Step::RingWith(progress(description(DESK_1)))],
        vec![
            Step::ExpectInvite,
            Step::Wait(SECOND),
            Step::RingWith(progress(sealed_by(DESK_2, SECOND_ONE))),
            Step::Wait(SECOND),
            answer(sealed_by(DESK_2, SECOND_ONE)),
        ],
    );
    calls(&mut world);
    run(&mut world);
    assert_eq!(heard(&world), [(DESK_2, SECOND_ONE.to_owned())]);
    assert_eq!(suites(&world), (SUITE, SUITE));
}

#[test]
fn a_plain_183_before_an_encrypted_answer_is_no_description_of_it() {
    let mut world = world(Wants { desk: "required", ..NOBODY }, "");
    let script = vec![
        Step::ExpectInvite,
        Step::RingWith(progress(description(DESK))),
        Step::Wait(SECOND),
        answer(sealed_by(DESK, FIRST)),
    ];
    world.phone(NOW, desk(script));
    let offer = Invite::to(format!("sip:{AT_DESK}@{US}")).offer(description(CALLER));
    world.phone(NOW, caller([Step::Invite(offer)].into_iter().chain(talk()).collect()));
    run(&mut world);
    assert_eq!(descriptions(&world, "SIP/2.0 183"), Vec::<String>::new(), "nothing is to be heard yet");
    let agent = told(&world, DESK);
    assert_eq!(agent.len(), 1);
    assert_sealed(agent[0].as_ref(), FIRST, &descriptions(&world, "INVITE")[0]);
}

/// The caller's PRACK answers the offer that is ours, in a reliable 183, with its keys; the 200 says nothing more.
#[test]
fn an_answer_in_a_prack_has_the_keys_of_the_caller() {
    let mut world = both();
    let script = vec![
        Step::ExpectInvite,
        Step::RingReliably(progress(sealed_by(DESK, SECOND_ONE))),
        Step::ExpectPrack,
        Step::Wait(SECOND),
        Step::Answer { sdp: None },
    ];
    world.phone(NOW, desk(script));
    let late = Invite::to(format!("sip:{AT_DESK}@{US}")).header("Supported", "100rel");
    let mut script = vec![
        Step::Invite(late),
        Step::Prack {
            sdp: Some(keyed(CALLER, "RTP/SAVP", &[&format!("3 AEAD_AES_128_GCM inline:{GCM_KEY}")])),
        },
        Step::ExpectPracked(200),
    ];
    script.extend(talk());
    world.phone(NOW, caller(script));
    run(&mut world);
    let offer = &descriptions(&world, "SIP/2.0 183")[0];
    assert_eq!(descriptions(&world, "SIP/2.0 200"), Vec::<String>::new(), "{}", world.ladder());
    assert_sealed(told(&world, CALLER)[0].as_ref(), GCM_KEY, offer);
    assert_eq!(suites(&world), (Some("AEAD_AES_128_GCM"), SUITE));
}
