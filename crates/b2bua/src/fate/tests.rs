use super::*;

/// The fate that comes after this one, in the order of the list.
fn next(fate: &Fate) -> Option<Fate> {
    Some(match fate {
        Fate::Refused(_) => Fate::Denied(Refusal::TrunkFailed, "no gateway".to_owned(), None),
        Fate::Denied(..) => Fate::Misplaced("no parameters".to_owned()),
        Fate::Misplaced(_) => Fate::Disagreed(sdp::Refusal::NoAudio),
        Fate::Disagreed(_) => Fate::Unfit(483, "too many hops".to_owned()),
        Fate::Unfit(..) => Fate::Ignored,
        Fate::Ignored => Fate::BadRequest("no v= line".to_owned()),
        Fate::BadRequest(_) => Fate::UnsupportedBody,
        Fate::UnsupportedBody => Fate::Cancelled(Vec::new()),
        Fate::Cancelled(_) => Fate::AgentBusy(Vec::new()),
        Fate::AgentBusy(_) => Fate::AgentDeclined(Vec::new()),
        Fate::AgentDeclined(_) => Fate::AgentRefused(500, Vec::new()),
        Fate::AgentRefused(..) => Fate::CalleeRefused(302, Vec::new()),
        Fate::CalleeRefused(302, _) => Fate::CalleeRefused(404, Vec::new()),
        Fate::CalleeRefused(404, _) => Fate::CalleeRefused(407, Vec::new()),
        Fate::CalleeRefused(407, _) => Fate::CalleeRefused(480, Vec::new()),
        Fate::CalleeRefused(480, _) => Fate::CalleeRefused(603, Vec::new()),
        Fate::CalleeRefused(..) => Fate::NoAnswer,
        Fate::NoAnswer => Fate::HungUp(Party::Caller, Vec::new()),
        Fate::HungUp(Party::Caller, _) => Fate::HungUp(Party::Agent, Vec::new()),
        Fate::HungUp(Party::Agent, _) => Fate::HungUp(Party::Callee, Vec::new()),
        Fate::HungUp(Party::Callee, _) => Fate::PeerGone(Party::Caller),
        Fate::PeerGone(Party::Caller) => Fate::PeerGone(Party::Agent),
        Fate::PeerGone(Party::Agent) => Fate::PeerGone(Party::Callee),
        Fate::PeerGone(Party::Callee) => Fate::StreamClosed,
        Fate::StreamClosed => Fate::StreamBroken,
        Fate::StreamBroken => Fate::AckMissing(Party::Caller, String::new()),
        Fate::AckMissing(Party::Caller, _) => Fate::AckMissing(Party::Agent, String::new()),
        Fate::AckMissing(Party::Agent, _) => Fate::AckMissing(Party::Callee, String::new()),
        Fate::AckMissing(Party::Callee, _) => Fate::PrackMissing,
        Fate::PrackMissing => Fate::SessionExpired(Party::Caller),
        Fate::SessionExpired(Party::Caller) => Fate::SessionExpired(Party::Agent),
        Fate::SessionExpired(Party::Agent) => Fate::SessionExpired(Party::Callee),
        Fate::SessionExpired(Party::Callee) => {
            Fate::AnswerUnusable(Refusal::NoCommonCodec, "there is none".to_owned())
        }
        Fate::AnswerUnusable(..) => Fate::MediaSilent(Party::Caller),
        Fate::MediaSilent(Party::Caller) => Fate::MediaSilent(Party::Agent),
        Fate::MediaSilent(Party::Agent) => Fate::MediaSilent(Party::Callee),
        Fate::MediaSilent(Party::Callee) => Fate::MediaFailed,
        Fate::MediaFailed => Fate::MaxDuration,
        Fate::MaxDuration => Fate::Hangup,
        Fate::Hangup => Fate::Shutdown,
        Fate::Shutdown => return None,
    })
}

/// The two tables lend each other words, so a fate that neither has of its own would never come to an end.
#[test]
fn every_end_has_words_in_both_phases() {
    let fates: Vec<Fate> = std::iter::successors(Some(Fate::Refused(Refusal::DidUnknown)), next).collect();
    assert_eq!(fates.len(), 41);
    for fate in fates {
        let unanswered = fate.words(Phase::Unanswered);
        let answer = unanswered.sip_status.unwrap_or_default();
        if fate == Fate::Ignored {
            assert_eq!(answer, 0);
        } else {
            assert!((400..700).contains(&answer), "{fate:?}");
        }
        assert_ne!(unanswered.status, CallStatus::Completed, "{fate:?}");
        let answered = fate.words(Phase::Answered);
        assert_eq!((answered.sip_status, answered.retry_after), (None, None), "{fate:?}");
        assert!(
            matches!(answered.status, CallStatus::Completed | CallStatus::Failed),
            "an answered call is not refused, busy or canceled: {fate:?}"
        );
        for words in [unanswered, answered] {
            assert!(!words.reason.is_empty() && !words.text.is_empty(), "{fate:?}");
            assert!((1..=127).contains(&words.q850), "{fate:?}");
        }
    }
}
