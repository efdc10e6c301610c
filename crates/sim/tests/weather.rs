//! Every scene in two hundred storms: a tenth of all datagrams is lost, a tenth comes twice, any may be late. Whatever the
//! weather, every call ends, with one final response and one finished record, and nothing is left.

use sim::cast::setup;
use sim::scenes::{self, Scene};
use sim::{Weather, World, chance};
use storms::{in_all, seeds};

mod storms;

fn in_any_weather(set: fn(&mut World)) {
    in_all(Weather::storm(), |world, _| set(world));
}

macro_rules! storms {
    ($($name:ident)+) => {
        $(#[test] fn $name() { in_any_weather(scenes::$name); })+
        const PLAYED: &[&str] = &[$(stringify!($name)),+];
    };
}

storms! {
    session
    session_through_two_proxies
    session_through_a_proxy_that_leaves
    bye_of_ours_through_two_proxies
    proxy_failure
    answer_in_the_ack
    answer_in_the_ack_with_an_agent
    reinvite_moves_the_audio
    agent_moves_the_audio
    hold_and_resume
    no_answer
    busy
    no_response
    temporarily_unavailable
    ring_timeout
    agent_session
    named_agent_session
    next_server_of_an_agent
    unresolvable_agent
    agent_hangs_up
    fallback_for_an_agent
    agent_with_a_fallback_rings_on
    fallback_for_an_agent_that_is_silent
    bot_session
    bot_hangs_up
    bot_unreachable
    fallback_for_a_bot
    fallback_fails_too
    bot_too_slow_for_the_caller
    cancel_crosses_the_answer
    agent_answer_crosses_the_cancel
    reinvite_before_the_ack
    reinvite_before_the_answer
    bye_before_the_ack
    both_hang_up
    bye_crosses_a_reinvite
    default_agent
    unknown_did
    unknown_source
    ack_never_comes
    no_common_codec
    options
    shutdown
    early_media
    reliable_early_media
    prack_never_comes
    both_forks_answer
}

#[test]
fn calls_by_chance_in_calm_weather() {
    in_all(Weather::calm(), chance::calls);
}

#[test]
fn calls_by_chance_in_a_storm() {
    in_all(Weather::storm(), chance::calls);
}

/// Garbled messages are other messages, so no answer is owed; but whatever comes, nothing panics and nothing is left.
#[test]
fn noise_leaves_nothing() {
    for seed in seeds() {
        let mut world = World::new(setup(seed, Weather::noise())).expect("the cast's inventory is sound");
        chance::calls(&mut world, seed);
        world.run_until(LONG);
        assert_eq!(world.leftovers(), None, "STROWGER_SEED={seed}\n{}", world.ladder());
        let unfinished = world.unfinished();
        assert!(unfinished.is_empty(), "STROWGER_SEED={seed}: {unfinished:?}\n{}", world.ladder());
    }
}

/// Longer than `max_call_s`, which ends the call of a caller whose BYE came to nothing.
const LONG: std::time::Duration = std::time::Duration::from_hours(5);

#[test]
fn every_scene_is_played() {
    let scenes: Vec<&str> = scenes::ALL.iter().map(|Scene { name, .. }| *name).collect();
    assert_eq!(PLAYED, scenes);
}
