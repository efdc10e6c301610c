//! What nobody must guess: the keys of SRTP, and the seeds of those who draw secrets of their own. A stream of `ChaCha20` (RFC 8439), keyed by
//! the core's seed: whoever knows some of it cannot tell the rest.

use std::fmt;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use numbers::MediaEncryption;
use sdp::{Encryption, Keys};
use zeroize::Zeroizing;

/// Draws secrets that are a function of its seed.
pub(crate) struct Secrets(ChaCha20Rng);

impl Secrets {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// A seed for a part that draws its own.
    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// The keys of one leg: those that it has, and those that it may come to need. Zeroed when dropped.
#[derive(Clone)]
pub(crate) struct Keyring {
    wanted: MediaEncryption,
    seed: Zeroizing<[u8; 32]>,
    drawn: u64,
}

impl Keyring {
    /// `seed` is for this leg alone.
    pub(crate) fn new(wanted: MediaEncryption, seed: [u8; 32]) -> Self {
        Self { wanted, seed: Zeroizing::new(seed), drawn: 0 }
    }

    /// What is wanted, with keys that were never drawn before.
    pub(crate) fn draw(&mut self) -> Encryption {
        let keys = || {
            let mut stream = ChaCha20Rng::from_seed(*self.seed);
            stream.set_stream(self.drawn);
            let mut bytes = Zeroizing::new([0; Keys::BYTES]);
            stream.fill_bytes(bytes.as_mut());
            Keys::new(&bytes)
        };
        let encryption = match self.wanted {
            MediaEncryption::Off => Encryption::Off,
            MediaEncryption::Optional => Encryption::Optional(keys()),
            MediaEncryption::Required => Encryption::Required(keys()),
        };
        self.drawn += 1;
        encryption
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_drawn_twice_and_no_leg_draws_anothers() {
        let mut secrets = Secrets::new([7; 32]);
        let mut rings = [(); 2].map(|()| Keyring::new(MediaEncryption::Required, secrets.seed()));
        let [a, b] = &mut rings;
        let drawn = [a.draw(), a.draw(), b.draw(), b.draw()];
        for (at, one) in drawn.iter().enumerate() {
            assert!(!drawn[..at].contains(one), "{at}");
        }
        assert_eq!(Keyring::new(MediaEncryption::Off, [7; 32]).draw(), Encryption::Off);
    }

    #[test]
    fn nothing_is_shown() {
        let mut secrets = Secrets::new([7; 32]);
        let seed = secrets.seed();
        let shown = format!("{secrets:?} {:?}", Keyring::new(MediaEncryption::Optional, seed));
        assert_eq!(shown, "Secrets { .. } Keyring { wanted: Optional, .. }");
    }
}
