//! Why a call is refused, and in what words. The one place that turns a reason into a status code.

/// Why a call is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Refusal {
    /// No trunk owns the source address.
    SourceUnknown,
    /// The called number is not ours.
    DidUnknown,
    /// The number is suspended or pending.
    NumberInactive,
    /// Inbound calls are switched off for the number or its trunk.
    InboundDisabled,
    /// Neither the number nor the settings name an agent.
    NoAgent,
    /// The agent, and its fallback agents, could not be reached.
    AgentUnreachable,
    /// The agent, and its fallback agents, have as many calls as they may.
    AgentFull,
    /// Outbound calls are switched off for the number.
    OutboundDisabled,
    /// The calling number is not ours.
    CallerNotOwned,
    /// The calling number is personal and not verified.
    NumberUnverified,
    /// The destination is no E.164 number.
    DestinationInvalid,
    /// The destination's country is not in the list.
    CountryNotAllowed,
    /// The destination is a premium number that is not allowed.
    DestinationPremium,
    /// The destination is an emergency number.
    DestinationEmergency,
    /// The trunk has as many calls as it may.
    TrunkFull,
    /// The number has as many calls as it may.
    NumberFull,
    /// This node has as many calls as it may.
    NodeFull,
    /// Calls arrive faster than they may.
    RateLimited,
    /// This node takes no further calls.
    Draining,
    /// Encryption is required and was not offered, or is offered and can't be had.
    MediaEncryptionRequired,
    /// No codec is known to both sides.
    NoCommonCodec,
    /// Every gateway of the trunk failed.
    TrunkFailed,
}

impl Refusal {
    /// Every refusal, for counters that begin at zero.
    pub const ALL: [Self; 22] = [
        Self::SourceUnknown,
        Self::DidUnknown,
        Self::NumberInactive,
        Self::InboundDisabled,
        Self::NoAgent,
        Self::AgentUnreachable,
        Self::AgentFull,
        Self::OutboundDisabled,
        Self::CallerNotOwned,
        Self::NumberUnverified,
        Self::DestinationInvalid,
        Self::CountryNotAllowed,
        Self::DestinationPremium,
        Self::DestinationEmergency,
        Self::TrunkFull,
        Self::NumberFull,
        Self::NodeFull,
        Self::RateLimited,
        Self::Draining,
        Self::MediaEncryptionRequired,
        Self::NoCommonCodec,
        Self::TrunkFailed,
    ];

