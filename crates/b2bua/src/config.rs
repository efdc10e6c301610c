//! What the core is told once, at its start.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use sip::Transport;
use sip::digest::Offer;

/// The core's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Of the SIP endpoint.
    pub sip: sip::endpoint::Config,
    /// Where RTP goes.
    pub media: MediaAddress,
    /// Where it goes on the legs of these SIP listeners, in the place of `media`: by transport and bound address.
    pub media_of: Vec<(Transport, SocketAddr, MediaAddress)>,
    /// The ports for RTP and RTCP.
    pub ports: RangeInclusive<u16>,
    /// How many media workers there are, at least 1.
    pub workers: u16,
    /// The realm of our digest challenges.
    pub realm: String,
    /// By what these challenges may be answered.
    pub digest: Offer,
    /// What becomes of an INVITE from a source that nobody owns.
    pub unknown_source: UnknownSource,
    /// What the node bears.
    pub limits: Limits,
    /// A call ends when nothing was heard for so long; `None` turns it off.
    pub silence_timeout: Option<Duration>,
    /// How long an agent's stream may take to open, or its name to resolve.
    pub agent_timeout: Duration,
    /// How long a SIP agent with a fallback may say nothing above 100 before the fallback is tried; 199 is nothing. One
    /// without a fallback has `ring_s`.
    pub agent_ring_timeout: Duration,
    /// How long a server of a SIP agent may say nothing at all, not even 100, while the agent has others. Over UDP, 4 s are four
    /// INVITEs with the T1 of RFC 3261; its timer B would be 32 s.
    pub server_timeout: Duration,
    /// Unique among the nodes of a site.
    pub node_id: String,
    /// Whether other nodes count our calls, and we theirs.
    pub sharing: Sharing,
}

/// Whether limits of calls and minutes count those of other nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sharing {
    /// There are none.
    #[default]
    Alone,
    /// They are told what calls take here (`Output::Usage`), and tell what calls take there (`Input::Others`).
    Shared,
}

/// Where the RTP of a leg goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MediaAddress {
    /// The address that our session descriptions give.
    pub advertised: IpAddr,
    /// The local address that its ports are bound on.
    pub bind: IpAddr,
}

/// What to do with an INVITE from an unknown source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum UnknownSource {
    /// No answer at all.
    #[default]
    Drop,
    /// 403.
    Reject,
}

/// What the node bears; `None` is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Calls at one time.
    pub max_calls: Option<u32>,
    /// INVITEs a second.
    pub max_cps: Option<u32>,
    /// A call is ended so many seconds after its answer.
    pub max_call_s: Option<u32>,
    /// A call without an answer is refused after so many seconds.
    pub ring_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_calls: None, max_cps: None, max_call_s: Some(4 * 60 * 60), ring_s: 60 }
    }
}

impl Config {
    /// Settings with every default, for one host.
    pub fn new(sip: sip::endpoint::Config, media_address: IpAddr, ports: RangeInclusive<u16>) -> Self {
        Self {
            sip,
            media: MediaAddress { advertised: media_address, bind: media_address },
            media_of: Vec::new(),
            ports,
            workers: 1,
            realm: "strowger".to_owned(),
            digest: Offer::default(),
            unknown_source: UnknownSource::default(),
            limits: Limits::default(),
            silence_timeout: Some(Duration::from_mins(1)),
            agent_timeout: Duration::from_secs(5),
            agent_ring_timeout: Duration::from_secs(20),
            server_timeout: Duration::from_secs(4),
            node_id: "strowger".to_owned(),
            sharing: Sharing::Alone,
        }
    }

    /// Where the RTP of a leg goes whose SIP goes through that listener: a peer that reaches the one by its network reaches the other by
    /// it too.
    pub(crate) fn media(&self, transport: Transport, local: SocketAddr) -> MediaAddress {
        let of = self.media_of.iter().find(|(own, at, _)| (*own, *at) == (transport, local));
        of.map_or(self.media, |(_, _, address)| *address)
    }
}
