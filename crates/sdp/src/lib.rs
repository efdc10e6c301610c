//! Session descriptions: parse, print, and the offer/answer decision (RFC 8866, RFC 3264) for one plain G.711 audio stream.
//!
//! The decision is pure: an offer, what we can do, and where we are, give an [`Agreement`] and the answer's text, or a
//! [`Refusal`] in words. Encrypted media, other codecs and other media types are refused here, never ignored.

mod capabilities;
mod direction;
mod lenient;
mod lines;
mod negotiate;
mod print;
mod session;

pub use capabilities::{Capabilities, Codec, Local};
pub use direction::Direction;
pub use lines::{Lines, offer};
pub use negotiate::{Agreement, Refusal, accept, answer};
pub use session::{Fault, Session};
