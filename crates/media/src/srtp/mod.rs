//! SRTP and SRTCP, in place: RFC 3711 with the key lengths of RFC 6188 and the AEAD suites of RFC 7714.
//!
//! A [`Sealer`] has the key of one side and encrypts the one stream that it sends; an [`Opener`] has the key of the other side. A packet is
//! a slice: sealing makes it up to [`TRAILER`] bytes longer, in room that the caller keeps behind it, and opening makes it shorter. Nothing
//! is allocated for a packet, and nothing is learnt from one before it is authenticated.
//!
//! ```
//! use media::srtp::{MasterKey, Opener, Refused, Sealer, Suite, TRAILER};
//!
//! let key = MasterKey::new(Suite::AesCm128HmacSha1Tag80, &[7; 30])?;
//! let (mut sealer, mut opener) = (Sealer::new(&key, 0x0a0b_0c0d), Opener::new(&key));
//! let rtp = [0x80, 0, 0, 1, 0, 0, 0, 0, 0x0a, 0x0b, 0x0c, 0x0d, b'h', b'i'];
//!
//! let mut buffer = [0; 14 + TRAILER];
//! buffer[..14].copy_from_slice(&rtp);
//! let sealed = sealer.rtp(&mut buffer, 14).expect("the first of its stream");
//! assert_eq!(sealed, 24);
//! let mut again = buffer;
//! let opened = opener.rtp(&mut buffer[..sealed]).expect("by the same key");
//! assert_eq!(buffer[..opened], rtp);
//! assert_eq!(opener.rtp(&mut again[..sealed]), Err(Refused::Replayed));
//! # Ok::<(), media::srtp::KeyLength>(())
//! ```

mod counter;
mod derive;
mod gcm;
mod keys;
mod opener;
mod sealer;
mod session;
mod streams;
#[cfg(test)]
mod vectors;
mod window;

pub use keys::{KeyLength, MasterKey, Mki, MkiLength, Srtp, Suite};
pub(crate) use opener::Kept;
pub use opener::Opener;
pub use sealer::Sealer;

/// The most bytes that sealing adds to a packet: a tag of 16, an index of 4, and the longest MKI.
pub const TRAILER: usize = 16 + 4 + Mki::LONGEST;

/// Why a packet is neither sealed nor opened. It is to be dropped: its bytes may have been overwritten.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refused {
    /// No RTP or RTCP, or too short for its suite; to seal: of another stream than the sealer's.
    Malformed,
    /// Not by this key, or changed on its way.
    Unauthenticated,
    /// Its index was there before, or is too far behind the newest one to tell: 128 packets. To seal, that would encrypt twice by the
    /// same bytes.
    Replayed,
    /// There is no room for the trailer behind it.
    NoRoom,
    /// The key has done its 2^48 packets of RTP, or its 2^31 of RTCP (RFC 3711 s.9.2).
    Exhausted,
}
