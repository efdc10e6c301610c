//! The order of SRV records: priority, and chance by weight (RFC 2782, "Usage rules").

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use super::question::Srv;

/// Chance, from a seed.
#[derive(Debug)]
pub(super) struct Dice(ChaCha20Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// 0 to `bound` - 1; 0 if there is nothing to choose from. The bias of the remainder is below one in 2^40.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.0.next_u64() % bound).unwrap_or(0)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }

    /// Starts at any of them: a cache must not undo the round robin of the name server.
    pub(super) fn rotate<T>(&mut self, items: &mut [T]) {
        let by = self.below(items.len());
        items.rotate_left(by);
    }
}

/// The choices in the order to try them, each ranked by its priority and its weight (RFC 2782). `seed` is all of the chance in it.
pub fn in_order<T>(choices: Vec<T>, rank: impl Fn(&T) -> (u16, u16), seed: u64) -> Vec<T> {
    by_weight(choices, rank, &mut Dice::new(seed))
}

/// The records in the order to try them.
pub(super) fn by_rank(records: Vec<Srv>, dice: &mut Dice) -> Vec<Srv> {
    by_weight(records, |record| (record.priority, record.weight), dice)
}

/// "Any order, except that those with weight 0 come first" is any order by chance, so that weights that are all zero
/// share alike.
fn by_weight<T>(mut choices: Vec<T>, rank: impl Fn(&T) -> (u16, u16), dice: &mut Dice) -> Vec<T> {
    dice.shuffle(&mut choices);
    choices.sort_by_key(|choice| {
        let (priority, weight) = rank(choice);
        (priority, weight != 0)
    });
    let mut ordered = Vec::with_capacity(choices.len());
    while let Some(priority) = choices.first().map(|first| rank(first).0) {
        let level =
            choices.iter().take_while(|choice| rank(choice).0 == priority).map(|choice| rank(choice).1);
        let chosen = choose(&level.collect::<Vec<_>>(), dice);
        ordered.push(choices.remove(chosen));
    }
    ordered
}

/// The index of the first whose running sum is at least a number from 0 to the sum of all.
fn choose(weights: &[u16], dice: &mut Dice) -> usize {
    let sum: usize = weights.iter().map(|weight| usize::from(*weight)).sum();
    let number = dice.below(sum + 1);
    let mut running = 0;
    let reaches = |weight: &u16| {
        running += usize::from(*weight);
        running >= number
    };
    weights.iter().position(reaches).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv { priority, weight, port: 5060, target: target.into() }
    }

    fn first(records: &[Srv], seed: u64) -> String {
        by_rank(records.to_vec(), &mut Dice::new(seed)).first().unwrap().target.clone()
    }

    /// How often each of the targets is the first, over `SEEDS` seeds.
    fn firsts(records: &[Srv]) -> Vec<u32> {
        let mut counts = vec![0; records.len()];
        for seed in 0..SEEDS {
            let target = first(records, seed);
            counts[records.iter().position(|record| record.target == target).unwrap()] += 1;
        }
        counts
    }

    const SEEDS: u64 = 20_000;

    #[test]
    fn the_share_of_each_follows_its_weight() {
        let counts = firsts(&[srv(1, 60, "a"), srv(1, 30, "b"), srv(1, 10, "c")]);
        // The number 0 is one of 101, and goes to whoever stands first. Five standard deviations are 345.
        for (count, expected) in counts.iter().zip([11_947, 6_007, 2_046]) {
            assert!(count.abs_diff(expected) < 350, "{counts:?}");
        }
    }

    #[test]
    fn weights_that_are_all_zero_share_alike() {
        let counts = firsts(&[srv(1, 0, "a"), srv(1, 0, "b"), srv(1, 0, "c"), srv(1, 0, "d")]);
        for count in &counts {
            assert!(count.abs_diff(5_000) < 310, "{counts:?}");
        }
    }

    #[test]
    fn weight_zero_beside_others_has_a_very_small_chance() {
        let counts = firsts(&[srv(1, 99, "a"), srv(1, 0, "b")]);
        assert!((100..300).contains(&counts[1]), "about one in a hundred: {counts:?}");
    }

    #[test]
    fn the_second_is_chosen_by_weight_too() {
        let records = [srv(1, 1000, "a"), srv(1, 30, "b"), srv(1, 10, "c")];
        let mut second = [0_u32; 2];
        for seed in 0..SEEDS {
            let ordered = by_rank(records.to_vec(), &mut Dice::new(seed));
            if ordered[0].target == "a" {
                second[usize::from(ordered[1].target == "c")] += 1;
            }
        }
        let share = f64::from(second[0]) / f64::from(second[0] + second[1]);
        assert!((share - 30.5 / 41.0).abs() < 0.02, "{share}");
    }

    #[test]
    fn a_priority_comes_whole_before_the_next_whatever_the_weights() {
        let records = [srv(20, 65_535, "late"), srv(10, 0, "x"), srv(10, 1, "y"), srv(30, 0, "last")];
        for seed in 0..500 {
            let ordered = by_rank(records.to_vec(), &mut Dice::new(seed));
            let priorities: Vec<u16> = ordered.iter().map(|record| record.priority).collect();
            assert_eq!(priorities, [10, 10, 20, 30], "seed {seed}");
        }
    }

    #[test]
    fn a_seed_decides_all() {
        let records: Vec<Srv> = (0..9).map(|number| srv(1, number, &number.to_string())).collect();
        let ordered = |seed| by_rank(records.clone(), &mut Dice::new(seed));
        assert_eq!(ordered(7), ordered(7));
        assert!((0..20).any(|seed| ordered(seed) != ordered(7)));
    }
}
