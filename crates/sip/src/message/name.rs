//! The header names that are looked up by number instead of by text, their compact forms (RFC 3261 s.7.3.3) and
//! whether their values are comma lists.

/// Whether a header's value is one thing or a comma list of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    Single,
    List,
}

macro_rules! names {
    ($($name:ident $text:literal $compact:literal $shape:ident,)*) => {
        /// A header name. All that is not in the table is `Other`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(super) enum Name {
            $($name,)*
            Other,
        }

        /// Full names and compact ones.
        const TABLE: &[(&str, &str, Name)] = &[$(($text, $compact, Name::$name),)*];

        impl Name {
            /// The full name in its usual case; empty of `Other`.
            pub(super) const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other => "",
                }
            }

            pub(super) const fn shape(self) -> Shape {
                match self {
                    $(Self::$name => Shape::$shape,)*
                    Self::Other => Shape::Single,
                }
            }
        }
    };
}

names! {
    To "To" "t" Single,
    Via "Via" "v" List,
    From "From" "f" Single,
    Path "Path" "" List,
    CSeq "CSeq" "" Single,
    Allow "Allow" "" List,
    Event "Event" "o" Single,
    Route "Route" "" List,
    Accept "Accept" "" List,
    Reason "Reason" "" List,
    CallId "Call-ID" "i" Single,
    Contact "Contact" "m" List,
    Expires "Expires" "" Single,
    Require "Require" "" List,
    Subject "Subject" "s" Single,
    Warning "Warning" "" List,
    ReferTo "Refer-To" "r" Single,
    Identity "Identity" "y" Single,
    CallInfo "Call-Info" "" List,
    Diversion "Diversion" "" List,
    Supported "Supported" "k" List,
    AlertInfo "Alert-Info" "" List,
    ErrorInfo "Error-Info" "" List,
    ReferredBy "Referred-By" "b" Single,
    InReplyTo "In-Reply-To" "" List,
    Unsupported "Unsupported" "" List,
    RecordRoute "Record-Route" "" List,
    ContentType "Content-Type" "c" Single,
    AllowEvents "Allow-Events" "u" List,
    HistoryInfo "History-Info" "" List,
    MaxForwards "Max-Forwards" "" Single,
    ProxyRequire "Proxy-Require" "" List,
    ServiceRoute "Service-Route" "" List,
    AcceptContact "Accept-Contact" "a" List,
    ContentLength "Content-Length" "l" Single,
    RejectContact "Reject-Contact" "j" List,
    SecurityClient "Security-Client" "" List,
    SecurityServer "Security-Server" "" List,
    SecurityVerify "Security-Verify" "" List,
    UserToUser "User-to-User" "" List,
    AcceptEncoding "Accept-Encoding" "" List,
    AcceptLanguage "Accept-Language" "" List,
    SessionExpires "Session-Expires" "x" Single,
    ContentEncoding "Content-Encoding" "e" List,
    ContentLanguage "Content-Language" "" List,
    RequestDisposition "Request-Disposition" "d" List,
    RemotePartyId "Remote-Party-ID" "" List,
    PAssertedIdentity "P-Asserted-Identity" "" List,
    PPreferredIdentity "P-Preferred-Identity" "" List,
}

impl Name {
    /// The name of that text, full or compact, in any case.
    pub(super) fn of(text: &str) -> Self {
        let octets = text.as_bytes();
        let (Some(first), Some(last)) = (octets.first(), octets.last()) else { return Self::Other };
        let mut slot = slot(octets.len(), *first, *last);
        while let Some((own, name)) = SLOTS[slot] {
            if own == text || own.eq_ignore_ascii_case(text) {
                return name;
            }
            slot = (slot + 1) % SLOTS.len();
        }
        Self::Other
    }
}

/// Whether a header routes, frames, authenticates or names the message that it stands in, or says what its sender can do: such a
/// one is the endpoint's to set.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed says something of the call only")]
pub(crate) fn is_structural(text: &str) -> bool {
    match Name::of(text) {
        Name::To
        | Name::Via
        | Name::From
        | Name::Path
        | Name::CSeq
        | Name::Allow
        | Name::Event
        | Name::Route
        | Name::Accept
        | Name::CallId
        | Name::Contact
        | Name::Expires
        | Name::Require
        | Name::ReferTo
        | Name::Identity
        | Name::Supported
        | Name::ReferredBy
        | Name::Unsupported
        | Name::RecordRoute
        | Name::ContentType
        | Name::AllowEvents
        | Name::MaxForwards
        | Name::ProxyRequire
        | Name::ServiceRoute
        | Name::ContentLength
        | Name::SecurityClient
        | Name::SecurityServer
        | Name::SecurityVerify
        | Name::AcceptEncoding
        | Name::SessionExpires
        | Name::ContentEncoding => true,
        Name::Other => STRUCTURAL.iter().any(|name| name.eq_ignore_ascii_case(text)),
        _ => false,
    }
}

/// The same of those that have no number.
const STRUCTURAL: [&str; 21] = [
    "Authorization",
    "Authentication-Info",
    "Content-Disposition",
    "Flow-Timer",
    "Join",
    "MIME-Version",
    "Min-Expires",
    "Min-SE",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "RAck",
    "Recv-Info",
    "Replaces",
    "Retry-After",
    "RSeq",
    "Server",
    "Target-Dialog",
    "Timestamp",
    "User-Agent",
    "WWW-Authenticate",
    "Info-Package",
];

/// RFC 3261 s.25.1.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_octet)
}

pub(super) fn is_token_octet(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

const TOKEN: [bool; 256] = {
    let mut token = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        token[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        byte += 1;
    }
    token
};

/// Where the search for a name starts; its case does not matter.
const fn slot(length: usize, first: u8, last: u8) -> usize {
    (length * 5 + (first | 0x20) as usize * 3 + (last | 0x20) as usize * 7) % 256
}

/// The names, full and compact, each at its slot or at the next free one. Three of four are free.
const SLOTS: [Option<(&str, Name)>; 256] = {
    let mut slots = [None; 256];
    let mut row = 0;
    while row < TABLE.len() {
        let (text, compact, name) = TABLE[row];
        insert(&mut slots, text, name);
        if !compact.is_empty() {
            insert(&mut slots, compact, name);
        }
        row += 1;
    }
    slots
};

const fn insert(slots: &mut [Option<(&'static str, Name)>; 256], text: &'static str, name: Name) {
    let octets = text.as_bytes();
    let mut at = slot(octets.len(), octets[0], octets[octets.len() - 1]);
    while slots[at].is_some() {
        at = (at + 1) % slots.len();
    }
    slots[at] = Some((text, name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_full_and_compact_in_any_case() {
        for &(text, compact, name) in TABLE {
            assert_eq!(Name::of(text), name, "{text}");
            assert_eq!(Name::of(&text.to_uppercase()), name, "{text}");
            if !compact.is_empty() {
                assert_eq!(Name::of(compact), name, "{compact}");
                assert_eq!(Name::of(&compact.to_uppercase()), name, "{compact}");
            }
        }
    }

    #[test]
    fn other_names_are_other() {
        for text in ["", "Date", "X-Trunk", "z", "To ", "C%6Fntact", "P-Preferred-Identity-And-More"] {
            assert_eq!(Name::of(text), Name::Other, "{text}");
        }
    }
}