    /// The machine word of records, metrics and API.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::SourceUnknown => "source-unknown",
            Self::DidUnknown => "did-unknown",
            Self::NumberInactive => "number-inactive",
            Self::InboundDisabled => "inbound-disabled",
            Self::NoAgent => "no-agent",
            Self::AgentUnreachable => "agent-unreachable",
            Self::AgentFull => "agent-full",
            Self::OutboundDisabled => "outbound-disabled",
            Self::CallerNotOwned => "caller-not-owned",
            Self::NumberUnverified => "number-unverified",
            Self::DestinationInvalid => "destination-invalid",
            Self::CountryNotAllowed => "country-not-allowed",
            Self::DestinationPremium => "destination-premium",
            Self::DestinationEmergency => "destination-emergency",
            Self::TrunkFull => "trunk-full",
            Self::NumberFull => "number-full",
            Self::NodeFull => "node-full",
            Self::RateLimited => "rate-limited",
            Self::Draining => "draining",
            Self::MediaEncryptionRequired => "media-encryption-required",
            Self::NoCommonCodec => "no-common-codec",
            Self::TrunkFailed => "trunk-failed",
        }
    }

    /// The same for people, without quotes or line ends: fit for a quoted string.
    pub const fn text(self) -> &'static str {
        match self {
            Self::SourceUnknown => "no trunk owns the source address",
            Self::DidUnknown => "the called number is not ours",
            Self::NumberInactive => "the called number is suspended or pending",
            Self::InboundDisabled => "inbound calls are switched off",
            Self::NoAgent => "no agent is assigned and there is no default agent",
            Self::AgentUnreachable => "the agent could not be reached",
            Self::AgentFull => "the agent has as many calls as it may have",
            Self::OutboundDisabled => "outbound calls are switched off for the calling number",
            Self::CallerNotOwned => "the calling number is not ours",
            Self::NumberUnverified => "the calling number is not verified",
            Self::DestinationInvalid => "the destination is not an E.164 number",
            Self::CountryNotAllowed => "the country of the destination is not allowed",
            Self::DestinationPremium => "premium destinations are not allowed",
            Self::DestinationEmergency => "emergency destinations are not allowed",
            Self::TrunkFull => "the trunk has as many calls as it may have",
            Self::NumberFull => "the number has as many calls as it may have",
            Self::NodeFull => "this node has as many calls as it may have",
            Self::RateLimited => "calls arrive faster than they may",
            Self::Draining => "this node takes no further calls",
            Self::MediaEncryptionRequired => "encrypted media is required and could not be agreed",
            Self::NoCommonCodec => "no codec in common",
            Self::TrunkFailed => "every gateway of the trunk failed",
        }
    }

    /// The SIP status that says so. Only a 503 makes carriers try elsewhere, so it stands for a lack of room alone.
    pub const fn status(self) -> u16 {
        match self {
            Self::SourceUnknown
            | Self::OutboundDisabled
            | Self::CallerNotOwned
            | Self::NumberUnverified
            | Self::CountryNotAllowed
            | Self::DestinationPremium
            | Self::DestinationEmergency => 403,
            Self::DidUnknown | Self::InboundDisabled => 404,
            Self::NumberInactive | Self::NoAgent | Self::AgentUnreachable => 480,
            Self::DestinationInvalid => 484,
            Self::AgentFull => 486,
            Self::MediaEncryptionRequired | Self::NoCommonCodec => 488,
            Self::TrunkFailed => 502,
            Self::TrunkFull | Self::NumberFull | Self::NodeFull | Self::RateLimited | Self::Draining => 503,
        }
    }

    /// Seconds for Retry-After. Short: many carriers send nothing at all until then.
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::RateLimited => Some(1),
            Self::TrunkFull | Self::NumberFull | Self::NodeFull => Some(5),
            Self::Draining => Some(30),
            Self::SourceUnknown
            | Self::DidUnknown
            | Self::NumberInactive
            | Self::InboundDisabled
            | Self::NoAgent
            | Self::AgentUnreachable
            | Self::AgentFull
            | Self::OutboundDisabled
            | Self::CallerNotOwned
            | Self::NumberUnverified
            | Self::DestinationInvalid
            | Self::CountryNotAllowed
            | Self::DestinationPremium
            | Self::DestinationEmergency
            | Self::MediaEncryptionRequired
            | Self::NoCommonCodec
            | Self::TrunkFailed => None,
        }
    }

    /// The Q.850 cause: that of the status in RFC 3398, section 8.2.6.1, but for overload, where Q.850 is finer.
    pub const fn q850(self) -> u8 {
        match self {
            Self::TrunkFull | Self::NumberFull => 34,
            Self::NodeFull | Self::RateLimited | Self::Draining => 42,
            Self::SourceUnknown
            | Self::OutboundDisabled
            | Self::CallerNotOwned
            | Self::NumberUnverified
            | Self::CountryNotAllowed
            | Self::DestinationPremium
            | Self::DestinationEmergency => 21,
            Self::DidUnknown | Self::InboundDisabled => 1,
            Self::NumberInactive | Self::NoAgent | Self::AgentUnreachable => 18,
            Self::AgentFull => 17,
            Self::DestinationInvalid => 28,
            Self::MediaEncryptionRequired | Self::NoCommonCodec => 127,
            Self::TrunkFailed => 38,
        }
    }

    /// The value of the Reason header (RFC 3326): `SIP;cause=404;text="did-unknown: the called number is not ours"`.
    pub fn reason_header(self) -> String {
        format!("SIP;cause={};text=\"{}: {}\"", self.status(), self.reason(), self.text())
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.reason(), self.text())
    }
}
