//! Plays a world once for each seed: whatever the weather, every call ends and nothing is left.
//!
//! A failure prints its seed; `STROWGER_SEED=17 cargo test -p sim --test weather busy` plays that storm alone, and prints its ladder with `--nocapture`;
//! `STROWGER_SEEDS=5000` plays more of them.

use sim::cast::setup;
use sim::{Weather, World};

#[expect(clippy::disallowed_methods, reason = "whoever plays says how much in the environment")]
pub(crate) fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    match number("STROWGER_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("STROWGER_SEEDS").unwrap_or(200),
    }
}

/// `set` brings the parties on stage.
pub(crate) fn in_all(weather: Weather, set: impl Fn(&mut World, u64)) {
    for seed in seeds() {
        let mut world = World::new(setup(seed, weather)).expect("the cast's inventory is sound");
        set(&mut world, seed);
        if let Err(broken) = world.run() {
            panic!("{broken:?}");
        }
        if seeds().count() == 1 {
            println!("{}", world.ladder());
        }
    }
}
