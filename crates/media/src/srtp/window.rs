//! Which packets of a stream were there, and which index a sequence number stands for (RFC 3711 s.3.3.1, s.3.3.2).

use super::Refused;

/// The newest index and the 127 before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Window {
    /// Bit n: the one that is n behind `newest`. 0 before the first.
    seen: u128,
    newest: u64,
}

impl Window {
    /// The index of the packet with this number that is nearest to the newest one; `None` before the first.
    pub(super) fn nearest(&self, sequence: u16) -> Option<Result<u64, Refused>> {
        if self.seen == 0 {
            return None;
        }
        let [.., high, low] = self.newest.to_be_bytes();
        let ahead = sequence.wrapping_sub(u16::from_be_bytes([high, low])).cast_signed();
        Some(match self.newest.checked_add_signed(ahead.into()) {
            Some(index) if index < INDICES => Ok(index),
            Some(_) => Err(Refused::Exhausted),
            // Before the first rollover there was nothing.
            None => Err(Refused::Replayed),
        })
    }

    /// Whether the index has not been there.
    pub(super) fn check(&self, index: u64) -> Result<(), Refused> {
        match self.newest.checked_sub(index) {
            None => Ok(()),
            Some(behind @ 0..SIZE) if self.seen >> behind & 1 == 0 => Ok(()),
            Some(_) if self.seen == 0 => Ok(()),
            Some(_) => Err(Refused::Replayed),
        }
    }

    /// It has been there.
    pub(super) fn mark(&mut self, index: u64) {
        if self.seen == 0 {
            *self = Self { seen: 1, newest: index };
        } else if let Some(ahead @ 1..) = index.checked_sub(self.newest) {
            self.seen = if ahead < SIZE { self.seen << ahead | 1 } else { 1 };
            self.newest = index;
        } else if let behind @ 0..SIZE = self.newest - index {
            self.seen |= 1 << behind;
        }
    }
}

/// How many are known: twice of what RFC 3711 s.3.3.2 asks for.
const SIZE: u64 = 128;
/// RTP's are 48 bits long.
const INDICES: u64 = 1 << 48;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_index_passes_once_and_old_ones_never(steps in prop::collection::vec((any::<bool>(), 0..300_u64), 1..400)) {
            let (mut window, mut seen) = (Window::default(), BTreeSet::new());
            let mut at = 1_u64 << 40;
            for (forward, step) in steps {
                at = if forward { at + step } else { at - step };
                let newest = seen.last().copied().unwrap_or(0);
                let passes = !seen.contains(&at) && at + SIZE > newest;
                prop_assert_eq!(window.check(at).is_ok(), passes, "{} after {}", at, newest);
                if passes {
                    window.mark(at);
                    seen.insert(at);
                }
            }
        }

        #[test]
        fn an_index_is_found_by_its_last_16_bits(newest in 1_u64 << 16..INDICES - 40_000, ahead in -32_768..32_768_i64) {
            let mut window = Window::default();
            window.mark(newest);
            let index = newest.checked_add_signed(ahead).unwrap();
            let sequence = u16::try_from(index & 0xffff).unwrap();
            prop_assert_eq!(window.nearest(sequence), Some(Ok(index)));
        }
    }

    #[test]
    fn no_index_is_before_the_first_or_behind_the_last() {
        let mut window = Window::default();
        assert_eq!(window.nearest(7), None);
        window.mark(3);
        assert_eq!(window.nearest(65_535), Some(Err(Refused::Replayed)));
        window.mark(INDICES - 2);
        assert_eq!(window.nearest(65_535), Some(Ok(INDICES - 1)));
        assert_eq!(window.nearest(0), Some(Err(Refused::Exhausted)));
    }
}
