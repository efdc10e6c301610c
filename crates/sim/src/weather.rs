//! What the wire does to a datagram.

use std::time::Duration;

use bytes::Bytes;
use phone::Dice;

/// What happens on the wire, by chance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weather {
    /// What every datagram takes.
    pub delay: Duration,
    /// What it may take more: datagrams overtake each other.
    pub jitter: Duration,
    /// How many of a hundred are lost.
    pub loss: u64,
    /// How many of a hundred arrive twice.
    pub twice: u64,
    /// How many of a hundred that are meant for us arrive with a few bytes changed.
    pub garbled: u64,
}

impl Weather {
    /// Every datagram takes 20 ms, and none is lost.
    pub const fn calm() -> Self {
        Self { delay: Duration::from_millis(20), jitter: Duration::ZERO, loss: 0, twice: 0, garbled: 0 }
    }

    /// 10 % are lost, 10 % come twice, and any may be up to 200 ms late.
    pub const fn storm() -> Self {
        Self {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(200),
            loss: 10,
            twice: 10,
            garbled: 0,
        }
    }

    /// A storm on a line that changes bytes: what arrives may be anything.
    pub const fn noise() -> Self {
        Self { garbled: 20, ..Self::storm() }
    }

    /// What arrives of the bytes.
    pub(crate) fn garble(&self, dice: &mut Dice, bytes: &Bytes) -> Bytes {
        if bytes.is_empty() || dice.below(100) >= self.garbled {
            return bytes.clone();
        }
        let mut garbled = bytes.to_vec();
        for _ in 0..=dice.below(4) {
            let place = usize::try_from(dice.below(garbled.len() as u64)).unwrap_or(0);
            garbled[place] = NOISE[usize::try_from(dice.below(NOISE.len() as u64)).unwrap_or(0)];
        }
        if dice.below(8) == 0 {
            garbled.truncate(usize::try_from(dice.below(bytes.len() as u64)).unwrap_or(0));
        }
        garbled.into()
    }

    /// After how long a datagram arrives: never, once or twice.
    pub(crate) fn arrivals(&self, dice: &mut Dice) -> Vec<Duration> {
        if dice.below(100) < self.loss {
            return Vec::new();
        }
        let copies = if dice.below(100) < self.twice { 2 } else { 1 };
        let jitter = u64::try_from(self.jitter.as_millis()).unwrap_or(u64::MAX);
        let late = (0..copies).map(|_| Duration::from_millis(dice.below(jitter.saturating_add(1))));
        late.map(|late| self.delay + late).collect()
    }
}

/// What a changed byte becomes: mostly what means something.
const NOISE: &[u8] = b"\r\n\0 :;,<>@\"=/.\\0123456789zZ\xff\x80\t%[]";

/// Datagrams that are lost by the script: the first `times` of this label between these two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// The sender's name.
    pub from: String,
    /// The receiver's name.
    pub to: String,
    /// As on the ladder: `ACK`, `200 sdp`, `486`.
    pub label: String,
    /// How many.
    pub times: usize,
}

impl Loss {
    /// Whether it takes this one.
    pub(crate) fn takes(&mut self, from: &str, to: &str, label: &str) -> bool {
        let takes = self.times > 0 && self.from == from && self.to == to && self.label == label;
        if takes {
            self.times -= 1;
        }
        takes
    }
}
