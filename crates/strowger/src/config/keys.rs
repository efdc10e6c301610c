//! Every key: what it takes, in words and as a check.

use numbers::Secret;

use super::digest::DigestAlgorithms;
use super::name_servers::NameServers;
use super::value::{
    Address, Backend, Collector, DataDir, Door, Format, Level, Listeners, NodeId, OptionalFile, PortRange,
    Reserved, StoreUrl, Text, UnknownSource, Whole,
};

/// One key of the node's configuration.
pub(super) struct Key {
    /// `section.key`.
    pub(super) name: &'static str,
    /// What it takes, to follow "expected".
    pub(super) expected: &'static str,
    /// A value as it is written in the file.
    pub(super) example: &'static str,
    check: fn(&config::Config, &str) -> Result<(), config::ConfigError>,
}

impl Key {
    const fn new<T: serde::de::DeserializeOwned>(
        name: &'static str,
        expected: &'static str,
        example: &'static str,
    ) -> Self {
        Self { name, expected, example, check: |merged, name| merged.get::<T>(name).map(drop) }
    }

    /// Whether the merged value is one that the key takes.
    pub(super) fn check(&self, merged: &config::Config) -> Result<(), config::ConfigError> {
        (self.check)(merged, self.name)
    }

    pub(super) fn section(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(section, _)| section)
    }

    pub(super) fn own_name(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, name)| name)
    }

    /// Its own name, if it is one of `section`.
    pub(super) fn in_section(&self, section: &str) -> Option<&'static str> {
        (self.section() == section).then(|| self.own_name())
    }
}

/// Less than the 90 s would be refused by others, and be a burden to them (RFC 4028 s.4).
const SESSION: &str = "a whole number of seconds from 90, the least that RFC 4028 allows, to 86400";

