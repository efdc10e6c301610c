//! Playing a scene, and comparing its ladder with the one drawn.

use phone::Ladder;

use crate::cast::setup;
use crate::{Weather, World};

/// The world after a scene in calm weather.
///
/// # Panics
/// When the core breaks an invariant.
#[track_caller]
pub fn play(set: fn(&mut World)) -> World {
    let mut world = empty();
    set(&mut world);
    world.run().expect("every invariant holds");
    world
}

/// A world in calm weather with nobody in it but us.
///
/// # Panics
/// When the cast's own inventory has faults.
pub fn empty() -> World {
    World::new(setup(1, Weather::calm())).expect("the cast's inventory is sound")
}

/// Compares the whole ladder with the one drawn; white space does not count.
///
/// # Panics
/// When they differ.
#[track_caller]
pub fn assert_ladder(world: &World, drawn: &str) {
    let found = world.ladder();
    assert_eq!(Ladder::squeeze(&found), Ladder::squeeze(drawn), "found:\n{found}");
}

/// Compares only the rungs that have this word.
///
/// # Panics
/// When they differ.
#[track_caller]
pub fn assert_rungs(world: &World, having: &str, drawn: &str) {
    let found = world.ladder();
    let rungs = found.lines().filter(|rung| rung.split_whitespace().any(|word| word == having));
    let rungs = rungs.collect::<Vec<_>>().join("\n");
    assert_eq!(Ladder::squeeze(&rungs), Ladder::squeeze(drawn), "found:\n{found}");
}
