//! What holds of all that the endpoint sends, whatever comes in.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::{Message, Method, StatusCode};

/// What was sent, as far as it binds what may be sent after it.
#[derive(Default)]
pub(super) struct Laws {
    /// The final responses to INVITEs that the core above was told of.
    finals: BTreeMap<Opening, Option<Final>>,
    /// Our requests within a dialog.
    dialogs: BTreeMap<Sides, Said>,
    /// Each request of ours by its branch and method.
    requests: BTreeMap<(String, String), Bytes>,
}

/// An INVITE: Call-ID, branch, sent-by, `CSeq`.
type Opening = (String, String, String, u32);

/// Call-ID, our tag, their tag.
type Sides = (String, String, String);

struct Final {
    at: Instant,
    status: StatusCode,
    tag: Option<String>,
}

struct Said {
    cseq: u32,
    from: String,
}

impl Laws {
    /// An INVITE was raised: it is a new one, whatever has been before.
    pub(super) fn invited(&mut self, invite: &Message) {
        self.finals.extend(opening(invite).map(|opening| (opening, None)));
    }

    /// A peer sends; an ACK ends what a final response stands for.
    pub(super) fn hears(&mut self, message: &Message) {
        if *message.method() == Method::Ack {
            let own = message.via().and_then(|via| via.branch()).unwrap_or_default();
            self.finals.retain(|(call_id, branch, ..), _| call_id != message.call_id() && branch != own);
        }
    }

    /// We send.
    pub(super) fn sends(&mut self, now: Instant, message: &Message) {
        if message.is_request() {
            self.requests(message);
        } else if let (Some(opening), Some(status)) = (opening(message), message.status()) {
            self.answers(now, &opening, status, message.to_tag());
        }
    }

    /// An INVITE has one final response at most, and nothing after it but the same again.
    fn answers(&mut self, now: Instant, opening: &Opening, status: StatusCode, tag: Option<&str>) {
        let Some(before) = self.finals.get_mut(opening) else { return };
        match before {
            // Repeated at the end of its life, it begins none anew.
            Some(before) if (status, tag) == (before.status, before.tag.as_deref()) => {}
            Some(before) if now < before.at + LIFE => {
                panic!("{status:?} {tag:?} after {:?} {:?}, the final response", before.status, before.tag);
            }
            Some(_) | None if status.is_provisional() => {}
            Some(_) | None => *before = Some(Final { at: now, status, tag: tag.map(str::to_owned) }),
        }
    }

    /// A request is repeated to the octet; within a dialog its `CSeq` counts up and its From stays.
    fn requests(&mut self, request: &Message) {
        let branch = request.via().and_then(|via| via.branch()).expect("each Via of ours has a branch");
        let known =
            self.requests.insert((branch.to_owned(), request.method().to_string()), request.bytes().clone());
        if let Some(known) = known {
            return assert_eq!(known, request.bytes(), "a branch names one request");
        }
        let Some(theirs) = request.to_tag() else {
            // Tried again, it has other dialogs.
            self.dialogs.retain(|(call_id, ..), _| call_id != request.call_id());
            return;
        };
        if matches!(request.method(), Method::Ack | Method::Cancel) {
            return;
        }
        let sides = (
            request.call_id().to_owned(),
            request.from_tag().unwrap_or_default().to_owned(),
            theirs.to_owned(),
        );
        let cseq = request.cseq().number;
        let from = request.header("From").unwrap_or_default().into_owned();
        if let Some(said) = self.dialogs.insert(sides, Said { cseq, from: from.clone() }) {
            assert!(said.cseq < cseq, "CSeq {cseq} after {}: {request:?}", said.cseq);
            assert_eq!(said.from, from, "From stays");
        }
    }
}

/// `None` for a branch of RFC 2543, which alone does not tell one transaction from another.
fn opening(message: &Message) -> Option<Opening> {
    let fresh = *message.method() == Method::Invite;
    let via = message.via().filter(|_| fresh)?;
    let branch = via.branch().filter(|branch| branch.to_ascii_lowercase().starts_with("z9hg4bk"))?;
    let sent_by = format!("{} {:?}", via.host(), via.port());
    Some((message.call_id().to_owned(), branch.to_owned(), sent_by, message.cseq().number))
}

/// As long as a transaction without its ACK lives, and a little less.
const LIFE: Duration = Duration::from_secs(31);
