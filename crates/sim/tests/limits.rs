//! What ends a call or keeps it from beginning, other than its two parties; and what the messages say of it.

use std::net::SocketAddr;
use std::time::Duration;

use b2bua::Input;
use b2bua::record::CallStatus;
use phone::{Ended, Step};
use sim::cast::{AT_DESK_OR_BOT, BOT, BOT_URL, CALLER, DESK, ECHO, US, caller, invite, phone, setup, talk};
use sim::stage::{empty, play};
use sim::{Bot, Loss, Setup, Weather, World, scenes};

/// A world with other settings.
fn with(change: impl FnOnce(&mut Setup)) -> World {
    let mut setup = setup(1, Weather::calm());
    change(&mut setup);
    World::new(setup).expect("the cast's inventory is sound")
}

/// The script of a caller that leaves the end to us.
fn listen(number: &str) -> Vec<Step> {
    vec![invite(number, CALLER), Step::ExpectFinal, Step::Ack { sdp: None }]
}

fn header(message: &str, name: &str) -> Vec<String> {
    let fields = message.lines().filter_map(|line| line.split_once(':'));
    let found = fields.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned()).collect()
}

#[test]
fn a_call_too_many_is_503_with_retry_after() {
    let mut world = with(|setup| setup.config.limits.max_calls = Some(1));
    world.phone(Duration::ZERO, caller(talk(ECHO, Duration::from_secs(5))));
    let at = SocketAddr::from(([198, 51, 100, 11], 5060));
    let second = phone("second", "+12125550198", at, vec![invite(ECHO, at), Step::Expect(503)]);
    world.phone(Duration::from_secs(1), second);
    let third = SocketAddr::from(([198, 51, 100, 12], 5060));
    let script = vec![invite(ECHO, third), Step::Expect(200), Step::Ack { sdp: None }, Step::Bye];
    world.phone(Duration::from_secs(8), phone("third", "+12125550197", third, script));
    world.run().expect("every invariant holds");
    let refusal = &world.said("SIP/2.0 503")[0];
    assert_eq!(header(refusal, "Retry-After").len(), 1, "{refusal}");
    let refused =
        world.records().iter().filter(|record| record.reason.as_deref() == Some("node-full")).count();
    assert_eq!(refused, 1, "{}", world.ladder());
}

#[test]
fn a_call_has_a_longest_duration() {
    let mut world = with(|setup| setup.config.limits.max_call_s = Some(10));
    world.phone(Duration::ZERO, caller(listen(ECHO)));
    world.run().expect("every invariant holds");
    assert!(world.ladder().contains(" 10020  us -> caller  BYE"), "{}", world.ladder());
    assert_eq!(world.records()[0].status, Some(CallStatus::Completed));
    assert_eq!(world.records()[0].billable_s, 10);
}

#[test]
fn a_caller_that_is_not_heard_is_hung_up() {
    let mut world = empty();
    world.phone(Duration::ZERO, caller(listen(ECHO)));
    world.run_until(Duration::from_secs(20));
    let spoken_of = world.media().iter().find_map(|command| match command {
        media::Command::Echo { media } => Some(*media),
        media::Command::Bind { .. }
        | media::Command::Describe { .. }
        | media::Command::Relay { .. }
        | media::Command::Tap { .. }
        | media::Command::Dial { .. }
        | media::Command::Hear { .. }
        | media::Command::Release { .. } => None,
    });
    let media = spoken_of.expect("the echo began");
    world.tell(Duration::ZERO, Input::Media(media::Event::Silent { media }));
    world.run().expect("every invariant holds");
    assert!(world.ladder().contains(" 20000  us -> caller  BYE"), "{}", world.ladder());
    assert_eq!(world.records()[0].reason.as_deref(), Some("media-silent"));
}

