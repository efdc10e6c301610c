//! Digest authentication (RFC 3261 s.22, RFC 7616, RFC 8760), both sides: [`Gate`] challenges and checks, [`Credentials`] answer.
//!
//! SHA-256 and MD5, with `qop` of `auth` and `auth-int`, and without one as RFC 2069 had it. Another algorithm, `-sess` too, is passed
//! over. A quoted value counts by what it says, its escapes undone, in what is compared and in what is hashed.

mod algorithm;
mod answers;
mod challenge;
mod credentials;
mod fields;
mod gate;
mod guesses;
mod ha1;
mod keyring;
mod nonce;
mod proof;
mod seen;
mod target;

#[cfg(test)]
mod tests;

pub use self::algorithm::{Algorithm, Offer};
pub use self::credentials::Credentials;
pub use self::gate::{Authenticated, Gate, Rejected, Stale};
pub use self::ha1::Ha1;
pub use self::keyring::Denial;

pub(crate) use self::answers::Answers;
pub(crate) use self::keyring::{Keyring, Subject};
