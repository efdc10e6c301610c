//! The caller's leg.

use phone::{Invite, Step};
use sim::World;
use sim::cast::{CALLER, ECHO, MOVED, US, caller, description};
use sim::stage::{assert_ladder, assert_rungs};

use crate::{
    FIRST, NOBODY, NOW, SECOND, SECOND_ONE, SUITE, THIRD, Wants, assert_sealed, descriptions, inline, keyed,
    line, profile, reason, reinvite, run, sealed_by, suites, talk, told, world,
};

/// The call of the echo by that offer, and what follows the INVITE, where the trunk wants that.
#[track_caller]
fn called(trunk: &'static str, offer: String, then: impl IntoIterator<Item = Step>) -> World {
    let mut world = world(Wants { trunk, ..NOBODY }, "");
    let invite = Invite::to(format!("sip:{ECHO}@{US}")).offer(offer);
    let script = [Step::Invite(invite)].into_iter().chain(then);
    world.phone(NOW, caller(script.collect()));
    run(&mut world);
    world
}

/// A call up to its ACK, changed by these offers, to its end.
fn changed(offers: impl IntoIterator<Item = String>) -> Vec<Step> {
    let mut script = vec![Step::Expect(200), Step::Ack { sdp: None }];
    for offer in offers {
        script.push(Step::Wait(SECOND));
        script.extend(reinvite(offer));
    }
    script.extend([Step::Wait(SECOND), Step::Bye]);
    script
}

#[test]
fn an_offer_with_a_key_is_answered_by_its_tag_and_profile_with_a_key_of_ours() {
    for (trunk, said) in [("optional", "RTP/SAVP"), ("required", "RTP/SAVP"), ("required", "RTP/AVP")] {
        let world = called(trunk, keyed(CALLER, said, &[&line(3, FIRST)]), talk());
        assert_ladder(
            &world,
            "
               0  caller -> us  INVITE sdp
              20  us -> caller  100
              20  us -> caller  200 sdp
              40  caller -> us  ACK
            1040  caller -> us  BYE
            1060  us -> caller  200 BYE
            1060  us            record completed normal
            ",
        );
        let answer = &descriptions(&world, "SIP/2.0 200")[0];
        assert_eq!(profile(answer), said);
        let [told] = &told(&world, CALLER)[..] else { panic!("told once") };
        assert_sealed(told.as_ref(), FIRST, answer);
        assert!(answer.contains("a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:"), "{answer}");
        assert_eq!(suites(&world), (SUITE, None));
    }
}

#[test]
fn a_plain_offer_where_keys_are_required_is_refused_with_its_reason() {
    let world = called("required", description(CALLER), [Step::Expect(488)]);
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  488
          20  us            record refused media-encryption-required
          40  caller -> us  ACK
        ",
    );
    let refusal = &world.said("SIP/2.0 488")[0];
    assert!(refusal.contains("media-encryption-required"), "{refusal}");
    assert!(world.media().is_empty(), "nothing was bound for it");
}

#[test]
fn an_offer_that_is_encrypted_only_is_refused_where_nobody_wants_that() {
    let world = called("off", sealed_by(CALLER, FIRST), [Step::Expect(488)]);
    assert_eq!(reason(&world), Some("media-encryption-required"));
    let world = called("off", keyed(CALLER, "RTP/AVP", &[&line(1, FIRST)]), talk());
    assert_eq!((told(&world, CALLER), suites(&world)), (vec![None], (None, None)), "keys are passed over");
}

#[test]
fn a_plain_offer_is_taken_where_encryption_is_optional() {
    let world = called("optional", description(CALLER), talk());
    let answer = &descriptions(&world, "SIP/2.0 200")[0];
    assert!(!answer.contains("crypto") && profile(answer) == "RTP/AVP", "{answer}");
    assert_eq!((told(&world, CALLER), suites(&world)), (vec![None], (None, None)));
}

