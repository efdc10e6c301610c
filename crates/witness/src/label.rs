//! The labels of counters: closed sets, so that no peer adds to them.

use sip::Transport;

/// A method that is counted by its name, or `other`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MethodLabel(usize);

impl MethodLabel {
    pub(crate) const COUNT: usize = METHODS.len();

    /// The label of that method. Its case counts (RFC 3261 s.7.1).
    pub(crate) fn of(method: &[u8]) -> Self {
        Self(METHODS.iter().position(|name| name.as_bytes() == method).unwrap_or(METHODS.len() - 1))
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..METHODS.len()).map(Self)
    }

    pub(crate) const fn index(self) -> usize {
        self.0
    }

    pub(crate) fn word(self) -> &'static str {
        METHODS[self.0]
    }
}

pub(crate) const TRANSPORTS: [Transport; 4] = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws];

pub(crate) const fn transport_index(transport: Transport) -> usize {
    match transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
        Transport::Tls => 2,
        Transport::Ws => 3,
    }
}

/// In the order of their frequency in a call; the last is any other.
const METHODS: [&str; 15] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "PRACK",
    "UPDATE",
    "INFO",
    "REGISTER",
    "REFER",
    "NOTIFY",
    "SUBSCRIBE",
    "MESSAGE",
    "PUBLISH",
    "other",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_is_not_known_is_other() {
        assert_eq!(MethodLabel::of(b"UPDATE").word(), "UPDATE");
        for other in [&b"update"[..], b"\"} 1\n", b"", b"other"] {
            assert_eq!(MethodLabel::of(other).word(), "other");
        }
    }

    #[test]
    fn each_transport_has_its_place() {
        for (index, transport) in TRANSPORTS.into_iter().enumerate() {
            assert_eq!(transport_index(transport), index);
        }
    }
}
