//! Methods, statuses and CSeq: the small words of start lines.

use std::fmt;

use super::name::is_token;

/// A request method (RFC 3261 s.7.1 and the RFCs that add to it).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Prack,
    Update,
    Info,
    Refer,
    Notify,
    Subscribe,
    Message,
    Publish,
    /// Any other token.
    Extension(Box<str>),
}

/// The number and method of a CSeq header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CSeq {
    /// 0 to 2^31-1.
    pub number: u32,
    /// The method.
    pub method: Method,
}

impl Method {
    /// The method of that name, whose case counts (RFC 3261 s.7.1); `None` if it is no token or over 64 octets long.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "INVITE" => Self::Invite,
            "ACK" => Self::Ack,
            "BYE" => Self::Bye,
            "CANCEL" => Self::Cancel,
            "OPTIONS" => Self::Options,
            "REGISTER" => Self::Register,
            "PRACK" => Self::Prack,
            "UPDATE" => Self::Update,
            "INFO" => Self::Info,
            "REFER" => Self::Refer,
            "NOTIFY" => Self::Notify,
            "SUBSCRIBE" => Self::Subscribe,
            "MESSAGE" => Self::Message,
            "PUBLISH" => Self::Publish,
            other => {
                if other.len() > MAX_METHOD || !is_token(other) {
                    return None;
                }
                Self::Extension(other.into())
            }
        })
    }

    /// The name as start lines carry it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Prack => "PRACK",
            Self::Update => "UPDATE",
            Self::Info => "INFO",
            Self::Refer => "REFER",
            Self::Notify => "NOTIFY",
            Self::Subscribe => "SUBSCRIBE",
            Self::Message => "MESSAGE",
            Self::Publish => "PUBLISH",
            Self::Extension(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl CSeq {
    /// Reads the value of a CSeq header; `None` if malformed or the number over 2^31-1 (RFC 3261 s.8.1.1.5).
    pub fn parse(text: &str) -> Option<Self> {
        let (number, method) = text.split_once([' ', '\t', '\r', '\n'])?;
        let number = decimal(number).filter(|&number| number < 1 << 31)?;
        let method = Method::parse(method.trim_matches([' ', '\t', '\r', '\n']))?;
        Some(Self { number, method })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// Digits and nothing else.
pub(super) fn decimal(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The longest method that is taken in, in octets.
const MAX_METHOD: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_a_token_and_its_case_counts() {
        assert_eq!(Method::parse("INVITE"), Some(Method::Invite));
        assert_eq!(Method::parse("invite"), Some(Method::Extension("invite".into())));
        assert_eq!(Method::parse("RE%47IST%45R").unwrap().to_string(), "RE%47IST%45R");
        assert_eq!(Method::parse(""), None);
        assert_eq!(Method::parse("A/B"), None);
        assert_eq!(Method::parse(&"X".repeat(65)), None);
    }

    #[test]
    fn a_cseq_number_stays_below_two_to_the_31st() {
        assert_eq!(CSeq::parse("0009\r\n  INVITE"), Some(CSeq { number: 9, method: Method::Invite }));
        assert_eq!(CSeq::parse("2147483647 ACK").map(|cseq| cseq.number), Some(2_147_483_647));
        for refused in
            ["2147483648 ACK", "36893488147419103232 REGISTER", "-1 ACK", "+1 ACK", "1", "ACK", "1 A B", ""]
        {
            assert_eq!(CSeq::parse(refused), None, "{refused}");
        }
    }
}
