//! The one place that speaks of a finished call.

mod words;

use media::command::Counters;
use serde::{Deserialize, Serialize};

use crate::fate::{Fate, Party, Phase, Side};
use crate::negotiate::Exchange;

pub use self::words::Word;

/// Direction of a call, as the trunk sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CallDirection {
    /// To an agent.
    Inbound,
    /// To the telephone network, by a trunk.
    Outbound,
}

/// The fate of a call (the words of the Twilio call resource, and `refused`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is its own word")]
pub enum CallStatus {
    Completed,
    Busy,
    NoAnswer,
    Canceled,
    Failed,
    Refused,
}

/// How the agent was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AgentSource {
    /// The number names it.
    Assigned,
    /// The number names none: the settings' default.
    Default,
    /// Who asked for the call names it.
    Named,
}

/// Who ended the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is its own word")]
pub enum EndedBy {
    Caller,
    Agent,
    Callee,
    Carrier,
    Policy,
    System,
}

/// What one leg's audio was like: as we received it, and as the far side says by RTCP that it received ours. Of a call that is up, so far.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Quality {
    /// Packets received from that side.
    pub packets: u64,
    /// Missing by sequence number.
    pub lost: u64,
    /// The mean, in milliseconds.
    pub jitter_ms: f64,
    /// Its highest estimate, in milliseconds.
    pub jitter_max_ms: f64,
    /// The mean opinion score by the E-model, 1 to 4.5; none where nothing came.
    pub mos: Option<f64>,
    /// To that side and back, in milliseconds: the mean; none where its reports do not tell.
    pub rtt_ms: Option<f64>,
    /// Packets sent to that side.
    pub sent: u64,
    /// Those of them that it says it missed; none where it says nothing, as with the next two.
    pub far_lost: Option<u64>,
    /// The jitter that it says it found, in milliseconds.
    pub far_jitter_ms: Option<f64>,
    /// The score of what it received.
    pub far_mos: Option<f64>,
    /// Dropped: packets from another source than that side's.
    pub foreign: u64,
    /// Dropped: packets that are not by that side's SRTP key.
    pub unauthenticated: u64,
    /// Dropped: SRTP packets that came before, or are too old to tell.
    pub replayed: u64,
}

impl Quality {
    fn of(counters: &Counters) -> Self {
        let ms = |us: u32| f64::from(us) / 1000.0;
        let score = |mos: f64| (mos * 100.0).round() / 100.0;
        Self {
            packets: counters.received,
            lost: counters.lost,
            jitter_ms: ms(counters.jitter_us),
            jitter_max_ms: ms(counters.jitter_max_us),
            mos: counters.mos().map(score),
            rtt_ms: counters.round_trip_us.map(ms),
            sent: counters.sent,
            far_lost: counters.far.map(|told| told.lost.into()),
            far_jitter_ms: counters.far.map(|told| ms(told.jitter_us)),
            far_mos: counters.far_mos().map(score),
            foreign: counters.foreign,
            unauthenticated: counters.unauthenticated,
            replayed: counters.replayed,
        }
    }
}

/// One call, from its INVITE to its end. Times are milliseconds since 1970.
///
/// `duration_ms` runs from the INVITE to the end, `billable_s` from the answer to the end in whole seconds rounded up,
/// `agent_active_ms` over the time that the caller and an agent could talk.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[expect(missing_docs, reason = "the names are those of the call record in the interface")]
pub struct CallRecord {
    /// 32 hex digits.
    pub id: String,
    pub direction: CallDirection,
    pub trunk_id: Option<String>,
    /// Our number, `+E164`.
    pub number: Option<String>,
    pub agent_id: Option<String>,
    pub agent_source: Option<AgentSource>,
    pub from: Option<String>,
    pub from_raw: String,
    pub to: Option<String>,
    pub to_raw: String,
    pub sip_call_id_a: String,
    pub sip_call_id_b: Option<String>,
    pub transport: String,
    pub source: String,
    pub codec: Option<String>,
    /// Whether the audio of each leg that has RTP is encrypted.
    pub media_encryption: bool,
    /// The crypto suite of leg A, as SDP names it; none while it is plain.
    pub media_encryption_a: Option<String>,
    /// The same of leg B.
    pub media_encryption_b: Option<String>,
    pub invite_at: u64,
    pub ringing_at: Option<u64>,
    pub answered_at: Option<u64>,
    pub ended_at: Option<u64>,
    pub duration_ms: u64,
    pub billable_s: u64,
    pub agent_active_ms: u64,
    pub rating: String,
    /// `None` while the call is up.
    pub status: Option<CallStatus>,
    pub sip_status: Option<u16>,
    pub q850: Option<u8>,
    pub ended_by: Option<EndedBy>,
    /// A machine word: a refusal's reason, `normal`, `agent-gone`, `media-silent`, `cut-off`, `shutdown` ...
    pub reason: Option<String>,
    /// What more there is to say of it, in words: for `ack-missing` by which URI the ACK had to come.
    pub detail: Option<String>,
    /// Seconds until another try makes sense, for who asked for the call: it is no part of what is kept and told.
    #[serde(skip)]
    pub retry_after_s: Option<u32>,
    pub quality_a: Option<Quality>,
    pub quality_b: Option<Quality>,
}

