//! What the core is held to (invariants 4 and 5 of the architecture): kept while the world runs, judged at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use b2bua::CallRecord;
use b2bua::io::CallKey;
use media::MediaKey;
use media::command::Command;
use phone::Glance;

/// An INVITE that the core received: Call-ID, branch, `CSeq` number.
type InviteId = (String, String, u32);

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// INVITEs received, by whether they came from a stranger, and the final statuses that the core sent.
    invites: BTreeMap<InviteId, Answered>,
    /// The Call-IDs of INVITEs outside of any dialog.
    calls: BTreeMap<String, Caller>,
    records: BTreeMap<CallKey, Vec<CallRecord>>,
    bound: BTreeMap<MediaKey, u16>,
    wrong: Vec<String>,
}

#[derive(Debug, Default)]
struct Answered {
    finals: BTreeSet<u16>,
}

/// Whether an answer is owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Caller {
    /// It has to get a final response, and its call a record.
    Known,
    /// It may be met with silence.
    Stranger,
}

impl Ledger {
    pub(crate) fn received(&mut self, glance: &Glance, caller: Caller) {
        if glance.method != "INVITE" || glance.status.is_some() {
            return;
        }
        self.invites.entry(id(glance)).or_default();
        if !glance.in_dialog {
            self.calls.entry(glance.call_id.clone()).or_insert(caller);
        }
    }

    pub(crate) fn sent(&mut self, glance: &Glance) {
        let Some(status) = glance.status.filter(|status| glance.method == "INVITE" && *status >= 200) else {
            return;
        };
        match self.invites.get_mut(&id(glance)) {
            Some(answered) => {
                answered.finals.insert(status);
            }
            None => {
                self.wrong.push(format!("{status} answers an INVITE that did not come: {}", glance.call_id));
            }
        }
    }

    pub(crate) fn recorded(&mut self, key: CallKey, record: CallRecord) {
        self.records.entry(key).or_default().push(record);
    }

    pub(crate) fn media(&mut self, command: &Command) {
        match command {
            Command::Bind { media, port, .. } => {
                if self.bound.values().any(|bound| bound == port) {
                    self.wrong.push(format!("port {port} is bound twice"));
                }
                self.bound.insert(*media, *port);
            }
            Command::Release { media } => {
                if self.bound.remove(media).is_none() {
                    self.wrong.push(format!("{media:?} is released and was not bound"));
                }
            }
            Command::Describe { media, .. }
            | Command::Echo { media }
            | Command::Tap { media }
            | Command::Dial { media, .. }
            | Command::Hear { media, .. } => self.must_be_bound(*media),
            Command::Relay { a, b } => {
                self.must_be_bound(*a);
                self.must_be_bound(*b);
            }
        }
    }

    /// The core has heard that the bind failed: there is nothing to release.
    pub(crate) fn unbound(&mut self, media: MediaKey) {
        self.bound.remove(&media);
    }

    fn must_be_bound(&mut self, media: MediaKey) {
        if !self.bound.contains_key(&media) {
            self.wrong.push(format!("{media:?} is spoken of and is not bound"));
        }
    }

    pub(crate) fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// The finished records, in the order of their calls.
    pub(crate) fn finished(&self) -> Vec<&CallRecord> {
        self.records.values().flatten().filter(|record| record.status.is_some()).collect()
    }

    /// The calls that have not exactly one finished record.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (key, records) in &self.records {
            let finished = records.iter().filter(|record| record.status.is_some()).count();
            let ids: BTreeSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
            if finished != 1 || ids.len() != 1 {
                wrong.push(format!("{key:?} has {finished} finished records and the record ids {ids:?}"));
            }
        }
        wrong
    }

    /// All that is wrong at the end.
    pub(crate) fn judge(&self) -> Vec<String> {
        let mut wrong = self.wrong.clone();
        for ((call_id, _, number), answered) in &self.invites {
            let owed = self.calls.get(call_id) == Some(&Caller::Known);
            if answered.finals.len() > 1 || (owed && answered.finals.is_empty()) {
                let finals = &answered.finals;
                wrong.push(format!("INVITE {number} of {call_id} has the final responses {finals:?}"));
            }
        }
        wrong.extend(self.unfinished());
        for (call_id, caller) in &self.calls {
            let records = self.finished().iter().filter(|record| record.sip_call_id_a == *call_id).count();
            if records > 1 || (*caller == Caller::Known && records == 0) {
                wrong.push(format!("the call {call_id} has {records} finished records"));
            }
        }
        wrong.extend(
            self.bound.iter().map(|(media, port)| format!("{media:?} is still bound to port {port}")),
        );
        wrong
    }
}

