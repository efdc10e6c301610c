//! How a message finds its transaction (RFC 3261 s.17.1.3 and s.17.2.3), and how a merged request is known (s.8.2.2.2).

use crate::message::{Message, Method};
use crate::via::Via;

/// Identifies a server transaction by what its requests have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum ServerKey {
    /// The branch is one of RFC 3261: unique for its sender.
    Branch { branch: Box<str>, sent_by: Box<str>, method: Method },
    /// RFC 2543 had no such branches. The To tag is left out of the comparison: an ACK has one that its INVITE lacks, and the
    /// `CSeq` number tells the requests of a dialog apart.
    Fields(Box<Fields>),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Fields {
    request_uri: String,
    from_tag: Option<String>,
    call_id: String,
    cseq: u32,
    via: String,
    method: Method,
}

impl ServerKey {
    /// The key of the transaction that `request` belongs to or starts; for an ACK that of the INVITE.
    pub(crate) fn of(request: &Message) -> Self {
        let method = if *request.method() == Method::Ack { Method::Invite } else { request.method().clone() };
        Self::with(request, method)
    }

    /// The key of the INVITE that a CANCEL is about.
    pub(crate) fn cancelled_by(cancel: &Message) -> Self {
        Self::with(cancel, Method::Invite)
    }

    fn with(request: &Message, method: Method) -> Self {
        let via = request.via();
        let branch = via.as_ref().and_then(Via::branch).filter(|branch| is_rfc3261(branch));
        match (branch, via) {
            (Some(branch), Some(via)) => Self::Branch {
                // The cookie's case is free, and that of a token too (s.7.3.1).
                branch: branch.to_ascii_lowercase().into(),
                sent_by: format!("{}:{}", via.host().to_ascii_lowercase(), via.port().unwrap_or(0)).into(),
                method,
            },
            (None, _) | (_, None) => Self::Fields(Box::new(Fields {
                request_uri: request.request_uri().unwrap_or_default().to_owned(),
                from_tag: request.from_tag().map(str::to_owned),
                call_id: request.call_id().to_owned(),
                cseq: request.cseq().number,
                via: request.header("Via").unwrap_or_default().into_owned(),
                method,
            })),
        }
    }
}

/// What all copies of one request have in common when a proxy has forked it to us twice.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct MergeKey {
    call_id: Box<str>,
    from_tag: Box<str>,
    cseq: u32,
    method: Method,
}

impl MergeKey {
    /// `None` for a request within a dialog, and for one without From tag.
    pub(crate) fn of(request: &Message) -> Option<Self> {
        if request.to_tag().is_some() {
            return None;
        }
        Some(Self {
            call_id: request.call_id().into(),
            from_tag: request.from_tag()?.into(),
            cseq: request.cseq().number,
            method: request.method().clone(),
        })
    }
}

/// Identifies a client transaction: the branch is ours; a CANCEL shares it with its INVITE.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ClientKey {
    pub(crate) branch: Box<str>,
    pub(crate) method: Method,
}

impl ClientKey {
    /// The key of the transaction that a response answers. `None` without a branch: it answers nothing of ours.
    pub(crate) fn of(response: &Message) -> Option<Self> {
        let branch = response.via()?.branch()?.into();
        Some(Self { branch, method: response.method().clone() })
    }
}

/// Whether a branch has the magic cookie, and something after it (RFC 4475 s.3.1.2.4: the cookie alone is no identifier).
fn is_rfc3261(branch: &str) -> bool {
    branch.len() > COOKIE.len()
        && branch.get(..COOKIE.len()).is_some_and(|start| start.eq_ignore_ascii_case(COOKIE))
}

/// What branches start with (s.8.1.1.7).
pub(crate) const COOKIE: &str = "z9hG4bK";

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn request(method: &str, via: &str, to: &str) -> Message {
        let text = format!(
            "{method} sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP {via}\r\nFrom: <sip:a@example.com>;tag=1\r\n\
             To: <sip:b@example.com>{to}\r\nCall-ID: c1\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        Message::parse(Bytes::from(text)).unwrap()
    }

    #[test]
    fn branch_and_sent_by_tell_transactions_apart() {
        let key = |via| ServerKey::of(&request("OPTIONS", via, ""));
        assert_eq!(key("h;branch=z9hG4bKa"), key("H;rport;branch=z9hG4bKa"));
        assert_ne!(key("h;branch=z9hG4bKa"), key("h;branch=z9hG4bKb"));
        assert_ne!(key("h;branch=z9hG4bKa"), key("h:5061;branch=z9hG4bKa"));
        assert_ne!(key("h;branch=z9hG4bKa"), key("i;branch=z9hG4bKa"));
    }

    #[test]
    fn an_ack_finds_its_invite_and_a_cancel_the_one_it_cancels() {
        for via in ["h;branch=z9hG4bKa", "h;branch=1", "h", "h;branch=z9hG4bK"] {
            let invite = ServerKey::of(&request("INVITE", via, ""));
            assert_eq!(invite, ServerKey::of(&request("ACK", via, ";tag=2")), "{via}");
            let cancel = request("CANCEL", via, "");
            assert_eq!(invite, ServerKey::cancelled_by(&cancel), "{via}");
            assert_ne!(invite, ServerKey::of(&cancel), "{via}");
        }
    }

    #[test]
    fn without_an_rfc3261_branch_the_whole_via_counts() {
        let key = |via| ServerKey::of(&request("OPTIONS", via, ""));
        assert_ne!(key("h;branch=1"), key("h;branch=2"));
        assert_ne!(key("h"), key("i"));
        assert_eq!(key("h;branch=1"), key("h;branch=1"));
    }

    #[test]
    fn copies_of_a_request_by_two_paths_share_their_merge_key() {
        let one = request("INVITE", "h;branch=z9hG4bKa", "");
        let other = request("INVITE", "i;branch=z9hG4bKb", "");
        assert_eq!(MergeKey::of(&one), MergeKey::of(&other));
        assert_eq!(MergeKey::of(&request("INVITE", "h", ";tag=2")), None);
    }
}
