//! Who answers.

use std::collections::BTreeMap;
use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize};

use super::{MediaEncryption, Transport};
use crate::{Password, Secret};

/// A voice agent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Names it in numbers, settings and records.
    #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_.-]{1,64}$"))]
    pub id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it is reached.
    pub endpoint: Endpoint,
    /// Answers when this one can't be reached or is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_.-]{1,64}$"))]
    pub fallback_agent_id: Option<String>,
    /// Most calls at once; unlimited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 4_294_967_295u32))]
    pub max_calls: Option<u32>,
    /// What its callers hear before it answers.
    #[serde(default, skip_serializing_if = "Ringback::is_default")]
    pub ringback: Ringback,
    /// The headers of a caller's INVITE that it is let see: names, and prefixes like `X-Acme-*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass_headers: Vec<String>,
}

/// What callers hear before an agent answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Ringback {
    /// What the agent lets them hear, or that it rings. A stream rings at once, for it does not say.
    #[default]
    Relay,
    /// The ringing of their own network, whatever the agent plays.
    Local,
    /// Nothing: it answers at once.
    None,
}

impl Ringback {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How a SIP agent is told who a call was diverted by (RFC 7544).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Redirections {
    /// In the header that the caller's INVITE has; in History-Info if it has both.
    #[default]
    AsReceived,
    /// In Diversion (RFC 5806).
    Diversion,
    /// In History-Info (RFC 7044).
    HistoryInfo,
}

impl Redirections {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How an agent is reached. `Debug` shows no credentials.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "snake_case", deny_unknown_fields)]
pub enum Endpoint {
    /// A bot behind a WebSocket that speaks Twilio Media Streams; we are the client.
    MediaStream {
        /// `ws://` or `wss://`; `user:password@` before the host becomes HTTP basic authentication.
        #[cfg_attr(feature = "schema", schema(pattern = "^[Ww][Ss][Ss]?://[!-~]+$"))]
        url: String,
        /// Headers of the upgrade request.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<crate::schema::HeaderName, Secret>))]
        headers: BTreeMap<String, Secret>,
        /// `customParameters` of the `start` message.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<String, String>,
    },
    /// A SIP user agent that we call.
    Sip {
        /// Its SIP URI, like `sip:bot@10.0.0.7:5060`.
        #[cfg_attr(feature = "schema", schema(pattern = "^[Ss][Ii][Pp][Ss]?:[!-~]+$"))]
        uri: String,
        /// The transport of our INVITE; that of the URI, else UDP, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transport: Option<Transport>,
        /// SRTP on its leg.
        #[serde(default)]
        media_encryption: MediaEncryption,
        /// Digest user name that it must show.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        /// Digest password that it must show.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<Password>,
        /// Digest user name that we show where it asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call_username: Option<String>,
        /// Digest password that we show where it asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call_password: Option<Secret>,
        /// Where its requests come from.
        #[serde(default, deserialize_with = "super::networks", skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "schema", schema(value_type = Vec<crate::schema::Network>))]
        addresses: Vec<IpNet>,
        /// Further headers of our INVITE.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<crate::schema::HeaderName, Secret>))]
        headers: BTreeMap<String, Secret>,
        /// How it is told who a call was diverted by.
        #[serde(default, skip_serializing_if = "Redirections::is_default")]
        redirections: Redirections,
    },
    /// Sends the caller's audio back. Built in, for trying things.
    #[serde(deserialize_with = "nothing_more")]
    Echo,
}

/// Members that nothing reads are refused, as with the other endpoints.
fn nothing_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    Nothing::deserialize(deserializer).map(|Nothing {}| ())
}

impl Endpoint {
    /// Whether the audio of its leg is encrypted: a stream has no RTP.
    pub fn media_encryption(&self) -> MediaEncryption {
        match self {
            Self::Sip { media_encryption, .. } => *media_encryption,
            Self::MediaStream { .. } | Self::Echo => MediaEncryption::Off,
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MediaStream { url, headers, parameters } => f
                .debug_struct("MediaStream")
                .field("url", &without_credentials(url))
                .field("headers", headers)
                .field("parameters", &parameters.keys())
                .finish(),
            Self::Sip {
                uri,
                transport,
                media_encryption,
                username,
                password,
                call_username,
                call_password,
                addresses,
                headers,
                redirections,
            } => f
                .debug_struct("Sip")
                .field("uri", uri)
                .field("transport", transport)
                .field("media_encryption", media_encryption)
                .field("username", username)
                .field("password", password)
                .field("call_username", call_username)
                .field("call_password", call_password)
                .field("addresses", addresses)
                .field("headers", headers)
                .field("redirections", redirections)
                .finish(),
            Self::Echo => f.write_str("Echo"),
        }
    }
}

/// The URL without what stands before `@` in its authority and without its query.
pub(super) fn without_credentials(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_no_members_that_nothing_reads() {
        let read = |text: &str| toml::from_str::<Agent>(&format!("id = 'a'\nendpoint = {{ {text} }}"));
        assert_eq!(read("kind = 'echo'").unwrap().endpoint, Endpoint::Echo);
        for faulty in [
            "kind = 'echo', url = 'ws://a'",
            "kind = 'media-stream', url = 'ws://a', uri = 'x'",
            "kind = 'sip', uri = 'sip:a', x = 1",
        ] {
            let error = read(faulty).unwrap_err().to_string();
            assert!(error.contains("unknown field"), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_credentials() {
        let endpoint = Endpoint::MediaStream {
            url: "wss://bob:hunter2@bots.example.com/sales?token=hunter2".into(),
            headers: BTreeMap::from([("Authorization".into(), Secret::from("Bearer hunter2"))]),
            parameters: BTreeMap::from([("api_key".into(), "hunter2".into())]),
        };
        let shown = format!("{endpoint:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("wss://bots.example.com/sales") && shown.contains("Authorization"), "{shown}");
    }
}