pub(super) const KEYS: &[Key] = &[
    Key::new::<NodeId>("node.id", "1 to 64 letters, digits, `.`, `_` or `-`", "\"strowger\""),
    Key::new::<DataDir>("node.data_dir", "a directory", "\"/var/lib/strowger\""),
    Key::new::<Whole<0, 86_400>>("node.drain_s", "a whole number of seconds from 0 to 86400", "25"),
    Key::new::<Listeners<1>>("sip.udp", "1 to 16 different addresses IP:PORT", "[\"0.0.0.0:5060\"]"),
    Key::new::<Listeners<0>>("sip.tcp", "at most 16 different addresses IP:PORT", "[\"0.0.0.0:5060\"]"),
    Key::new::<Listeners<0>>("sip.tls", "at most 16 different addresses IP:PORT", "[\"0.0.0.0:5061\"]"),
    Key::new::<Listeners<0>>("sip.ws", "at most 16 different addresses IP:PORT", "[\"127.0.0.1:5062\"]"),
    Key::new::<NameServers>(
        "sip.name_servers",
        "at most 8 different addresses IP or IP:PORT",
        "[\"192.0.2.53\"]",
    ),
    Key::new::<Whole<1, 32>>("sip.server_timeout_s", "a whole number of seconds from 1 to 32", "4"),
    Key::new::<Whole<1, 600>>("sip.agent_ring_timeout_s", "a whole number of seconds from 1 to 600", "20"),
    Key::new::<Address>(
        "sip.advertised",
        "one IP address that peers can reach, or nothing",
        "\"203.0.113.5\"",
    ),
    Key::new::<Text>("sip.user_agent", "at most 100 printable ASCII characters", "\"strowger\""),
    Key::new::<Text>("sip.realm", "at most 100 printable ASCII characters", "\"strowger\""),
    Key::new::<DigestAlgorithms>(
        "sip.digest_algorithms",
        "\"SHA-256\", \"MD5\" or both, the preferred first",
        "[\"SHA-256\", \"MD5\"]",
    ),
    Key::new::<UnknownSource>("sip.unknown_source", "\"drop\" or \"reject\"", "\"drop\""),
    Key::new::<Whole<0, 65_535>>("sip.udp_max_payload", "a whole number of octets from 0 to 65535", "1300"),
    Key::new::<Whole<90, 86_400>>("sip.session_expires_s", SESSION, "1800"),
    Key::new::<Whole<90, 86_400>>("sip.min_se_s", SESSION, "90"),
    Key::new::<OptionalFile>("tls.certificate", "a file, or nothing", "\"/etc/strowger/cert.pem\""),
    Key::new::<OptionalFile>("tls.private_key", "a file, or nothing", "\"/etc/strowger/key.pem\""),
    Key::new::<OptionalFile>("tls.client_ca", "a file, or nothing", "\"/etc/strowger/clients.pem\""),
    Key::new::<PortRange>(
        "media.ports",
        "a range of at least two ports from 1024 to 65535",
        "\"10000-29999\"",
    ),
    Key::new::<Address>(
        "media.advertised",
        "one IP address that peers can reach, or nothing",
        "\"203.0.113.5\"",
    ),
    Key::new::<Whole<0, 64>>("media.workers", "a whole number from 0 to 64", "4"),
    Key::new::<Backend>("media.backend", "\"auto\", \"io-uring\" or \"epoll\"", "\"auto\""),
    Key::new::<Whole<0, 63>>("media.dscp", "a whole number from 0 to 63", "46"),
    Key::new::<Whole<0, 86_400>>(
        "media.silence_timeout_s",
        "a whole number of seconds from 0 to 86400",
        "60",
    ),
    Key::new::<StoreUrl>(
        "store.url",
        "sqlite:FILE or postgres://USER@HOST/DATABASE",
        "\"sqlite:strowger.db\"",
    ),
    Key::new::<DataDir>("store.secrets_folder", "a directory", "\"secrets\""),
    Key::new::<Door>("admin.listen", "an address IP:PORT, or nothing", "\"127.0.0.1:8080\""),
    Key::new::<OptionalFile>("admin.certificate", "a file, or nothing", "\"/etc/strowger/cert.pem\""),
    Key::new::<OptionalFile>("admin.private_key", "a file, or nothing", "\"/etc/strowger/key.pem\""),
    Key::new::<Whole<1, 100_000>>("admin.requests_per_s", "a whole number from 1 to 100000", "100"),
    Key::new::<Whole<0, 100_000>>("trace.calls", "a whole number from 0 to 100000", "1000"),
    Key::new::<Whole<1, 2_000>>("trace.messages_per_call", "a whole number from 1 to 2000", "200"),
    Key::new::<Whole<1, 65_536>>("trace.memory_mb", "a whole number of megabytes from 1 to 65536", "64"),
    Key::new::<Collector>("hep.collector", "an address IP:PORT, or nothing", "\"127.0.0.1:9060\""),
    Key::new::<Whole<0, { u32::MAX }>>("hep.capture_id", "a whole number from 0 to 4294967295", "1"),
    Key::new::<Secret>("hep.key", "a text, { file = \"...\" } or { env = \"...\" }", "{ env = \"HEP_KEY\" }"),
    Key::new::<Whole<1, 100_000>>("limits.max_calls", "a whole number from 1 to 100000", "2000"),
    Key::new::<Whole<1, 100_000>>("limits.max_cps", "a whole number from 1 to 100000", "200"),
    Key::new::<Reserved>("limits.per_source_cps", "0, as a limit per source is not in this version", "0"),
    Key::new::<Whole<1, 604_800>>("limits.max_call_s", "a whole number of seconds from 1 to 604800", "14400"),
    Key::new::<Whole<1, 600>>("limits.ring_s", "a whole number of seconds from 1 to 600", "60"),
    Key::new::<Level>("log.level", "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"", "\"info\""),
    Key::new::<Format>("log.format", "\"pretty\" or \"json\"", "\"pretty\""),
    Key::new::<bool>("log.full_numbers", "true or false", "false"),
];
