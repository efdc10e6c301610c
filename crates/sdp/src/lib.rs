//! Session descriptions: parse, print, and the offer/answer decision (RFC 8866, RFC 3264) for one G.711 audio stream, plain or encrypted
//! by the keys that descriptions carry (RFC 4568).
//!
//! The decision is pure: an offer, what we can do, and where we are, give an [`Agreement`] and the answer's text, or a
//! [`Refusal`] in words. Keys of ours are the caller's to draw. Encryption that is keyed otherwise, other codecs and other media types are refused here, never ignored.

mod capabilities;
mod crypto;
mod direction;
mod lenient;
mod lines;
mod negotiate;
mod print;
mod profile;
mod session;

pub use capabilities::{Capabilities, Codec, Local};
pub use crypto::{Encryption, Key, Keys, Mki, Srtp, Suite};
pub use direction::Direction;
pub use lines::{Lines, offer};
pub use negotiate::{Agreement, Refusal, accept, answer};
pub use profile::Profile;
pub use session::{Fault, Session};