#[test]
fn a_running_call_outlives_its_number() {
    let mut world = empty();
    world.phone(Duration::ZERO, caller(talk(ECHO, Duration::from_secs(5))));
    world.tell(Duration::from_secs(2), Input::Directory(std::sync::Arc::new(numbers::Directory::empty())));
    world.run().expect("every invariant holds");
    assert_eq!(
        world.find("caller").and_then(phone::Phone::outcome).and_then(|it| it.ended),
        Some(Ended::ByUs)
    );
    assert_eq!(world.records()[0].reason.as_deref(), Some("normal"));
}

#[test]
fn a_bye_that_cannot_be_sent_is_not_repeated() {
    let mut world = empty();
    world.bot(Bot::new("bot", BOT_URL).closing(Duration::from_secs(3)));
    world.phone(Duration::ZERO, caller(listen(BOT)));
    world.lose(Loss { from: "us".into(), to: "caller".into(), label: "BYE".into(), times: usize::MAX });
    world.tell(Duration::from_millis(3_200), Input::FlowFailed(flow_to(CALLER)));
    let broken = world.run().expect_err("the caller is left without a BYE");
    assert_eq!(broken.wrong, ["the call of caller has no end"], "{broken:?}");
    assert_eq!(world.ladder().matches("us -> caller  BYE").count(), 1, "{}", world.ladder());
    assert_eq!(world.records()[0].status, Some(CallStatus::Completed));
}

#[test]
fn an_agent_that_cannot_be_sent_to_is_given_up_at_once() {
    let mut world = empty();
    world.bot(Bot::new("bot", BOT_URL));
    world.phone(Duration::ZERO, caller(talk(AT_DESK_OR_BOT, Duration::from_secs(1))));
    world.tell(Duration::from_millis(100), Input::FlowFailed(flow_to(DESK)));
    world.run().expect("every invariant holds");
    assert!(world.ladder().contains("   100  us -> bot"), "{}", world.ladder());
}

fn flow_to(remote: SocketAddr) -> sip::Flow {
    sip::Flow { transport: sip::Transport::Udp, local: US, remote }
}

#[test]
fn a_bye_by_the_route_names_the_contact_and_every_proxy() {
    let world = play(scenes::bye_of_ours_through_two_proxies);
    let bye = &world.said("BYE")[0];
    assert!(bye.starts_with("BYE sip:+12125550199@198.51.100.10:5060 SIP/2.0\r\n"), "{bye}");
    assert_eq!(header(bye, "Route").join(","), "<sip:198.51.100.2:5060;lr>,<sip:198.51.100.1:5060;lr>");
    assert!(
        header(bye, "Reason").iter().any(|reason| reason.starts_with("SIP") || reason.starts_with("Q.850"))
    );
}

#[test]
fn a_200_repeats_the_recorded_route() {
    let world = play(scenes::session_through_two_proxies);
    let answer = &world.said("SIP/2.0 200")[0];
    assert_eq!(
        header(answer, "Record-Route").join(","),
        "<sip:198.51.100.2:5060;lr>,<sip:198.51.100.1:5060;lr>"
    );
    assert_eq!(header(answer, "Contact").len(), 1, "{answer}");
}

#[test]
fn a_refusal_says_why() {
    let world = play(scenes::unknown_did);
    let refusal = &world.said("SIP/2.0 404")[0];
    assert!(header(refusal, "Reason")[0].starts_with("SIP;cause=404;text=\""), "{refusal}");
}

#[test]
fn leg_b_is_one_hop_further() {
    let world = play(scenes::agent_session);
    let invite = &world.said("INVITE")[0];
    assert!(invite.starts_with("INVITE sip:desk@192.0.2.20:5060 SIP/2.0\r\n"), "{invite}");
    assert_eq!(header(invite, "Max-Forwards"), ["69"], "RFC 7332");
    let ids: Vec<String> = world.records().iter().map(|record| record.sip_call_id_a.clone()).collect();
    assert!(!ids.contains(&header(invite, "Call-ID")[0]), "a leg has its own Call-ID");
}

#[test]
fn options_tell_what_we_take() {
    let world = play(scenes::options);
    let answer = &world.said("SIP/2.0 200")[0];
    for name in ["Allow", "Accept", "Supported"] {
        assert_eq!(header(answer, name).len(), 1, "{name} in {answer}");
    }
}
