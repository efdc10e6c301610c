//! Calls to play: in calm weather as ladders, in a storm to see that every call ends and nothing is left.
//!
//! A script here expects only what no lost or late datagram can change.

use std::time::Duration;

use b2bua::io::Command;
use phone::{Invite, Recording, Ring, Step, sdp};

use crate::cast::{
    AT_DESK, AT_DESK_OR_BOT, AT_NAMED_DESK, BOT, BOT_URL, CALLER, DESK, DESK_1, DESK_2, DESK_NAME, ECHO,
    FRAIL, FRAIL_URL, MOVED, P1, P2, STRANGER, UNASSIGNED, UNKNOWN, US, caller, description, desk, invite,
    invite_without_offer, phone, phone_behind, pick_up, proxy, talk,
};
use crate::{Bot, Opening, World};

/// A call, or several, by name.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// As its function is called.
    pub name: &'static str,
    /// Puts the parties into the world.
    pub set: fn(&mut World),
}

macro_rules! scenes {
    ($($(#[doc = $doc:literal])+ $name:ident($world:ident) $body:block)+) => {
        $($(#[doc = $doc])+ pub fn $name($world: &mut World) $body)+

        /// All of them.
        pub const ALL: &[Scene] = &[$(Scene { name: stringify!($name), set: $name }),+];
    };
}

scenes! {
    /// RFC 3665 s.3.1: answered, and ended by the caller.
    session(world) {
        world.phone(NOW, caller(talk(ECHO, SECOND)));
    }

    /// RFC 3665 s.3.2: through two proxies that stay in the route.
    session_through_two_proxies(world) {
        world.proxy(proxy("p1", P1, P2, Recording::Stays));
        world.proxy(proxy("p2", P2, US, Recording::Stays));
        world.phone(NOW, phone_behind("caller", "+12125550199", CALLER, P1, talk(ECHO, SECOND)));
    }

    /// RFC 3665 s.3.2, with a first proxy that leaves the route: the dialog goes through the second only.
    session_through_a_proxy_that_leaves(world) {
        world.proxy(proxy("p1", P1, P2, Recording::Leaves));
        world.proxy(proxy("p2", P2, US, Recording::Stays));
        world.phone(NOW, phone_behind("caller", "+12125550199", CALLER, P1, talk(ECHO, SECOND)));
    }

    /// The BYE is ours, and goes by the route too.
    bye_of_ours_through_two_proxies(world) {
        world.bot(Bot::new("bot", BOT_URL).closing(SECOND));
        world.proxy(proxy("p1", P1, P2, Recording::Stays));
        world.proxy(proxy("p2", P2, US, Recording::Stays));
        world.phone(NOW, phone_behind("caller", "+12125550199", CALLER, P1, listen(BOT)));
    }

    /// RFC 3665 s.3.4: nothing comes of the first proxy, and the caller tries the second.
    proxy_failure(world) {
        let first = vec![invite(ECHO, CALLER), Step::ExpectFinal];
        world.phone(NOW, phone_behind("caller", "+12125550199", CALLER, P1, first));
        world.proxy(proxy("p2", P2, US, Recording::Stays));
        let second = phone_behind("again", "+12125550199", MOVED, P2, talk(ECHO, SECOND));
        world.phone(Duration::from_secs(33), second);
    }

    /// RFC 3665 s.3.6: the offer is ours, in the 200; the answer comes in the ACK.
    answer_in_the_ack(world) {
        world.phone(NOW, caller(vec![
            invite_without_offer(ECHO),
            Step::Expect(200),
            Step::Ack { sdp: Some(description(CALLER)) },
            Step::Wait(SECOND),
            Step::Bye,
        ]));
    }

    /// The same with a SIP agent.
    answer_in_the_ack_with_an_agent(world) {
        world.phone(NOW, desk(pick_up(SECOND)));
        world.phone(NOW, caller(vec![
            invite_without_offer(AT_DESK),
            Step::Expect(200),
            Step::Ack { sdp: Some(description(CALLER)) },
            Step::Wait(SECOND),
            Step::Bye,
        ]));
    }

    /// RFC 3665 s.3.7: the caller moves its audio to another address.
    reinvite_moves_the_audio(world) {
        world.phone(NOW, desk(pick_up(SECOND)));
        world.phone(NOW, caller(vec![
            invite(AT_DESK, CALLER),
            Step::Expect(200),
            Step::Ack { sdp: None },
            Step::Wait(SECOND),
            Step::Reinvite { sdp: Some(description(MOVED)) },
            Step::Expect(200),
            Step::Ack { sdp: None },
            Step::Wait(SECOND),
            Step::Bye,
        ]));
    }

    /// RFC 3665 s.3.7 from the other side: the agent moves its audio.
    agent_moves_the_audio(world) {
        let mut script = pick_up(SECOND);
        script.extend([
            Step::Wait(SECOND),
            Step::Reinvite { sdp: Some(description(MOVED)) },
            Step::ExpectFinal,
            Step::Ack { sdp: None },
        ]);
        world.phone(NOW, desk(script));
        world.phone(NOW, caller(talk(AT_DESK, Duration::from_secs(40))));
    }

    /// The caller holds (RFC 3264 s.8.4), and goes on by a re-INVITE without an offer.
    hold_and_resume(world) {
        let rtp = std::net::SocketAddr::new(CALLER.ip(), 4000);
        let held = sdp::audio(rtp, &["0 PCMU/8000"], "sendonly", 2);
        world.phone(NOW, caller(vec![
            invite(ECHO, CALLER),
            Step::Expect(200),
            Step::Ack { sdp: None },
            Step::Wait(SECOND),
            Step::Reinvite { sdp: Some(held) },
            Step::Expect(200),
            Step::Ack { sdp: None },
            Step::Wait(SECOND),
            Step::Reinvite { sdp: None },
            Step::Expect(200),
            Step::Ack { sdp: Some(description(CALLER)) },
            Step::Wait(SECOND),
            Step::Bye,
        ]));
    }

    /// RFC 3665 s.3.8: the agent rings, and the caller gives up.
    no_answer(world) {
        world.phone(NOW, desk(vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }]));
        let patience = Duration::from_secs(2);
        world.phone(NOW, caller(vec![
            invite(AT_DESK, CALLER),
            Step::Wait(patience),
            Step::Cancel,
            Step::Expect(487),
        ]));
    }

    /// RFC 3665 s.3.9.
    busy(world) {
        world.phone(NOW, desk(vec![Step::ExpectInvite, Step::Reject { status: 486 }]));
        world.phone(NOW, caller(vec![invite(AT_DESK, CALLER), Step::Expect(486)]));
    }

    /// RFC 3665 s.3.10: the agent never answers.
    no_response(world) {
        world.phone(NOW, desk(Vec::new()));
        world.phone(NOW, caller(vec![invite(AT_DESK, CALLER), Step::Expect(480)]));
    }

    /// RFC 3665 s.3.11.
    temporarily_unavailable(world) {
        world.phone(NOW, desk(vec![
            Step::ExpectInvite,
            Step::Ring { status: 180, sdp: None },
            Step::Wait(SECOND),
            Step::Reject { status: 480 },
        ]));
        world.phone(NOW, caller(vec![invite(AT_DESK, CALLER), Step::Expect(480)]));
    }

    /// The agent rings longer than `ring_s`.
    ring_timeout(world) {
        world.phone(NOW, desk(vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }]));
        world.phone(NOW, caller(vec![invite(AT_DESK, CALLER), Step::ExpectFinal]));
    }

    /// A SIP agent, and the caller hangs up.
    agent_session(world) {
        world.phone(NOW, desk(pick_up(SECOND)));
        world.phone(NOW, caller(talk(AT_DESK, SECOND)));
    }

    /// A SIP agent under a host name.
    named_agent_session(world) {
        world.host(DESK_NAME, vec![DESK]);
        world.phone(NOW, desk(pick_up(SECOND)));
        world.phone(NOW, caller(talk(AT_NAMED_DESK, SECOND)));
    }

    /// RFC 3263 s.4.3: of the agent's servers one can't serve, one says nothing, one answers.
    next_server_of_an_agent(world) {
        world.host(DESK_NAME, vec![DESK_1, DESK_2, DESK]);
        let busy = vec![Step::ExpectInvite, Step::Reject { status: 503 }];
        world.phone(NOW, phone("busy", "desk", DESK_1, busy));
        world.phone(NOW, desk(pick_up(SECOND)));
        world.phone(NOW, caller(talk(AT_NAMED_DESK, SECOND)));
    }

    /// A SIP agent under a host name that is none.
    unresolvable_agent(world) {
        world.phone(NOW, caller(vec![invite(AT_NAMED_DESK, CALLER), Step::Expect(480)]));
    }

    /// The SIP agent hangs up.
    agent_hangs_up(world) {
        let mut script = pick_up(SECOND);
        script.extend([Step::Wait(SECOND), Step::Bye]);
        world.phone(NOW, desk(script));
        world.phone(NOW, caller(listen(AT_DESK)));
    }

    /// Nobody is at the SIP agent, and its fallback answers.
    fallback_for_an_agent(world) {
        world.bot(Bot::new("bot", BOT_URL));
        world.phone(NOW, desk(vec![Step::ExpectInvite, Step::Reject { status: 503 }]));
        world.phone(NOW, caller(talk(AT_DESK_OR_BOT, SECOND)));
    }

    /// The SIP agent rings and rings: it is there, and its fallback is not tried.
    agent_with_a_fallback_rings_on(world) {
        world.bot(Bot::new("bot", BOT_URL));
        world.phone(NOW, desk(vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }]));
        world.phone(NOW, caller(listen(AT_DESK_OR_BOT)));
    }

    /// The SIP agent is dead, and its fallback answers.
    fallback_for_an_agent_that_is_silent(world) {
        world.bot(Bot::new("bot", BOT_URL));
        world.phone(NOW, caller(talk(AT_DESK_OR_BOT, SECOND)));
    }

    /// A streams agent, and the caller hangs up.
    bot_session(world) {
        world.bot(Bot::new("bot", BOT_URL));
        world.phone(NOW, caller(talk(BOT, SECOND)));
    }

    /// The bot closes its stream.
    bot_hangs_up(world) {
        world.bot(Bot::new("bot", BOT_URL).closing(SECOND));
        world.phone(NOW, caller(listen(BOT)));
    }

    /// The bot is not there, and neither has a fallback.
    bot_unreachable(world) {
        world.phone(NOW, caller(vec![invite(BOT, CALLER), Step::Expect(480)]));
    }

    /// The bot is not there, and its fallback answers.
    fallback_for_a_bot(world) {
        world.bot(Bot::new("frail", FRAIL_URL).opening(Opening::Fails(Duration::from_millis(50))));
        world.bot(Bot::new("bot", BOT_URL));
        world.phone(NOW, caller(talk(FRAIL, SECOND)));
    }

    /// The bot says nothing, and neither does its fallback.
    fallback_fails_too(world) {
        world.bot(Bot::new("frail", FRAIL_URL).opening(Opening::Never));
        world.bot(Bot::new("bot", BOT_URL).opening(Opening::Never));
        world.phone(NOW, caller(vec![invite(FRAIL, CALLER), Step::Expect(480)]));
    }

    /// The caller gives up before the bot's stream is open.
    bot_too_slow_for_the_caller(world) {
        world.bot(Bot::new("bot", BOT_URL).opening(Opening::After(Duration::from_secs(4))));
        world.phone(NOW, caller(vec![
            invite(BOT, CALLER),
            Step::Wait(Duration::from_millis(500)),
            Step::Cancel,
            Step::ExpectFinal,
        ]));
    }

    /// The caller's CANCEL crosses our 200 (RFC 5407 s.3.1.2): the call is up, and the caller ends it by BYE.
    cancel_crosses_the_answer(world) {
        world.bot(Bot::new("bot", BOT_URL));
        world.phone(NOW, caller(vec![
            invite(BOT, CALLER),
            Step::Wait(Duration::from_millis(125)),
            Step::Cancel,
            Step::ExpectFinal,
        ]));
    }

    /// Our CANCEL crosses the agent's 200: it gets its ACK and a BYE (RFC 3261 s.9.1).
    agent_answer_crosses_the_cancel(world) {
        world.phone(NOW, desk(vec![
            Step::ExpectInvite,
            Step::Ring { status: 180, sdp: None },
            Step::Wait(Duration::from_millis(495)),
            Step::Answer { sdp: Some(description(DESK)) },
        ]));
        world.phone(NOW, caller(vec![
            invite(AT_DESK, CALLER),
            Step::Wait(Duration::from_millis(500)),
            Step::Cancel,
            Step::ExpectFinal,
        ]));
    }

    /// RFC 5407 s.3.1.4: a re-INVITE overtakes the ACK.
    reinvite_before_the_ack(world) {
        world.phone(NOW, caller(vec![
            invite(ECHO, CALLER),
            Step::Expect(200),
            Step::Reinvite { sdp: Some(description(MOVED)) },
            Step::Ack { sdp: None },
            Step::ExpectFinal,
            Step::Ack { sdp: None },
            Step::Wait(SECOND),
            Step::Bye,
        ]));
    }

    /// RFC 5407 s.3.1.5: a re-INVITE overtakes the ACK that has the answer.
    reinvite_before_the_answer(world) {
        world.phone(NOW, caller(vec![
            invite_without_offer(ECHO),
            Step::Expect(200),
            Step::Reinvite { sdp: Some(description(MOVED)) },
            Step::Ack { sdp: Some(description(CALLER)) },
            Step::ExpectFinal,
            Step::Ack { sdp: None },
            Step::Wait(SECOND),
            Step::Bye,
        ]));
    }

    /// RFC 5407 s.3.1.6: a BYE instead of the ACK.
    bye_before_the_ack(world) {
        world.phone(NOW, caller(vec![invite(ECHO, CALLER), Step::Expect(200), Step::Bye]));
    }

    /// RFC 5407 s.3.2.1: both sides send BYE.
    both_hang_up(world) {
        world.bot(Bot::new("bot", BOT_URL).closing(SECOND));
        world.phone(NOW, caller(talk(BOT, Duration::from_millis(985))));
    }

    /// RFC 5407 s.3.2.2: our BYE crosses the caller's re-INVITE.
    bye_crosses_a_reinvite(world) {
        world.bot(Bot::new("bot", BOT_URL).closing(SECOND));
        world.phone(NOW, caller(vec![
            invite(BOT, CALLER),
            Step::Expect(200),
            Step::Ack { sdp: None },
            Step::Wait(Duration::from_millis(985)),
            Step::Reinvite { sdp: Some(description(MOVED)) },
        ]));
    }

    /// A number that is assigned to nobody: the default agent answers.
    default_agent(world) {
        world.phone(NOW, caller(talk(UNASSIGNED, SECOND)));
    }

    /// A number that is not ours.
    unknown_did(world) {
        world.phone(NOW, caller(vec![invite(UNKNOWN, CALLER), Step::Expect(404)]));
    }

    /// An INVITE from an address that no trunk owns.
    unknown_source(world) {
        let script = vec![invite(ECHO, STRANGER), Step::ExpectFinal];
        world.stranger(NOW, phone("stranger", "sipvicious", STRANGER, script));
    }

    /// The caller's ACK never comes (RFC 3261 s.13.3.1.4).
    ack_never_comes(world) {
        world.phone(NOW, caller(vec![invite(ECHO, CALLER), Step::Expect(200)]));
    }

    /// An offer with nothing that we speak.
    no_common_codec(world) {
        let rtp = std::net::SocketAddr::new(CALLER.ip(), 4000);
        let offer = sdp::audio(rtp, &["18 G729/8000", "101 telephone-event/8000"], "sendrecv", 1);
        let invite = Invite::to(format!("sip:{ECHO}@{US}")).offer(offer);
        world.phone(NOW, caller(vec![Step::Invite(invite), Step::Expect(488)]));
    }

    /// A carrier asks whether we are there (RFC 3261 s.11).
    options(world) {
        world.phone(NOW, caller(vec![Step::Options { to: format!("sip:{US}") }, Step::Expect(200)]));
    }

    /// The node stops amid calls: one is up, one rings, one waits for its bot.
    shutdown(world) {
        world.bot(Bot::new("bot", BOT_URL).opening(Opening::After(Duration::from_secs(4))));
        world.phone(NOW, desk(vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }]));
        let another = |host: u8| std::net::SocketAddr::from(([198, 51, 100, host], 5060));
        world.phone(NOW, caller(listen(ECHO)));
        for (name, host, number) in [("rings", 11, AT_DESK), ("waits", 12, BOT)] {
            world.phone(NOW, phone(name, "+12125550198", another(host), listen(number)));
        }
        world.command(Duration::from_secs(2), Command::Shutdown);
        world.phone(Duration::from_secs(3), phone("late", "+12125550197", another(13), listen(ECHO)));
    }

    /// The agent is heard before it answers.
    early_media(world) {
        world.phone(NOW, desk(vec![
            Step::ExpectInvite,
            Step::RingWith(heard(DESK)),
            Step::Wait(SECOND),
            Step::Ring { status: 180, sdp: None },
            Step::Answer { sdp: Some(description(DESK)) },
        ]));
        world.phone(NOW, caller(talk(AT_DESK, SECOND)));
    }

    /// The same reliably on both legs (RFC 3262), and the caller offers anew in its PRACK.
    reliable_early_media(world) {
        world.phone(NOW, desk(vec![
            Step::ExpectInvite,
            Step::RingReliably(heard(DESK)),
            Step::ExpectPrack,
            Step::Answer { sdp: None },
        ]));
        let to = Invite::to(format!("sip:{AT_DESK}@{US}")).offer(description(CALLER));
        let mut script = vec![
            Step::Invite(to.header("Require", "100rel")),
            Step::Prack { sdp: Some(description(MOVED)) },
            Step::ExpectPracked(200),
        ];
        script.extend(talk(AT_DESK, SECOND).into_iter().skip(1));
        world.phone(NOW, caller(script));
    }

    /// The caller acknowledges no provisional response.
    prack_never_comes(world) {
        world.phone(NOW, desk(vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }]));
        let to = Invite::to(format!("sip:{AT_DESK}@{US}")).offer(description(CALLER));
        world.phone(NOW, caller(vec![Step::Invite(to.header("Require", "100rel")), Step::ExpectFinal]));
    }

    /// The agent forks, both of its telephones are heard, and both answer: one of them is ended (RFC 3261 s.13.2.2.4).
    both_forks_answer(world) {
        world.proxy(proxy("fork", DESK, DESK_1, Recording::Leaves).forking_to(DESK_2));
        for (name, at, ringing) in [("one", DESK_1, SECOND), ("two", DESK_2, SECOND + SECOND / 10)] {
            world.phone(NOW, phone(name, name, at, vec![
                Step::ExpectInvite,
                Step::RingWith(heard(at)),
                Step::Wait(ringing),
                Step::Answer { sdp: Some(description(at)) },
                Step::ExpectBye,
            ]));
        }
        world.phone(NOW, caller(talk(AT_DESK, SECOND)));
    }
}

/// A 183 with the media of the phone at that address.
fn heard(at: std::net::SocketAddr) -> Ring {
    Ring::status(183).sdp(description(at))
}

/// The script of a caller that leaves the end to the other side.
fn listen(number: &str) -> Vec<Step> {
    vec![invite(number, CALLER), Step::ExpectFinal, Step::Ack { sdp: None }]
}

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);
