//! SRTP and SRTCP, in place: RFC 3711 with the key lengths of RFC 6188 and the AEAD suites of RFC 7714.

mod keys;

pub use keys::{KeyLength, MasterKey, Mki, MkiLength, Srtp, Suite};
