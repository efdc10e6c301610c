//! How media workers and the store answer.

use std::collections::BTreeSet;
use std::time::Duration;

use media::MediaKey;
use phone::Dice;

/// Media workers and a store: how long they take, and how often a port can't be bound.
#[derive(Clone, Debug)]
pub struct Workers {
    /// An answer takes at most so long.
    pub delay: Duration,
    /// Of a hundred binds so many fail: another process has the port.
    pub taken: u64,
    /// Binds that fail, of which the core has not heard yet.
    failing: BTreeSet<MediaKey>,
}

/// What a worker says to a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    Done,
    Failed,
    /// Nothing: what there was to say is on its way.
    Silence,
}

impl Workers {
    /// They do all at once, and never fail.
    pub const fn prompt() -> Self {
        Self::new(Duration::ZERO, 0)
    }

    /// They take up to `delay`, and `taken` of a hundred binds fail.
    pub const fn new(delay: Duration, taken: u64) -> Self {
        Self { delay, taken, failing: BTreeSet::new() }
    }

    pub(crate) fn pause(&self, dice: &mut Dice) -> Duration {
        Duration::from_millis(dice.below(crate::world::millis(self.delay).saturating_add(1)))
    }

    pub(crate) fn bind(&mut self, dice: &mut Dice, media: MediaKey) -> Word {
        if dice.below(100) < self.taken {
            self.failing.insert(media);
            return Word::Failed;
        }
        Word::Done
    }

    /// What is not open can't be released: the failure of its bind is still to be heard.
    pub(crate) fn release(&self, media: MediaKey) -> Word {
        if self.failing.contains(&media) { Word::Silence } else { Word::Done }
    }

    /// The core has heard that the bind failed.
    pub(crate) fn told(&mut self, media: MediaKey) {
        self.failing.remove(&media);
    }
}
