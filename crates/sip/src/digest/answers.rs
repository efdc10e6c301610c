//! How often a request has been sent again with credentials, and for whom.

use super::challenge::{Asker, Challenge, Verdict};
use super::keyring::Denial;

/// The challenges that a request and those before it in its place have answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    rounds: u8,
    given: Vec<Given>,
}

#[derive(Clone, Debug)]
struct Given {
    asker: Asker,
    realm: String,
    nonce: String,
    times: Times,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Times {
    Once,
    /// The first nonce was stale.
    Twice,
}

impl Answers {
    /// Takes note that these are answered.
    ///
    /// # Errors
    /// Why they must not be.
    pub(super) fn note(&mut self, challenges: &[Challenge]) -> Result<(), Denial> {
        if self.rounds >= MAX_ROUNDS {
            return Err(Denial::Endless);
        }
        self.rounds += 1;
        for challenge in challenges {
            let before = self
                .given
                .iter_mut()
                .find(|given| given.asker == challenge.asker && given.realm == challenge.realm);
            match before {
                None => self.given.push(Given {
                    asker: challenge.asker,
                    realm: challenge.realm.clone(),
                    nonce: challenge.nonce.clone(),
                    times: Times::Once,
                }),
                Some(given) => {
                    let fresh = challenge.verdict == Verdict::Stale && given.nonce != challenge.nonce;
                    if !fresh || given.times == Times::Twice {
                        return Err(Denial::Wrong);
                    }
                    given.times = Times::Twice;
                }
            }
        }
        Ok(())
    }
}

/// How often one request is sent again for challenges: no way has more hops that ask one after another.
const MAX_ROUNDS: u8 = 5;
