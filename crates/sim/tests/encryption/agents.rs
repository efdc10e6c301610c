//! The leg that we invite: a SIP agent's, or a gateway's.

use std::net::SocketAddr;

use phone::{Invite, Phone, Step};
use sim::World;
use sim::cast::{
    AT_DESK, CALLER, DESK, GATEWAY, GATEWAY_2, MOVED, PBX, US, call_out, caller, description, desk, invite,
    phone, place, talk as talk_to, wish,
};
use sim::stage::{assert_ladder, assert_rungs};

use crate::{
    FIRST, NOBODY, NOW, SECOND, SECOND_ONE, SUITE, Wants, answer, assert_sealed, descriptions, keyed, line,
    profile, reason, reinvite, run, sealed_by, suites, told, world,
};

/// A plain caller's call of the SIP agent, which answers with that, where it wants that of encryption.
#[track_caller]
fn answered(wanted: &'static str, with: String) -> World {
    let mut world = world(Wants { desk: wanted, ..NOBODY }, "");
    world.phone(NOW, desk(vec![Step::ExpectInvite, answer(with)]));
    world.phone(NOW, caller(talk_to(AT_DESK, SECOND)));
    run(&mut world);
    world
}

/// The same, where nothing comes of it.
#[track_caller]
fn answered_in_vain(wanted: &'static str, with: String) -> World {
    let mut world = world(Wants { desk: wanted, ..NOBODY }, "");
    world.phone(NOW, desk(vec![Step::ExpectInvite, answer(with), Step::ExpectBye]));
    world.phone(NOW, caller(vec![invite(AT_DESK, CALLER), Step::Expect(480)]));
    run(&mut world);
    world
}

/// Somebody at that address whose gateway it is, and who answers with that.
fn gateway(name: &str, at: SocketAddr, with: String) -> Phone {
    phone(name, "carrier", at, vec![Step::ExpectInvite, answer(with)])
}

