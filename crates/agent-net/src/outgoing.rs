//! What waits to be sent to a bot, in order: five seconds of audio at most, the oldest dropped first.
//!
//! A bot that stalls gets the last seconds when it reads again, not an ever growing delay. Digits and marks keep their
//! place among the audio and are not dropped for it.

use std::collections::VecDeque;

use media::agent::Frame;
use media::command::Digit;

/// One message to come.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Word {
    /// 20 ms of the caller.
    Audio(Frame),
    /// A key of the caller.
    Digit(Digit),
    /// A mark of the bot, by its name.
    Mark(String),
    /// The last one.
    Farewell,
}

/// What had to go to make room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dropped {
    Nothing,
    /// The oldest 20 ms.
    Frame,
    /// The oldest digit or mark.
    Word,
}

#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    queue: VecDeque<Word>,
    frames: usize,
}

impl Outgoing {
    pub(crate) fn push(&mut self, word: Word) -> Dropped {
        let dropped = match word {
            Word::Audio(_) if self.frames >= FRAMES => {
                self.drop_oldest(|word| matches!(word, Word::Audio(_)))
            }
            Word::Digit(_) | Word::Mark(_) if self.queue.len() - self.frames >= WORDS => {
                self.drop_oldest(|word| matches!(word, Word::Digit(_) | Word::Mark(_)))
            }
            Word::Audio(_) | Word::Digit(_) | Word::Mark(_) | Word::Farewell => Dropped::Nothing,
        };
        self.frames += usize::from(matches!(word, Word::Audio(_)));
        self.queue.push_back(word);
        dropped
    }

    pub(crate) fn pop(&mut self) -> Option<Word> {
        let word = self.queue.pop_front()?;
        self.frames -= usize::from(matches!(word, Word::Audio(_)));
        Some(word)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn drop_oldest(&mut self, chosen: impl Fn(&Word) -> bool) -> Dropped {
        let oldest = self.queue.iter().position(chosen).and_then(|index| self.queue.remove(index));
        match oldest {
            Some(Word::Audio(_)) => {
                self.frames -= 1;
                Dropped::Frame
            }
            Some(Word::Digit(_) | Word::Mark(_) | Word::Farewell) => Dropped::Word,
            None => Dropped::Nothing,
        }
    }
}

/// Five seconds.
const FRAMES: usize = 250;
const WORDS: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u32) -> Word {
        Word::Audio(Frame { timestamp_ms: number * 20, samples: [0; 160] })
    }

    #[test]
    fn the_oldest_audio_gives_way_and_a_digit_among_it_stays() {
        let mut outgoing = Outgoing::default();
        assert_eq!(outgoing.push(frame(0)), Dropped::Nothing);
        let digit = Digit::from_key('7').unwrap();
        assert_eq!(outgoing.push(Word::Digit(digit)), Dropped::Nothing);
        for number in 1..250 {
            assert_eq!(outgoing.push(frame(number)), Dropped::Nothing);
        }
        assert_eq!(outgoing.push(frame(250)), Dropped::Frame);
        assert_eq!(outgoing.push(frame(251)), Dropped::Frame);
        assert_eq!(outgoing.pop(), Some(Word::Digit(digit)));
        assert_eq!(outgoing.pop(), Some(frame(2)));
        assert_eq!(std::iter::from_fn(|| outgoing.pop()).count(), 249);
        assert!(outgoing.is_empty());
    }

    #[test]
    fn words_are_bounded_too() {
        let mut outgoing = Outgoing::default();
        for number in 0..WORDS {
            assert_eq!(outgoing.push(Word::Mark(number.to_string())), Dropped::Nothing);
        }
        assert_eq!(outgoing.push(Word::Mark("last".into())), Dropped::Word);
        assert_eq!(outgoing.pop(), Some(Word::Mark("1".into())));
    }
}
