//! Carriers and PBXes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{MediaEncryption, Transport};
use crate::{AllowedCountries, Country, Password, Secret};

/// A carrier or PBX that we exchange calls with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// Names it in numbers and records.
    #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_.-]{1,64}$"))]
    pub id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whose account it is.
    #[serde(default)]
    pub source: TrunkSource,
    /// Calls from it, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound: Option<Inbound>,
    /// Calls to it, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound: Option<Outbound>,
    /// How much at once, and in a day.
    #[serde(default)]
    pub limits: TrunkLimits,
    /// Seconds between OPTIONS to its gateways; none are sent if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 4_294_967_295u32))]
    pub options_interval_s: Option<u32>,
}

/// Whose account a trunk is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TrunkSource {
    /// Bring your own carrier or PBX.
    #[default]
    Byoc,
    /// Twilio Elastic SIP Trunking.
    Twilio,
    /// Telnyx.
    Telnyx,
}

/// Calls from a trunk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Inbound {
    /// Are calls from it taken?
    pub enabled: bool,
    /// Where its requests come from. The longest prefix among all trunks wins.
    #[serde(deserialize_with = "super::networks", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = Vec<crate::schema::Network>))]
    pub addresses: Vec<IpNet>,
    /// Digest user name that it must show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Digest password that it must show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// Does it register with us?
    pub registers: bool,
    /// The transports it may use; any if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transports: Vec<Transport>,
    /// The names of which one has to be that of its certificate where we call it by TLS: for what follows in its calls when its own
    /// connection is gone. If empty, the host name in its Contact or Record-Route.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tls_names: Vec<String>,
    /// SRTP.
    pub media_encryption: MediaEncryption,
    /// Where the called number stands.
    pub did_source: DidSource,
    /// The country whose national writing it uses for numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did_country: Option<Country>,
    /// Taken off the front of the called number, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strip_prefix: Option<String>,
    /// May it start outbound calls (a PBX; a carrier never)?
    pub originate: bool,
}

impl Default for Inbound {
    fn default() -> Self {
        Self {
            enabled: true,
            addresses: Vec::new(),
            username: None,
            password: None,
            registers: false,
            transports: Vec::new(),
            tls_names: Vec::new(),
            media_encryption: MediaEncryption::Off,
            did_source: DidSource::Auto,
            did_country: None,
            strip_prefix: None,
            originate: false,
        }
    }
}

/// Where in an INVITE the called number stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum DidSource {
    /// The first of Request-URI, P-Called-Party-ID and To that is a number of ours.
    #[default]
    Auto,
    /// The user part of the Request-URI.
    RequestUri,
    /// The user part of To.
    To,
    /// P-Called-Party-ID (RFC 7315, section 4.2).
    PCalledPartyId,
    /// The header of this name: a number, or a URI.
    Header(String),
}

impl FromStr for DidSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "request-uri" => Ok(Self::RequestUri),
            "to" => Ok(Self::To),
            "p-called-party-id" => Ok(Self::PCalledPartyId),
            _ => match text.strip_prefix("header:") {
                Some(name) if is_token(name) => Ok(Self::Header(name.to_owned())),
                Some(_) | None => {
                    Err(format!("`{text}`: expected auto, request-uri, to, p-called-party-id or header:NAME"))
                }
            },
        }
    }
}

impl fmt::Display for DidSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::RequestUri => f.write_str("request-uri"),
            Self::To => f.write_str("to"),
            Self::PCalledPartyId => f.write_str("p-called-party-id"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl Serialize for DidSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DidSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A token of RFC 3261, section 25.1, which is what a header's name is.
pub(super) fn is_token(text: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Calls to a trunk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Outbound {
    /// Are calls sent to it?
    pub enabled: bool,
    /// Where calls go, tried by priority, then weight (as in RFC 2782).
    pub gateways: Vec<Gateway>,
    /// SRTP, where a gateway does not say otherwise.
    pub media_encryption: MediaEncryption,
    /// Digest user name that we show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Digest password that we show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Do we register with it?
    pub register: bool,
    /// The host of From; the gateway's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_domain: Option<String>,
    /// The user of From; the calling number if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_user: Option<String>,
    /// How numbers are written.
    pub number_format: NumberFormat,
    /// The country whose national writing it is, for `national`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Put before the called number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Where the calling number is shown.
    pub identity: Identity,
    /// Where calls may go; nowhere if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_countries: Option<AllowedCountries>,
    /// Special destinations that are allowed as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_special: Vec<Special>,
    /// Is `;user=phone` put on URIs?
    pub user_phone: bool,
    /// Further headers of the INVITE.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<crate::schema::HeaderName, Secret>))]
    pub headers: BTreeMap<String, Secret>,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            enabled: true,
            gateways: Vec::new(),
            media_encryption: MediaEncryption::Off,
            username: None,
            password: None,
            register: false,
            from_domain: None,
            from_user: None,
            number_format: NumberFormat::PlusE164,
            country: None,
            prefix: None,
            identity: Identity::Both,
            allowed_countries: None,
            allow_special: Vec::new(),
            user_phone: false,
            headers: BTreeMap::new(),
        }
    }
}

impl Outbound {
    /// Whether the audio between one of its gateways and us is to be encrypted.
    pub fn media_encryption_of(&self, gateway: &Gateway) -> MediaEncryption {
        gateway.media_encryption.unwrap_or(self.media_encryption)
    }
}

/// One place that calls to a trunk go to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// A name or an address.
    pub host: String,
    /// By default what DNS says for a name (RFC 3263), else that of the transport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 65_535))]
    pub port: Option<u16>,
    /// UDP by default.
    #[serde(default)]
    pub transport: Transport,
    /// The lowest is tried first.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(maximum = 65_535))]
    pub priority: u16,
    /// The share among gateways of one priority.
    #[serde(default = "one")]
    #[cfg_attr(feature = "schema", schema(maximum = 65_535))]
    pub weight: u16,
    /// SRTP with this one; as `outbound` has it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_encryption: Option<MediaEncryption>,
}

const fn one() -> u16 {
    1
}

/// How numbers are written towards a trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum NumberFormat {
    /// `+14155550100`.
    #[default]
    #[serde(rename = "+e164")]
    PlusE164,
    /// `14155550100`.
    #[serde(rename = "e164")]
    E164,
    /// As dialled within the trunk's country: numbers of other countries behind its international prefix.
    #[serde(rename = "national")]
    National,
}

/// Where the calling number is shown to a trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// In From.
    From,
    /// In P-Asserted-Identity (RFC 3325).
    PAssertedIdentity,
    /// In both.
    #[default]
    Both,
}

/// A destination that costs, or that must not be dialled by accident.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Special {
    Premium,
    Satellite,
    Emergency,
}

/// How much at once, and in a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TrunkLimits {
    /// Most calls at once; unlimited if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 4_294_967_295u32))]
    pub max_calls: Option<u32>,
    /// Most call attempts a second; unlimited if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 4_294_967_295u32))]
    pub max_cps: Option<u32>,
    /// Most minutes spoken in outbound calls in a UTC day; unlimited if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_minutes_per_day: Option<u32>,
}
