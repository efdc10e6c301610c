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

        /// In order of length, so that a look-up reads the names of its length only.
        const TABLE: &[(&str, u8, Name)] = &[$(($text, $compact, Name::$name),)*];

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
    To "To" b't' Single,
    Via "Via" b'v' List,
    From "From" b'f' Single,
    Path "Path" b' ' List,
    CSeq "CSeq" b' ' Single,
    Allow "Allow" b' ' List,
    Event "Event" b'o' Single,
    Route "Route" b' ' List,
    Accept "Accept" b' ' List,
    Reason "Reason" b' ' List,
    CallId "Call-ID" b'i' Single,
    Contact "Contact" b'm' List,
    Expires "Expires" b' ' Single,
    Require "Require" b' ' List,
    Subject "Subject" b's' Single,
    Warning "Warning" b' ' List,
    ReferTo "Refer-To" b'r' Single,
    Identity "Identity" b'y' Single,
    CallInfo "Call-Info" b' ' List,
    Diversion "Diversion" b' ' List,
    Supported "Supported" b'k' List,
    AlertInfo "Alert-Info" b' ' List,
    ErrorInfo "Error-Info" b' ' List,
    ReferredBy "Referred-By" b'b' Single,
    InReplyTo "In-Reply-To" b' ' List,
    Unsupported "Unsupported" b' ' List,
    RecordRoute "Record-Route" b' ' List,
    ContentType "Content-Type" b'c' Single,
    AllowEvents "Allow-Events" b'u' List,
    HistoryInfo "History-Info" b' ' List,
    MaxForwards "Max-Forwards" b' ' Single,
    ProxyRequire "Proxy-Require" b' ' List,
    ServiceRoute "Service-Route" b' ' List,
    AcceptContact "Accept-Contact" b'a' List,
    ContentLength "Content-Length" b'l' Single,
    RejectContact "Reject-Contact" b'j' List,
    SecurityClient "Security-Client" b' ' List,
    SecurityServer "Security-Server" b' ' List,
    SecurityVerify "Security-Verify" b' ' List,
    AcceptEncoding "Accept-Encoding" b' ' List,
    AcceptLanguage "Accept-Language" b' ' List,
    SessionExpires "Session-Expires" b'x' Single,
    ContentEncoding "Content-Encoding" b'e' List,
    ContentLanguage "Content-Language" b' ' List,
    RequestDisposition "Request-Disposition" b'd' List,
    PAssertedIdentity "P-Asserted-Identity" b' ' List,
    PPreferredIdentity "P-Preferred-Identity" b' ' List,
}

impl Name {
    /// The name of that text, full or compact, in any case.
    pub(super) fn of(text: &str) -> Self {
        if let &[letter] = text.as_bytes() {
            let letter = letter.to_ascii_lowercase();
            return COMPACT.get(usize::from(letter.wrapping_sub(b'a'))).copied().unwrap_or(Self::Other);
        }
        let Some(range) = STARTS.get(text.len()..).and_then(|starts| starts.first_chunk::<2>()) else {
            return Self::Other;
        };
        let candidates = TABLE.get(usize::from(range[0])..usize::from(range[1])).unwrap_or_default();
        let same = |own: &str| own == text || own.eq_ignore_ascii_case(text);
        candidates.iter().find(|(own, ..)| same(own)).map_or(Self::Other, |&(.., name)| name)
    }
}

/// RFC 3261 s.25.1.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_octet)
}

pub(super) fn is_token_octet(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

const TOKEN: [bool; 256] = {
    let mut token = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let octet = byte as u8;
        token[byte] = octet.is_ascii_alphanumeric()
            || matches!(octet, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        byte += 1;
    }
    token
};

/// One more than the longest name, and one for the end of its range.
const LENGTHS: usize = 22;

/// Where the names of each length start in the table.
#[expect(clippy::cast_possible_truncation, reason = "the table has fewer than 256 rows")]
const STARTS: [u8; LENGTHS] = {
    let mut starts = [0; LENGTHS];
    let mut length = 0;
    while length < LENGTHS {
        let mut row = 0;
        while row < TABLE.len() && TABLE[row].0.len() < length {
            row += 1;
        }
        starts[length] = row as u8;
        length += 1;
    }
    starts
};

/// The names of the letters `a` to `z`.
const COMPACT: [Name; 26] = {
    let mut compact = [Name::Other; 26];
    let mut row = 0;
    while row < TABLE.len() {
        let (_, letter, name) = TABLE[row];
        if letter != b' ' {
            compact[(letter - b'a') as usize] = name;
        }
        row += 1;
    }
    compact
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_full_and_compact_in_any_case() {
        for &(text, compact, name) in TABLE {
            assert_eq!(Name::of(text), name, "{text}");
            assert_eq!(Name::of(&text.to_uppercase()), name, "{text}");
            if compact != b' ' {
                let letter = char::from(compact).to_string();
                assert_eq!(Name::of(&letter), name, "{letter}");
                assert_eq!(Name::of(&letter.to_uppercase()), name, "{letter}");
            }
        }
    }

    #[test]
    fn the_table_is_in_order_of_length() {
        assert!(TABLE.is_sorted_by_key(|(text, ..)| text.len()));
        assert!(TABLE.last().is_some_and(|(text, ..)| text.len() + 2 == LENGTHS));
    }

    #[test]
    fn other_names_are_other() {
        for text in ["", "Date", "X-Trunk", "z", "To ", "C%6Fntact", "P-Preferred-Identity-And-More"] {
            assert_eq!(Name::of(text), Name::Other, "{text}");
        }
    }
}