impl CallRecord {
    /// The record of an INVITE of which nothing is known but its arrival.
    pub(crate) fn inbound(id: String, invite_at: u64) -> Self {
        Self::begin(id, CallDirection::Inbound, invite_at)
    }

    /// The record of a call of which nothing is known but when it began.
    pub fn begin(id: String, direction: CallDirection, invite_at: u64) -> Self {
        Self {
            id,
            direction,
            trunk_id: None,
            number: None,
            agent_id: None,
            agent_source: None,
            from: None,
            from_raw: String::new(),
            to: None,
            to_raw: String::new(),
            sip_call_id_a: String::new(),
            sip_call_id_b: None,
            transport: String::new(),
            source: String::new(),
            codec: None,
            media_encryption: false,
            media_encryption_a: None,
            media_encryption_b: None,
            invite_at,
            ringing_at: None,
            answered_at: None,
            ended_at: None,
            duration_ms: 0,
            billable_s: 0,
            agent_active_ms: 0,
            rating: "byoc".to_owned(),
            status: None,
            sip_status: None,
            q850: None,
            ended_by: None,
            reason: None,
            detail: None,
            retry_after_s: None,
            quality_a: None,
            quality_b: None,
        }
    }

    /// Whether the caller has its 200.
    pub(crate) fn phase(&self) -> Phase {
        match self.answered_at {
            Some(_) => Phase::Answered,
            None => Phase::Unanswered,
        }
    }

    /// Fills in all that the end of the call decides.
    pub(crate) fn finish(&mut self, wall_ms: u64, fate: &Fate) {
        let words = fate.words(self.phase());
        let talked_ms = self.answered_at.map_or(0, |answered| wall_ms.saturating_sub(answered));
        self.ended_at = Some(wall_ms);
        self.duration_ms = wall_ms.saturating_sub(self.invite_at);
        self.agent_active_ms = talked_ms;
        // Without an ACK, nobody is known to have heard the answer.
        let unheard = matches!(fate, Fate::AckMissing(Party::Caller, _));
        self.billable_s = if unheard { 0 } else { talked_ms.div_ceil(1000) };
        self.status = Some(words.status);
        self.sip_status = match self.phase() {
            Phase::Answered => Some(200),
            Phase::Unanswered => words.sip_status,
        };
        self.q850 = Some(words.q850);
        self.ended_by = Some(words.ended_by);
        self.reason = Some(words.reason.to_owned());
        self.retry_after_s = words.retry_after;
        // The rule that let a call out is no word on why it came to nothing.
        let has_failed = matches!(words.status, CallStatus::Refused | CallStatus::Failed);
        let rule = self.detail.take().filter(|_| !has_failed);
        self.detail = fate.detail().or(rule);
    }

    /// Fills in what the legs have agreed on: leg A, and leg B where that has RTP.
    pub(crate) fn agreed(&mut self, a: &Exchange, b: Option<&Exchange>) {
        let suite = |leg: &Exchange| leg.suite().map(|suite| suite.name().to_owned());
        self.codec = a.codec().map(|codec| codec.name().to_owned());
        self.media_encryption_a = suite(a);
        self.media_encryption_b = b.and_then(suite);
        self.media_encryption = a.suite().is_some() && b.is_none_or(|leg| leg.suite().is_some());
    }

    /// Fills in what a leg's media was like, or is so far.
    pub(crate) fn heard(&mut self, side: Side, counters: &Counters) {
        let quality = Some(Quality::of(counters));
        match side {
            Side::Caller => self.quality_a = quality,
            Side::Callee => self.quality_b = quality,
        }
    }
}

#[cfg(test)]
mod tests {
    use media::quality::Told;
    use numbers::Refusal;

    use super::*;

    fn answered() -> CallRecord {
        let mut record = CallRecord::inbound("0".repeat(32), 1_000);
        record.answered_at = Some(3_000);
        record
    }