fn id(glance: &Glance) -> InviteId {
    (glance.call_id.clone(), glance.branch.clone(), glance.cseq)
}

/// Invariants that the core broke, with all that is needed to see it again.
pub struct Broken {
    /// Each in words.
    pub wrong: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// What was sent.
    pub ladder: String,
}

/// Readable as it stands: tests unwrap it.
impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nSTROWGER_SEED={}", self.seed)?;
        for wrong in &self.wrong {
            writeln!(f, "  * {wrong}")?;
        }
        write!(f, "{}", self.ladder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scenes, stage};

    fn glance(status: Option<u16>) -> Glance {
        Glance {
            method: "INVITE".into(),
            status,
            call_id: "abc".into(),
            branch: "z9hG4bK1".into(),
            cseq: 1,
            in_dialog: false,
            body: false,
        }
    }

    fn record() -> CallRecord {
        let world = stage::play(scenes::session);
        CallRecord { sip_call_id_a: "abc".into(), ..world.records()[0].clone() }
    }

    /// A call as it should be.
    fn sound() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.received(&glance(None), Caller::Known);
        ledger.sent(&glance(Some(200)));
        ledger.sent(&glance(Some(200)));
        ledger.recorded(CallKey(1), CallRecord { status: None, ..record() });
        ledger.recorded(CallKey(1), record());
        let (media, address) = (MediaKey(1), std::net::Ipv4Addr::LOCALHOST.into());
        ledger.media(&Command::Bind { media, address, port: 10_000 });
        ledger.media(&Command::Release { media });
        assert_eq!(ledger.judge(), Vec::<String>::new());
        ledger
    }

    fn assert_wrong(ledger: &Ledger, what: &str) {
        let wrong = ledger.judge();
        assert!(wrong.iter().any(|it| it.contains(what)), "{wrong:?}");
    }

    #[test]
    fn two_final_responses_are_wrong() {
        let mut ledger = sound();
        ledger.sent(&glance(Some(486)));
        assert_wrong(&ledger, "has the final responses {200, 486}");
    }

    #[test]
    fn an_invite_without_a_final_response_is_wrong_unless_a_strangers() {
        for (caller, silent_is_wrong) in [(Caller::Known, true), (Caller::Stranger, false)] {
            let mut ledger = Ledger::default();
            ledger.received(&glance(None), caller);
            ledger.recorded(CallKey(1), record());
            assert_eq!(ledger.judge().is_empty(), !silent_is_wrong);
        }
    }

    #[test]
    fn a_response_to_nothing_is_wrong() {
        let mut ledger = sound();
        ledger.sent(&Glance { branch: "z9hG4bK2".into(), ..glance(Some(200)) });
        assert_wrong(&ledger, "answers an INVITE that did not come");
    }

    #[test]
    fn no_record_and_two_records_are_wrong() {
        let mut ledger = sound();
        ledger.recorded(CallKey(1), record());
        assert_wrong(&ledger, "has 2 finished records");
        let mut ledger = sound();
        ledger.recorded(CallKey(2), record());
        assert_wrong(&ledger, "the call abc has 2 finished records");
        ledger.records.clear();
        assert_wrong(&ledger, "the call abc has 0 finished records");
    }

    #[test]
    fn ports_that_stay_bound_and_ports_that_never_were_are_wrong() {
        let mut ledger = sound();
        let (media, address) = (MediaKey(2), std::net::Ipv4Addr::LOCALHOST.into());
        ledger.media(&Command::Tap { media });
        assert_wrong(&ledger, "is not bound");
        ledger.media(&Command::Bind { media, address, port: 10_000 });
        assert_wrong(&ledger, "still bound");
        ledger.media(&Command::Bind { media: MediaKey(3), address, port: 10_000 });
        assert_wrong(&ledger, "bound twice");
    }
}
