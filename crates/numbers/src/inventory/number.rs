//! Telephone numbers.

use serde::{Deserialize, Serialize};

use super::Fault;
use crate::{AllowedCountries, E164};

/// A number that we own, or may show.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "Fields")]
pub struct Number {
    /// The number.
    pub e164: E164,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How we came by it.
    pub source: NumberSource,
    /// The trunk that it is reached by, and whose calls show it.
    pub trunk_id: String,
    /// Answers its calls; the default agent if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Are calls to it answered? By default yes; never for a personal number.
    pub inbound: bool,
    /// May calls be placed from it?
    pub outbound: bool,
    /// Where calls from it may go; where its trunk's may if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_countries: Option<AllowedCountries>,
    /// Most calls at once; unlimited if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u32>,
    /// Most calls begun within a second, in and out; unlimited if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cps: Option<u32>,
    /// Most minutes spoken in outbound calls in a UTC day; unlimited if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_minutes_per_day: Option<u32>,
    /// Is it in use? By default active; a personal number pending, until verified.
    pub status: NumberStatus,
    /// Who says that the owner of a personal number was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
}

/// That a personal number is its owner's, and may be shown on calls.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Verified {
    /// Since when, in milliseconds since 1970.
    #[cfg_attr(feature = "schema", schema(maximum = 9_007_199_254_740_991u64))]
    pub at: u64,
    /// Who says so: the label of an API key, or `loopback`.
    pub by: String,
}

/// How we came by a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NumberSource {
    /// Brought along with a trunk.
    #[default]
    Byoc,
    /// Imported from a Twilio account.
    Twilio,
    /// Imported from a Telnyx account.
    Telnyx,
    /// Bought through us.
    Purchased,
    /// Somebody's own, shown on calls after verification, never answered here.
    Personal,
}

/// Is a number in use?
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NumberStatus {
    /// Yes.
    #[default]
    Active,
    /// Not yet.
    Pending,
    /// No longer, for a time.
    Suspended,
}

/// A number as written: what is left out depends on the source.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Number))]
#[serde(rename = "Number", deny_unknown_fields)]
pub(crate) struct Fields {
    e164: E164,
    label: Option<String>,
    #[serde(default)]
    source: NumberSource,
    #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_.-]{1,64}$"))]
    trunk_id: String,
    #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_.-]{1,64}$"))]
    agent_id: Option<String>,
    inbound: Option<bool>,
    #[serde(default)]
    outbound: bool,
    allowed_countries: Option<AllowedCountries>,
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 4_294_967_295u32))]
    max_calls: Option<u32>,
    max_cps: Option<u32>,
    max_minutes_per_day: Option<u32>,
    status: Option<NumberStatus>,
    #[cfg_attr(feature = "schema", schema(read_only))]
    verified: Option<Verified>,
}

impl From<Fields> for Number {
    fn from(fields: Fields) -> Self {
        let personal = fields.source == NumberSource::Personal;
        let status = if personal { NumberStatus::Pending } else { NumberStatus::Active };
        Self {
            e164: fields.e164,
            label: fields.label,
            source: fields.source,
            trunk_id: fields.trunk_id,
            agent_id: fields.agent_id,
            inbound: fields.inbound.unwrap_or(!personal),
            outbound: fields.outbound,
            allowed_countries: fields.allowed_countries,
            max_calls: fields.max_calls,
            max_cps: fields.max_cps,
            max_minutes_per_day: fields.max_minutes_per_day,
            status: fields.status.unwrap_or(status),
            verified: fields.verified,
        }
    }
}

impl Number {
    /// An active number of one's own carrier that is answered by the default agent.
    pub fn new(e164: E164, trunk_id: &str) -> Self {
        Self {
            e164,
            label: None,
            source: NumberSource::Byoc,
            trunk_id: trunk_id.to_owned(),
            agent_id: None,
            inbound: true,
            outbound: false,
            allowed_countries: None,
            max_calls: None,
            max_cps: None,
            max_minutes_per_day: None,
            status: NumberStatus::Active,
            verified: None,
        }
    }

    /// Says who has verified a personal number, which is in use from then on.
    pub fn verify(&mut self, verified: Verified) {
        self.verified = Some(verified);
        if self.status == NumberStatus::Pending {
            self.status = NumberStatus::Active;
        }
    }

    /// Takes the verification of the number that it is to replace: it stays as long as a personal number does, and is not a matter of
    /// what is written.
    ///
    /// # Errors
    ///
    /// If another verification is written, or one where there is none.
    pub fn keep_verified(&mut self, held: Option<&Self>) -> Result<(), Fault> {
        let known = held.filter(|held| held.source == NumberSource::Personal);
        let known = known.and_then(|held| held.verified.clone());
        if self.verified.is_some() && self.verified != known {
            return Err(Fault {
                path: "verified".to_owned(),
                message: "this is no verification that is known here".to_owned(),
                remedy: "remove it; `strowger number verify` makes one".to_owned(),
            });
        }
        self.verified = None;
        match known {
            Some(known) if self.source == NumberSource::Personal => self.verify(known),
            Some(_) | None => {}
        }
        Ok(())
    }

    /// Whether it is somebody's own of whom nobody says that they were asked.
    pub fn is_unverified(&self) -> bool {
        self.source == NumberSource::Personal && self.verified.is_none()
    }
}
