//! One message on its way past.

use std::fmt;

use bytes::Bytes;
use sip::Flow;

/// Which way a message goes, as seen from us.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Direction {
    /// From the peer.
    In,
    /// To the peer.
    Out,
}

/// A message as it passed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passage {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub at_us: u64,
    /// Which way.
    pub direction: Direction,
    /// The transport and both addresses.
    pub flow: Flow,
    /// The message.
    pub bytes: Bytes,
    /// Of an INVITE to an agent: the Call-ID of the leg of the caller, where that is known.
    pub caller: Option<Box<str>>,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::In, Self::Out];

    /// `in` or `out`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
