//! Calls to the telephone network in two hundred storms each: whatever the weather, every call ends, and nothing is left.

use std::time::Duration;

use phone::Step;
use sim::cast::{DESK, GATEWAY, GATEWAY_2, OUTSIDE, OUTWARD, PBX, ask_for, call_out, gateway, phone};
use sim::{Weather, World};
use storms::in_all;

mod storms;

const SECOND: Duration = Duration::from_secs(1);
const NOW: Duration = Duration::ZERO;

fn in_any_storm(set: fn(&mut World)) {
    in_all(Weather::storm(), |world, _| set(world));
}

#[test]
fn a_call_out() {
    in_any_storm(|world| {
        world.phone(NOW, gateway(GATEWAY, SECOND));
        world.phone(NOW, phone("pbx", "4711", PBX, call_out(PBX, SECOND)));
    });
}

#[test]
fn a_call_out_by_the_next_gateway() {
    in_any_storm(|world| {
        let refuses = vec![Step::ExpectInvite, Step::Reject { status: 503 }];
        world.phone(NOW, phone("first", "carrier", GATEWAY, refuses));
        world.phone(NOW, gateway(GATEWAY_2, SECOND));
        world.phone(NOW, phone("desk", "desk", DESK, call_out(DESK, SECOND)));
    });
}

#[test]
fn a_call_out_that_is_taken_back() {
    in_any_storm(|world| {
        world.phone(NOW, gateway(GATEWAY, Duration::from_secs(2)));
        let asks = vec![ask_for(OUTSIDE, OUTWARD, DESK), Step::Wait(SECOND), Step::Cancel, Step::ExpectFinal];
        world.phone(NOW, phone("desk", "desk", DESK, asks));
    });
}

#[test]
fn a_call_out_that_nobody_takes() {
    in_any_storm(|world| {
        let asks = vec![ask_for(OUTSIDE, OUTWARD, DESK), Step::ExpectFinal];
        world.phone(NOW, phone("desk", "desk", DESK, asks));
    });
}
