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
    /// Outbound calls are switched off for the number or its trunk.
    OutboundDisabled,
    /// The calling number is not ours.
    CallerNotOwned,
    /// The calling number is personal and not verified.
    NumberUnverified,
    /// The destination is no E.164 number.
    DestinationInvalid,
    /// The destination's country is not in the list.
    CountryNotAllowed,
    /// The destination is a premium or satellite number that is not allowed.
    DestinationPremium,
    /// The destination is an emergency number.
    DestinationEmergency,
    /// The trunk has as many calls as it may.
    TrunkFull,
    /// The number has as many calls as it may.
    NumberFull,
    /// This node has as many calls as it may.
    NodeFull,
    /// Calls begin faster than they may, or the minutes of the day are spent.
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

/// What is said of one refusal.
struct Row {
    reason: &'static str,
    status: u16,
    q850: u8,
    text: &'static str,
    retry_after: Option<u32>,
}

impl Row {
    const fn new(reason: &'static str, status: u16, q850: u8, text: &'static str) -> Self {
        Self { reason, status, q850, text, retry_after: None }
    }

    const fn again_in(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
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

    /// All that is said of a refusal, in one place.
    ///
    /// Only a 503 makes carriers try elsewhere, so it stands for a lack of room alone. Retry-After is short: many carriers
    /// send nothing at all until then. The Q.850 cause is that of the status in RFC 3398, section 8.2.6.1, but for overload,
    /// where Q.850 is finer.
    const fn row(self) -> Row {
        match self {
            Self::SourceUnknown => Row::new("source-unknown", 403, 21, "no trunk owns the source address"),
            Self::DidUnknown => Row::new("did-unknown", 404, 1, "the called number is not ours"),
            Self::NumberInactive => {
                Row::new("number-inactive", 480, 18, "the number is suspended or pending")
            }
            Self::InboundDisabled => Row::new("inbound-disabled", 404, 1, "inbound calls are switched off"),
            Self::NoAgent => {
                Row::new("no-agent", 480, 18, "no agent is assigned and there is no default agent")
            }
            Self::AgentUnreachable => {
                Row::new("agent-unreachable", 480, 18, "the agent could not be reached")
            }
            Self::AgentFull => Row::new("agent-full", 486, 17, "the agent has as many calls as it may have"),
            Self::OutboundDisabled => Row::new(
                "outbound-disabled",
                403,
                21,
                "outbound calls are switched off for the calling number or its trunk",
            ),
            Self::CallerNotOwned => Row::new("caller-not-owned", 403, 21, "the calling number is not ours"),
            Self::NumberUnverified => {
                Row::new("number-unverified", 403, 21, "the calling number is not verified")
            }
            Self::DestinationInvalid => {
                Row::new("destination-invalid", 484, 28, "the destination is not an E.164 number")
            }
            Self::CountryNotAllowed => {
                Row::new("country-not-allowed", 403, 21, "the country of the destination is not allowed")
            }
            Self::DestinationPremium => {
                Row::new("destination-premium", 403, 21, "premium and satellite destinations are not allowed")
            }
            Self::DestinationEmergency => {
                Row::new("destination-emergency", 403, 21, "emergency destinations are not allowed")
            }
            Self::TrunkFull => {
                Row::new("trunk-full", 503, 34, "the trunk has as many calls as it may have").again_in(5)
            }
            Self::NumberFull => {
                Row::new("number-full", 503, 34, "the number has as many calls as it may have").again_in(5)
            }
            Self::NodeFull => {
                Row::new("node-full", 503, 42, "this node has as many calls as it may have").again_in(5)
            }
            Self::RateLimited => Row::new(
                "rate-limited",
                503,
                42,
                "calls begin faster, or last longer in a day, than they may",
            )
            .again_in(1),
            Self::Draining => Row::new("draining", 503, 42, "this node takes no further calls").again_in(30),
            Self::MediaEncryptionRequired => Row::new(
                "media-encryption-required",
                488,
                127,
                "encrypted media is required and could not be agreed",
            ),
            Self::NoCommonCodec => Row::new("no-common-codec", 488, 127, "no codec in common"),
            Self::TrunkFailed => Row::new("trunk-failed", 502, 38, "every gateway of the trunk failed"),
        }
    }

    /// The machine word of records, metrics and API.
    pub const fn reason(self) -> &'static str {
        self.row().reason
    }

    /// The same for people, without quotes or line ends: fit for a quoted string.
    pub const fn text(self) -> &'static str {
        self.row().text
    }

    /// The SIP status that says so.
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// Seconds for Retry-After.
    pub const fn retry_after(self) -> Option<u32> {
        self.row().retry_after
    }

    /// The Q.850 cause.
    pub const fn q850(self) -> u8 {
        self.row().q850
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