    #[test]
    fn a_started_second_is_billed_from_the_answer_on() {
        for (end, billed) in [(3_000, 0), (3_001, 1), (4_000, 1), (4_001, 2)] {
            let mut record = answered();
            record.finish(end, &Fate::HungUp(Party::Caller, Vec::new()));
            assert_eq!(record.billable_s, billed, "ended at {end}");
        }
    }

    #[test]
    fn when_to_try_again_is_said_as_the_denial_has_it() {
        let mut record = CallRecord::begin("0".repeat(32), CallDirection::Outbound, 1_000);
        record.finish(1_000, &Fate::Denied(Refusal::RateLimited, String::new(), Some(4_321)));
        assert_eq!(record.retry_after_s, Some(4_321));
    }

    #[test]
    fn the_rule_that_let_a_call_out_says_nothing_of_why_it_came_to_nothing() {
        let let_out = || {
            let mut record = CallRecord::begin("0".repeat(32), CallDirection::Outbound, 1_000);
            record.detail = Some("\"US\" is in the list".to_owned());
            record
        };
        let mut refused = let_out();
        refused.finish(1_000, &Fate::Refused(Refusal::NoAgent));
        assert_eq!(refused.detail, None);
        let mut talked = let_out();
        talked.finish(1_000, &Fate::HungUp(Party::Caller, Vec::new()));
        assert_eq!(talked.detail.as_deref(), Some("\"US\" is in the list"));
    }

    #[test]
    fn the_duration_runs_from_the_invite() {
        let mut record = answered();
        record.finish(5_500, &Fate::HungUp(Party::Agent, Vec::new()));
        assert_eq!(
            (record.duration_ms, record.agent_active_ms, record.sip_status),
            (4_500, 2_500, Some(200))
        );
        assert_eq!((record.status, record.ended_by), (Some(CallStatus::Completed), Some(EndedBy::Agent)));
    }

    #[test]
    fn a_call_without_an_answer_is_not_billed() {
        let mut record = CallRecord::inbound("0".repeat(32), 1_000);
        record.finish(9_000, &Fate::Cancelled(Vec::new()));
        assert_eq!((record.billable_s, record.agent_active_ms, record.duration_ms), (0, 0, 8_000));
        assert_eq!((record.status, record.sip_status), (Some(CallStatus::Canceled), Some(487)));
    }

    #[test]
    fn an_answer_without_an_ack_is_not_billed() {
        let mut record = answered();
        record.finish(35_000, &Fate::AckMissing(Party::Caller, String::new()));
        assert_eq!((record.billable_s, record.status), (0, Some(CallStatus::Failed)));
    }

    #[test]
    fn the_cause_of_the_far_sides_bye_is_kept() {
        let mut record = answered();
        record.finish(5_000, &Fate::HungUp(Party::Caller, vec!["Q.850;cause=31;text=\"x\"".to_owned()]));
        assert_eq!(record.q850, Some(31));
    }

    #[test]
    fn a_leg_that_heard_nothing_has_no_score_and_one_that_is_told_nothing_has_none_of_the_far_side() {
        let mut record = answered();
        record.heard(Side::Caller, &Counters { sent: 9, ..Counters::default() });
        assert_eq!(record.quality_a, Some(Quality { sent: 9, ..Quality::default() }));
        let far = Some(Told { lost: 50, of: 100, jitter_us: 2_500 });
        let counters = Counters {
            received: 100,
            jitter_us: 1_500,
            round_trip_us: Some(60_250),
            far,
            ..Counters::default()
        };
        record.heard(Side::Callee, &counters);
        let quality = record.quality_b.unwrap();
        assert_eq!((quality.jitter_ms, quality.rtt_ms, quality.mos), (1.5, Some(60.25), Some(4.38)));
        assert_eq!((quality.far_lost, quality.far_jitter_ms), (Some(50), Some(2.5)));
        assert!(quality.far_mos < Some(2.0), "{quality:?}");
    }

    #[test]
    fn what_others_sent_to_a_leg_is_told_of_that_leg() {
        let mut record = answered();
        let meddled = Counters { foreign: 3, unauthenticated: 2, replayed: 1, ..Counters::default() };
        record.heard(Side::Callee, &meddled);
        let told = Quality { foreign: 3, unauthenticated: 2, replayed: 1, ..Quality::default() };
        assert_eq!((record.quality_a, record.quality_b), (None, Some(told)));
    }

    #[test]
    fn a_clock_set_back_gives_no_negative_times() {
        let mut record = answered();
        record.finish(500, &Fate::MaxDuration);
        assert_eq!((record.duration_ms, record.billable_s), (0, 0));
    }
}
