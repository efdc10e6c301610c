//! Which ways media may go (RFC 8866 s.6.7).

/// The direction of a stream, as the describing side sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Direction {
    /// It may send.
    pub sends: bool,
    /// It will take what is sent to it.
    pub receives: bool,
}

impl Direction {
    /// `sendrecv`.
    pub const BOTH: Self = Self { sends: true, receives: true };

    /// The attribute of that name, in any case.
    pub(crate) fn of(attribute: &str) -> Option<Self> {
        let (sends, receives) = match attribute.to_ascii_lowercase().as_str() {
            "sendrecv" => (true, true),
            "sendonly" => (true, false),
            "recvonly" => (false, true),
            "inactive" => (false, false),
            _ => return None,
        };
        Some(Self { sends, receives })
    }

    pub(crate) const fn name(self) -> &'static str {
        match (self.sends, self.receives) {
            (true, true) => "sendrecv",
            (true, false) => "sendonly",
            (false, true) => "recvonly",
            (false, false) => "inactive",
        }
    }
}