#[test]
fn of_several_lines_the_first_that_can_be_taken_is() {
    let longest = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NQ==";
    let lines = [
        format!("11 F8_128_HMAC_SHA1_80 inline:{FIRST}"),
        "12 AES_CM_128_HMAC_SHA1_80 inline:dG9vIHNob3J0".to_owned(),
        format!("13 AES_CM_128_HMAC_SHA1_80 inline:{FIRST} UNENCRYPTED_SRTP"),
        format!("14 AES_CM_256_HMAC_SHA1_80 inline:{longest}|2^31"),
        line(15, SECOND_ONE),
    ];
    let lines = lines.each_ref().map(String::as_str);
    let world = called("required", keyed(CALLER, "RTP/SAVP", &lines), talk());
    let answer = &descriptions(&world, "SIP/2.0 200")[0];
    assert_eq!(answer.matches("a=crypto").count(), 1, "{answer}");
    assert!(
        answer.contains("a=crypto:14 AES_CM_256_HMAC_SHA1_80 inline:"),
        "by the offer's own name: {answer}"
    );
    let told = told(&world, CALLER);
    let srtp = told[0].as_ref().expect("it is encrypted");
    assert_eq!(inline(&srtp.receive), longest);
    assert!(answer.contains(&inline(&srtp.send)), "{answer}");
    assert_eq!(suites(&world), (Some("AES_256_CM_HMAC_SHA1_80"), None));
}

#[test]
fn where_no_line_can_be_taken_the_offer_is_refused_and_never_taken_for_plain() {
    for (trunk, said) in [("required", "RTP/SAVP"), ("optional", "RTP/SAVP"), ("required", "RTP/AVP")] {
        let offer = keyed(CALLER, said, &[&format!("1 F8_128_HMAC_SHA1_80 inline:{FIRST}")]);
        let world = called(trunk, offer, [Step::Expect(488)]);
        assert_eq!(reason(&world), Some("media-encryption-required"), "{trunk} {said}");
    }
}

#[test]
fn the_name_and_the_lifetime_of_a_key_are_taken_and_ours_has_none() {
    let named = format!("{}|2^20|66:4", line(1, FIRST));
    let world = called("required", keyed(CALLER, "RTP/SAVP", &[&named]), talk());
    let answer = &descriptions(&world, "SIP/2.0 200")[0];
    let told = told(&world, CALLER);
    assert_sealed(told[0].as_ref(), FIRST, answer);
    let srtp = told[0].as_ref().expect("it is encrypted");
    assert_eq!(srtp.receive.mki().map(|mki| mki.bytes().to_vec()), Some(vec![0, 0, 0, 66]));
    assert_eq!(srtp.send.mki(), None);
    assert!(!answer.contains('|'), "{answer}");
}

/// An encrypted and a plain line for the same audio, as phones have them that want the best that can be had, and a picture.
#[test]
fn of_several_streams_one_is_accepted_and_the_others_declined_in_their_places() {
    let sealed = "m=audio 4002 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:";
    let offer = format!("{}m=video 4004 RTP/AVP 99\r\n{sealed}{FIRST}\r\n", description(CALLER));
    for (trunk, places, encrypted) in [
        ("off", ["RTP/AVP 0", "0 RTP/AVP 99", "0 RTP/SAVP 0"], false),
        ("optional", ["0 RTP/AVP 0", "0 RTP/AVP 99", "RTP/SAVP 0"], true),
        ("required", ["0 RTP/AVP 0", "0 RTP/AVP 99", "RTP/SAVP 0"], true),
    ] {
        let world = called(trunk, offer.clone(), talk());
        let answer = &descriptions(&world, "SIP/2.0 200")[0];
        let lines: Vec<&str> = answer.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(lines.len(), places.len(), "{answer}");
        for (line, place) in lines.iter().zip(places) {
            let declined = place.starts_with("0 ");
            assert!(line.contains(place) && declined == line.contains(" 0 RTP"), "{trunk}: {answer}");
        }
        let told = told(&world, CALLER);
        if encrypted {
            assert_sealed(told[0].as_ref(), FIRST, answer);
        } else {
            assert_eq!(told, [None]);
        }
    }
}

#[test]
fn a_changed_key_is_taken_and_ours_stays_while_the_other_end_does() {
    let offers = [SECOND_ONE, SECOND_ONE, THIRD].map(|key| keyed(CALLER, "RTP/SAVP", &[&line(7, key)]));
    let world = called("required", sealed_by(CALLER, FIRST), changed(offers));
    let answers = descriptions(&world, "SIP/2.0 200");
    assert_eq!(answers.len(), 4);
    let told = told(&world, CALLER);
    assert_eq!(told.len(), 3, "the second offer changes nothing");
    for (told, (key, answer)) in
        told.iter().zip([(FIRST, &answers[0]), (SECOND_ONE, &answers[1]), (THIRD, &answers[3])])
    {
        assert_sealed(told.as_ref(), key, answer);
    }
    let sent: Vec<_> = told.iter().flatten().map(|srtp| srtp.send.clone()).collect();
    assert!(sent.iter().all(|key| *key == sent[0]), "a changed key of ours would begin our stream anew");
    assert!(answers[1].contains("a=crypto:7 "), "{}", answers[1]);
}

