//! Calls that nobody thought of: numbers, patience, bots and agents by chance.

use std::net::SocketAddr;
use std::time::Duration;

use b2bua::io::Command;
use phone::{Dice, Invite, Phone, Recording, Step};

use crate::cast::{
    AT_DESK, AT_DESK_OR_BOT, AT_NAMED_DESK, BOT, BOT_URL, DESK, DESK_NAME, ECHO, FRAIL, FRAIL_URL, P2,
    UNASSIGNED, UNKNOWN, US, description, desk, phone, phone_behind, proxy,
};
use crate::{Bot, Opening, Workers, World};

/// Four calls within two seconds, and whoever they reach. Their scripts expect nothing that the other side could belie.
pub fn calls(world: &mut World, seed: u64) {
    let mut dice = Dice::new(seed ^ SALT);
    world.proxy(proxy("p2", P2, US, Recording::Stays));
    for (name, host) in [("ann", 11), ("ben", 12), ("cat", 13), ("dan", 14)] {
        let at = SocketAddr::from(([198, 51, 100, host], 5060));
        let wait = within(&mut dice, 2_000);
        let phone = caller(&mut dice, name, at);
        world.phone(wait, phone);
    }
    let script = agent(&mut dice);
    world.phone(Duration::ZERO, desk(script));
    if one_in(&mut dice, 2) {
        world.host(DESK_NAME, vec![DESK]);
    }
    for (name, url) in [("bot", BOT_URL), ("frail", FRAIL_URL)] {
        let bot = bot(&mut dice, name, url);
        world.bot(bot);
    }
    if one_in(&mut dice, 2) {
        world.workers(Workers::new(Duration::from_millis(100), 10));
    }
    if one_in(&mut dice, 4) {
        world.command(within(&mut dice, 8_000), Command::Shutdown);
    }
}

fn caller(dice: &mut Dice, name: &str, at: SocketAddr) -> Phone {
    let number = pick(
        dice,
        &[ECHO, AT_DESK, AT_DESK, BOT, BOT, FRAIL, UNASSIGNED, AT_DESK_OR_BOT, AT_NAMED_DESK, UNKNOWN],
    );
    let mut invite = Invite::to(format!("sip:{number}@{US}"));
    let mut answer = Some(description(at));
    if !one_in(dice, 4) {
        invite = invite.offer(description(at));
        answer = None;
    }
    let mut script = vec![Step::Invite(invite)];
    if one_in(dice, 3) {
        script.extend([Step::Wait(within(dice, 3_000)), Step::Cancel]);
    }
    script.push(Step::ExpectFinal);
    if !one_in(dice, 20) {
        script.push(Step::Ack { sdp: answer });
    }
    script.push(Step::Wait(within(dice, 3_000)));
    if one_in(dice, 3) {
        let sdp = if one_in(dice, 3) { None } else { Some(description(at)) };
        let answer = if sdp.is_none() { Some(description(at)) } else { None };
        let moment = Step::Wait(Duration::from_millis(100));
        script.extend([Step::Reinvite { sdp }, moment, Step::Ack { sdp: answer }]);
        script.push(Step::Wait(within(dice, 2_000)));
    }
    if !one_in(dice, 5) {
        script.push(Step::Bye);
    }
    if one_in(dice, 2) { phone(name, name, at, script) } else { phone_behind(name, name, at, P2, script) }
}

fn agent(dice: &mut Dice) -> Vec<Step> {
    let mut script = vec![Step::ExpectInvite, Step::Wait(within(dice, 300))];
    if !one_in(dice, 3) {
        let status = pick(dice, &[180, 183, 100]);
        script.push(Step::Ring { status, sdp: (status == 183).then(|| description(DESK)) });
    }
    script.push(Step::Wait(within(dice, 3_000)));
    if one_in(dice, 3) {
        script.push(Step::Reject { status: pick(dice, &[302, 404, 480, 486, 500, 503, 600, 603]) });
    } else if !one_in(dice, 6) {
        script.push(Step::Answer { sdp: Some(description(DESK)) });
        script.push(Step::Wait(within(dice, 4_000)));
        if one_in(dice, 2) {
            script.push(Step::Bye);
        }
    }
    script
}

fn bot(dice: &mut Dice, name: &str, url: &str) -> Bot {
    let after = within(dice, 1_000);
    let opening = match dice.below(5) {
        0 => Opening::Fails(after),
        1 => Opening::Never,
        _ => Opening::After(after),
    };
    let bot = Bot::new(name, url).opening(opening);
    if one_in(dice, 2) { bot.closing(within(dice, 4_000)) } else { bot }
}

fn within(dice: &mut Dice, millis: u64) -> Duration {
    Duration::from_millis(dice.below(millis))
}

fn one_in(dice: &mut Dice, number: u64) -> bool {
    dice.below(number) == 0
}

fn pick<T: Copy>(dice: &mut Dice, from: &[T]) -> T {
    let place = dice.below(from.len() as u64);
    from[usize::try_from(place).unwrap_or(0)]
}

/// So that the calls and the weather of one seed are not the same numbers.
const SALT: u64 = 0x5ca1_ab1e;