#[test]
fn an_answer_by_each_of_our_lines_is_taken_with_the_key_that_it_has() {
    let keys = [
        ("AES_CM_128_HMAC_SHA1_80", FIRST),
        ("AES_256_CM_HMAC_SHA1_80", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NQ=="),
        ("AEAD_AES_128_GCM", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nw=="),
        ("AEAD_AES_256_GCM", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM="),
    ];
    for (tag, (suite, key)) in (1..).zip(keys) {
        let world = answered("required", keyed(DESK, "RTP/SAVP", &[&format!("{tag} {suite} inline:{key}")]));
        let offer = &descriptions(&world, "INVITE")[0];
        assert!(offer.contains(&format!("a=crypto:{tag} {suite} inline:")), "{offer}");
        let told = told(&world, DESK);
        assert_eq!(told.len(), 1);
        assert_sealed(told[0].as_ref(), key, offer);
        assert_eq!(suites(&world), (None, Some(suite)));
    }
}

#[test]
fn what_an_agent_wants_is_what_our_offer_says() {
    for (wanted, said, with) in [
        ("off", "RTP/AVP", description(DESK)),
        ("optional", "RTP/AVP", description(DESK)),
        ("optional", "RTP/AVP", keyed(DESK, "RTP/AVP", &[&line(1, FIRST)])),
        ("required", "RTP/SAVP", sealed_by(DESK, FIRST)),
    ] {
        let world = answered(wanted, with.clone());
        let offer = &descriptions(&world, "INVITE")[0];
        assert_eq!(profile(offer), said, "{wanted}");
        assert_eq!(offer.contains("a=crypto"), wanted != "off", "{offer}");
        match &told(&world, DESK)[..] {
            [None] => assert!(!with.contains("crypto"), "{wanted}"),
            [told @ Some(_)] => assert_sealed(told.as_ref(), FIRST, offer),
            more => panic!("{wanted}: {more:?}"),
        }
    }
}

#[test]
fn a_plain_answer_where_keys_are_required_ends_the_call_with_its_reason() {
    let world = answered_in_vain("required", description(DESK));
    assert_ladder(
        &world,
        "
          0  caller -> us  INVITE sdp
         20  us -> caller  100
         20  us -> desk    INVITE sdp
         40  desk -> us    200 sdp
         60  us -> desk    ACK
         60  us -> desk    BYE
         60  us -> caller  480
         60  us            record failed media-encryption-required
         80  desk -> us    200 BYE
         80  caller -> us  ACK
        ",
    );
    assert!(told(&world, DESK).is_empty(), "nothing is sent plain");
    let bye = &world.said("BYE")[0];
    assert!(bye.contains("the answer can't be used: the audio is not encrypted"), "{bye}");
}

#[test]
fn an_answer_that_is_none_to_our_lines_is_not_taken() {
    for (wanted, with) in [
        // A tag that we have not.
        ("required", keyed(DESK, "RTP/SAVP", &[&line(9, FIRST)])),
        // A tag of ours, with the suite of another.
        ("required", keyed(DESK, "RTP/SAVP", &[&line(2, FIRST)])),
        // Encrypted, it says, and doesn't say how.
        ("required", keyed(DESK, "RTP/SAVP", &[])),
        // Nobody plays what is encrypted as if it were not.
        ("optional", keyed(DESK, "RTP/AVP", &[&line(9, FIRST)])),
        ("optional", keyed(DESK, "RTP/SAVP", &[])),
        ("off", sealed_by(DESK, FIRST)),
    ] {
        let world = answered_in_vain(wanted, with.clone());
        assert_eq!(reason(&world), Some("media-encryption-required"), "{wanted}: {with}");
        assert!(told(&world, DESK).is_empty(), "{wanted}: {with}");
    }
}

#[test]
fn an_agent_that_refuses_our_offer_is_told_of_by_its_status() {
    let mut world = world(Wants { desk: "required", ..NOBODY }, "");
    world.phone(NOW, desk(vec![Step::ExpectInvite, Step::Reject { status: 488 }]));
    world.phone(NOW, caller(vec![invite(AT_DESK, CALLER), Step::Expect(488)]));
    run(&mut world);
    assert_eq!(reason(&world), Some("agent-unreachable"));
    assert_eq!(world.said("INVITE").len(), 1, "it is not asked again without keys");
}

#[test]
fn a_gateway_that_answers_plain_where_keys_are_required_ends_the_call_and_no_other_rings() {
    let mut world = world(Wants { carrier: "required", ..NOBODY }, "");
    let mut script = call_out(PBX, SECOND);
    script.truncate(1);
    script.push(Step::Expect(480));
    world.phone(NOW, phone("pbx", "4711", PBX, script));
    world.phone(NOW, gateway("gateway", GATEWAY, description(GATEWAY)));
    world.phone(NOW, gateway("second", GATEWAY_2, sealed_by(GATEWAY_2, FIRST)));
    run(&mut world);
    assert_ladder(
        &world,
        "
          0  pbx -> us      INVITE sdp
         20  us -> pbx      100
         20  us -> gateway  INVITE sdp
         40  gateway -> us  200 sdp
         60  us -> gateway  ACK
         60  us -> gateway  BYE
         60  us -> pbx      480
         60  us             record failed media-encryption-required
         80  gateway -> us  200 BYE
         80  pbx -> us      ACK
        ",
    );
}

#[test]
fn a_call_of_our_own_is_encrypted_by_what_the_gateway_wants_and_joined_by_what_the_agent_does() {
    for (carrier, agent) in [("required", "off"), ("off", "required"), ("required", "required")] {
        let mut world = world(Wants { carrier, desk: agent, ..NOBODY }, "");
        let there = |wanted: &str, of, key| match wanted {
            "required" => sealed_by(of, key),
            _ => description(of),
        };
        world.phone(NOW, gateway("gateway", GATEWAY, there(carrier, GATEWAY, FIRST)));
        let joins = vec![
            Step::ExpectInvite,
            answer(there(agent, DESK, SECOND_ONE)),
            Step::ExpectAck,
            Step::Wait(SECOND),
            Step::Bye,
        ];
        world.phone(NOW, desk(joins));
        world.command(NOW, place(wish().joined_by("desk")));
        run(&mut world);
        let offers = descriptions(&world, "INVITE");
        let suite = |wanted| if wanted == "required" { SUITE } else { None };
        assert_eq!(suites(&world), (suite(carrier), suite(agent)), "{}", world.ladder());
        for (of, key, offer) in [(GATEWAY, FIRST, &offers[0]), (DESK, SECOND_ONE, &offers[1])] {
            if let Some(told @ Some(_)) = told(&world, of).last() {
                assert_sealed(told.as_ref(), key, offer);
            }
        }
        crate::assert_all_different(&offers);
    }
}

#[test]
fn a_gateway_that_answers_a_call_of_our_own_plain_where_keys_are_required_is_told_why() {
    let mut world = world(Wants { carrier: "required", ..NOBODY }, "");
    world.phone(NOW, gateway("gateway", GATEWAY, description(GATEWAY)));
    world.command(NOW, place(wish()));
    run(&mut world);
    assert_ladder(
        &world,
        "
          0  us -> gateway  INVITE sdp
         20  gateway -> us  200 sdp
         40  us -> gateway  ACK
         40  us -> gateway  BYE
         40  us             record failed media-encryption-required
         60  gateway -> us  200 BYE
        ",
    );
}

#[test]
fn an_agents_changed_key_is_taken_and_another_end_of_it_gets_another_of_ours() {
    let mut world = world(Wants { desk: "required", ..NOBODY }, "");
    let mut script = vec![Step::ExpectInvite, answer(sealed_by(DESK, FIRST)), Step::ExpectAck];
    for offer in [sealed_by(DESK, SECOND_ONE), sealed_by(MOVED, FIRST)] {
        script.push(Step::Wait(SECOND));
        script.extend(reinvite(offer));
    }
    world.phone(NOW, desk(script));
    world.phone(NOW, caller(talk_to(AT_DESK, 4 * SECOND)));
    run(&mut world);
    let offer = &descriptions(&world, "INVITE")[0];
    let answers = world.said("SIP/2.0 200");
    let to_desk: Vec<&String> = answers.iter().filter(|answer| answer.contains("RTP/SAVP")).collect();
    let (here, moved) = (told(&world, DESK), told(&world, MOVED));
    assert_eq!((here.len(), moved.len(), to_desk.len()), (2, 1, 2));
    assert_sealed(here[0].as_ref(), FIRST, offer);
    assert_sealed(here[1].as_ref(), SECOND_ONE, to_desk[0]);
    assert_sealed(moved[0].as_ref(), FIRST, to_desk[1]);
    let send = |told: &Option<media::srtp::Srtp>| told.as_ref().map(|srtp| srtp.send.clone());
    assert_eq!(send(&here[0]), send(&here[1]));
    assert_ne!(send(&here[1]), send(&moved[0]));
}

/// The caller holds; our re-INVITE to the agent offers the line that is agreed on first, by its tag and with its key.
#[test]
fn a_hold_reaches_an_encrypted_agent_with_the_key_that_it_has() {
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nw==";
    let sealed = keyed(DESK, "RTP/SAVP", &[&format!("3 AEAD_AES_128_GCM inline:{key}")]);
    let mut world = world(Wants { desk: "required", ..NOBODY }, "");
    let held = sealed.replace("a=sendrecv", "a=recvonly");
    let agrees = phone::Reaction::Answers(held);
    let script = vec![Step::ExpectInvite, answer(sealed)];
    world.phone(NOW, desk(script).reacting(vec![agrees]));
    let offer = Invite::to(format!("sip:{AT_DESK}@{US}")).offer(description(CALLER));
    let mut script =
        vec![Step::Invite(offer), Step::Expect(200), Step::Ack { sdp: None }, Step::Wait(SECOND)];
    script.extend(reinvite(description(CALLER).replace("a=sendrecv", "a=sendonly")));
    script.extend([Step::Wait(SECOND), Step::Bye]);
    world.phone(NOW, caller(script));
    run(&mut world);
    assert_rungs(
        &world,
        "desk",
        "
          20  us -> desk    INVITE sdp
          40  desk -> us    200 sdp
          60  us -> desk    ACK
        1100  us -> desk    INVITE sdp
        1120  desk -> us    200 sdp
        1140  us -> desk    ACK
        2180  us -> desk    BYE
        2200  desk -> us    200 BYE
        ",
    );
    let offers = descriptions(&world, "INVITE");
    let line = |offer: &str| phone::sdp::cryptos(offer).into_iter().find(|line| line.tag == "3");
    assert_eq!(line(&offers[0]), line(&offers[1]));
    assert_eq!(phone::sdp::cryptos(&offers[1])[0].tag, "3", "{}", offers[1]);
    let told = told(&world, DESK);
    assert_eq!(told.len(), 1, "its streams go on");
    assert_sealed(told[0].as_ref(), key, &offers[1]);
}
