//! The calls that carry the packets: who sets them up, and where the system under test takes the packets of each leg.

use std::io;
use std::net::SocketAddrV4;

use crate::seal::Keys;

/// The caller's side of all calls, and the called one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Caller,
    Callee,
}

/// Where the sides of the generator are: the same for all calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ends<T> {
    pub(crate) caller: T,
    pub(crate) callee: T,
}

/// One leg of a call that is up, as the system under test has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Leg {
    /// Where it receives.
    pub(crate) rtp: SocketAddrV4,
    /// `None` if its packets are not encrypted.
    pub(crate) keys: Option<Keys>,
}

impl<T> Ends<T> {
    pub(crate) fn of(&self, side: Side) -> &T {
        match side {
            Side::Caller => &self.caller,
            Side::Callee => &self.callee,
        }
    }

    pub(crate) fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Caller => &mut self.caller,
            Side::Callee => &mut self.callee,
        }
    }
}

/// Why there are no calls to measure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The system refused a socket or a datagram.
    #[error("{doing}: {error}")]
    Socket {
        /// What for.
        doing: &'static str,
        /// The system's word.
        error: io::Error,
    },
    /// A call did not come up.
    #[error("{up} of {wanted} calls came up: {said}")]
    Setup {
        /// How many did.
        up: usize,
        /// How many should have.
        wanted: usize,
        /// What was heard of the first that did not.
        said: String,
    },
    /// The system under test said what was not understood.
    #[error("the system under test said: {0}")]
    Strange(String),
}

impl Trouble {
    pub(crate) fn socket(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Socket { doing, error }
    }
}
