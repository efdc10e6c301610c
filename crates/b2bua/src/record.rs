//! The one place that speaks of a finished call.

use serde::Serialize;

/// Direction of a call, as the trunk sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallDirection {
    /// From the trunk to an agent.
    Inbound,
    /// From us to the trunk.
    Outbound,
}

/// The fate of a call (the words of the Twilio call resource, and `refused`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentSource {
    /// The number names it.
    Assigned,
    /// The number names none: the settings' default.
    Default,
}

/// Who ended the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is its own word")]
pub enum EndedBy {
    Caller,
    Agent,
    Carrier,
    Policy,
    System,
}

/// What one direction of audio was like.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Quality {
    /// Packets received from that side.
    pub packets: u64,
    /// Missing by sequence number.
    pub lost: u64,
    /// Milliseconds.
    pub jitter_ms: f64,
}

/// One call, from its INVITE to its end. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Debug, Serialize)]
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
    pub media_encryption: bool,
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
    pub quality_a: Option<Quality>,
    pub quality_b: Option<Quality>,
}