#[test]
fn another_end_with_another_key_gets_another_key_of_ours() {
    let world = called("required", sealed_by(CALLER, FIRST), changed([sealed_by(MOVED, SECOND_ONE)]));
    let answers = descriptions(&world, "SIP/2.0 200");
    let (here, there) = (told(&world, CALLER), told(&world, MOVED));
    assert_sealed(here[0].as_ref(), FIRST, &answers[0]);
    assert_sealed(there[0].as_ref(), SECOND_ONE, &answers[1]);
    crate::assert_all_different(&answers[..2]);
}

#[test]
fn a_plain_change_is_refused_where_keys_are_required_and_the_call_goes_on_as_it_was() {
    let change = [
        Step::Expect(200),
        Step::Ack { sdp: None },
        Step::Wait(SECOND),
        Step::Reinvite { sdp: Some(description(CALLER)) },
        Step::Expect(488),
        Step::Wait(SECOND),
        Step::Bye,
    ];
    let world = called("required", sealed_by(CALLER, FIRST), change);
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> caller  200 sdp
          40  caller -> us  ACK
        1040  caller -> us  INVITE sdp
        1060  us -> caller  488
        1080  caller -> us  ACK
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        ",
    );
    assert_eq!(told(&world, CALLER).len(), 1);
    assert_eq!((reason(&world), suites(&world)), (Some("normal"), (SUITE, None)));
}

#[test]
fn where_encryption_is_optional_a_call_may_become_encrypted_and_plain_again() {
    let world = called(
        "optional",
        description(CALLER),
        changed([sealed_by(CALLER, FIRST), description(CALLER), sealed_by(CALLER, SECOND_ONE)]),
    );
    let answers = descriptions(&world, "SIP/2.0 200");
    let told = told(&world, CALLER);
    let [None, first, None, second] = &told[..] else { panic!("{told:?}") };
    assert_sealed(first.as_ref(), FIRST, &answers[1]);
    assert_sealed(second.as_ref(), SECOND_ONE, &answers[3]);
}

/// The offer is ours, in the 200, and the answer in the ACK.
#[test]
fn an_offer_that_is_left_to_us_has_our_keys_and_the_answer_chooses() {
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nw==";
    let late = |answer: String| {
        let mut world = world(Wants { trunk: "required", ..NOBODY }, "");
        let script = vec![
            Step::Invite(Invite::to(format!("sip:{ECHO}@{US}"))),
            Step::Expect(200),
            Step::Ack { sdp: Some(answer) },
            Step::ExpectBye,
        ];
        world.phone(NOW, caller(script));
        world.command(SECOND, b2bua::io::Command::Hangup(b2bua::io::CallKey(1)));
        run(&mut world);
        world
    };
    let world = late(keyed(CALLER, "RTP/SAVP", &[&format!("3 AEAD_AES_128_GCM inline:{key}")]));
    let offer = &descriptions(&world, "SIP/2.0 200")[0];
    assert_eq!((profile(offer), offer.matches("a=crypto").count()), ("RTP/SAVP", 4), "{offer}");
    assert_sealed(told(&world, CALLER)[0].as_ref(), key, offer);
    assert_eq!(suites(&world), (Some("AEAD_AES_128_GCM"), None));
    for useless in [
        description(CALLER),
        keyed(CALLER, "RTP/SAVP", &[&line(9, FIRST)]),
        keyed(CALLER, "RTP/SAVP", &[&format!("2 AEAD_AES_128_GCM inline:{key}")]),
    ] {
        let world = late(useless);
        assert!(told(&world, CALLER).is_empty(), "nothing is sent");
        assert_eq!(reason(&world), Some("media-encryption-required"));
        assert!(world.ladder().contains("us -> caller  BYE"), "{}", world.ladder());
    }
}
