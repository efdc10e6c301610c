//! Everything that we own, as it is written down: in `inventory.toml`, in the store, in REST bodies.
//!
//! The shapes are checked where they are read, the meaning by [`Inventory::faults`].

mod agent;
mod clear;
mod destination;
mod faults;
mod number;
mod passed;
mod realms;
mod secrets;
mod trunk;
mod uri;

use serde::{Deserialize, Deserializer, Serialize};

pub use agent::{Agent, Endpoint, Redirections, Ringback};
pub use faults::Fault;
#[cfg(feature = "schema")]
pub(crate) use number::Fields as NumberFields;
pub use number::{Number, NumberSource, NumberStatus, Verified};
pub use passed::is_passable;
pub use trunk::{
    DidSource, Gateway, Identity, Inbound, NumberFormat, Outbound, Special, Trunk, TrunkLimits, TrunkSource,
};

/// The whole of what a node owns.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inventory {
    /// What holds for all.
    pub settings: Settings,
    /// Who answers.
    pub agents: Vec<Agent>,
    /// Carriers and PBXes.
    pub trunks: Vec<Trunk>,
    /// Telephone numbers.
    pub numbers: Vec<Number>,
}

/// What holds for all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Answers on numbers that name no agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_.-]{1,64}$"))]
    pub default_agent_id: Option<String>,
    /// The workspace that calls are counted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_.-]{1,64}$"))]
    pub workspace_id: Option<String>,
}

/// A transport of SIP.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Transport {
    #[default]
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

/// Is audio encrypted (SRTP)?
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MediaEncryption {
    /// Never.
    #[default]
    Off,
    /// If the far side wants it.
    Optional,
    /// Always: a call without is refused.
    Required,
}

/// Deserialises a list of networks. A bare address is the network of that one host.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ipnet::IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.into_iter().map(|text| network(&text).map_err(serde::de::Error::custom)).collect()
}

fn network(text: &str) -> Result<ipnet::IpNet, String> {
    text.parse::<ipnet::IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from))
        .map_err(|_| {
            format!("`{text}` is neither a network like 203.0.113.0/28 nor an address like 203.0.113.5")
        })
}
