//! The node's configuration: embedded defaults, then the file, then `STROWGER__SECTION__KEY` from the environment.
//!
//! `conf/strowger.toml` is the defaults, compiled in: the file that documents every key is the one that is obeyed.

mod digest;
mod keys;
mod name_servers;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use numbers::Secret;
use serde::Deserialize;
use toml_edit::Document;

use self::digest::DigestAlgorithms;
use self::keys::{KEYS, Key};
use self::name_servers::NameServers;
use self::value::{
    Address, Collector, DataDir, Door, Listeners, NodeId, OptionalFile, PortRange, Reserved, StoreUrl, Text,
    Whole,
};
use crate::fault::{Fault, Faults, Place, nearest};
use crate::secrets;

pub(crate) use self::value::{Advertised, Backend, Format, Level, Listening, UnknownSource};

/// What the node was told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) node: Node,
    pub(crate) sip: Sip,
    pub(crate) tls: Tls,
    pub(crate) media: Media,
    pub(crate) store: Store,
    pub(crate) admin: Admin,
    pub(crate) trace: Trace,
    pub(crate) hep: Hep,
    pub(crate) limits: Limits,
    pub(crate) log: Log,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) data_dir: DataDir,
    pub(crate) drain_s: Whole<0, 86_400>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sip {
    pub(crate) udp: Listeners<1>,
    pub(crate) tcp: Listeners<0>,
    pub(crate) tls: Listeners<0>,
    pub(crate) ws: Listeners<0>,
    pub(crate) name_servers: NameServers,
    pub(crate) server_timeout_s: Whole<1, 32>,
    pub(crate) agent_ring_timeout_s: Whole<1, 600>,
    pub(crate) advertised: Address,
    pub(crate) user_agent: Text,
    pub(crate) realm: Text,
    pub(crate) digest_algorithms: DigestAlgorithms,
    pub(crate) unknown_source: UnknownSource,
    pub(crate) udp_max_payload: Whole<0, 65_535>,
    pub(crate) session_expires_s: Whole<90, 86_400>,
    pub(crate) min_se_s: Whole<90, 86_400>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) certificate: OptionalFile,
    pub(crate) private_key: OptionalFile,
    pub(crate) client_ca: OptionalFile,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Media {
    pub(crate) ports: PortRange,
    pub(crate) advertised: Address,
    pub(crate) workers: Whole<0, 64>,
    pub(crate) backend: Backend,
    pub(crate) dscp: Whole<0, 63>,
    pub(crate) silence_timeout_s: Whole<0, 86_400>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    pub(crate) url: StoreUrl,
    pub(crate) secrets_folder: DataDir,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    pub(crate) listen: Door,
    pub(crate) certificate: OptionalFile,
    pub(crate) private_key: OptionalFile,
    pub(crate) requests_per_s: Whole<1, 100_000>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trace {
    pub(crate) calls: Whole<0, 100_000>,
    pub(crate) messages_per_call: Whole<1, 2_000>,
    pub(crate) memory_mb: Whole<1, 65_536>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hep {
    pub(crate) collector: Collector,
    pub(crate) capture_id: Whole<0, { u32::MAX }>,
    /// Revealed when there is a collector.
    pub(crate) key: Secret,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) max_calls: Whole<1, 100_000>,
    pub(crate) max_cps: Whole<1, 100_000>,
    #[serde(rename = "per_source_cps")]
    _per_source_cps: Reserved,
    pub(crate) max_call_s: Whole<1, 604_800>,
    pub(crate) ring_s: Whole<1, 600>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) level: Level,
    pub(crate) format: Format,
    pub(crate) full_numbers: bool,
}

/// Where `--config` points when it is left out.
pub(crate) const DEFAULT_PATH: &str = "conf/strowger.toml";

const DEFAULTS: &str = include_str!("../../../../conf/strowger.toml");
const PREFIX: &str = "STROWGER__";

/// The file that a user wrote.
struct Written {
    name: String,
    text: String,
    document: Document<String>,
}

impl Config {
    /// Reads `path`, or [`DEFAULT_PATH`] if there is one, under the environment's overrides.
    ///
    /// # Errors
    /// Every fault of the file and of the environment.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, Faults> {
        let written = match path {
            Some(path) => Some(read(path)?),
            None if Path::new(DEFAULT_PATH).exists() => Some(read(Path::new(DEFAULT_PATH))?),
            None => None,
        };
        Self::merge(written, &environment())
    }

    /// The defaults under `overrides` (`sip.udp` and the like), without a file and without the environment.
    ///
    /// # Errors
    /// What is wrong with an override.
    pub(crate) fn embedded(overrides: &BTreeMap<String, String>) -> Result<Self, Faults> {
        Self::merge(None, overrides)
    }

    fn merge(
        written: Option<(String, String)>,
        overrides: &BTreeMap<String, String>,
    ) -> Result<Self, Faults> {
        let written = match written {
            Some((name, text)) => Some(Written::parse(name, text)?),
            None => None,
        };
        let mut faults = written.as_ref().map(Written::unknown_keys).unwrap_or_default();
        faults.extend(unknown_overrides(overrides));
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let merged =
            sources(written.as_ref(), overrides).map_err(|error| unplaced(written.as_ref(), &error))?;
        for key in KEYS {
            if key.check(&merged).is_err() {
                faults.push(fault_of(key, written.as_ref(), overrides));
            }
        }
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let mut config: Self =
            merged.try_deserialize().map_err(|error| unplaced(written.as_ref(), &error))?;
        let mut faults = config.tls_faults(written.as_ref(), overrides);
        faults.extend(config.admin_faults(written.as_ref(), overrides));
        faults.extend(config.session_fault(written.as_ref(), overrides));
        faults.extend(config.reveal(written.as_ref(), overrides));
        if faults.is_empty() { Ok(config) } else { Err(Faults(faults)) }
    }

    /// What `sip.tls` lacks.
    fn tls_faults(&self, written: Option<&Written>, overrides: &BTreeMap<String, String>) -> Vec<Fault> {
        let files = [("tls.certificate", &self.tls.certificate), ("tls.private_key", &self.tls.private_key)];
        let missing = files.into_iter().filter(|(_, file)| !self.sip.tls.0.is_empty() && file.0.is_none());
        let keys = missing.filter_map(|(name, _)| KEYS.iter().find(|key| key.name == name));
        keys.map(|key| Fault {
            place: place_of(key, written, overrides).0,
            key: key.name.to_owned(),
            message: "sip.tls listens, and needs it".to_owned(),
            remedy: format!("write, for example, {} = {}", key.own_name(), key.example),
        })
        .collect()
    }

    /// A certificate without its key, or a key without its certificate.
    fn admin_faults(&self, written: Option<&Written>, overrides: &BTreeMap<String, String>) -> Option<Fault> {
        let (missing, there) = match (&self.admin.certificate.0, &self.admin.private_key.0) {
            (Some(_), None) => ("admin.private_key", "admin.certificate"),
            (None, Some(_)) => ("admin.certificate", "admin.private_key"),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        let key = KEYS.iter().find(|key| key.name == missing)?;
        Some(Fault {
            place: place_of(key, written, overrides).0,
            key: key.name.to_owned(),
            message: format!("{there} is set, and needs it"),
            remedy: format!("write, for example, {} = {}", key.own_name(), key.example),
        })
    }

    /// We can't refuse others what we ask for ourselves (RFC 4028 s.4).
    fn session_fault(
        &self,
        written: Option<&Written>,
        overrides: &BTreeMap<String, String>,
    ) -> Option<Fault> {
        let (asked, least) = (self.sip.session_expires_s.0, self.sip.min_se_s.0);
        if least <= asked {
            return None;
        }
        let key = KEYS.iter().find(|key| key.name == "sip.min_se_s")?;
        Some(Fault {
            place: place_of(key, written, overrides).0,
            key: key.name.to_owned(),
            message: format!("{least} is longer than sip.session_expires_s, which is {asked}"),
            remedy: "write at most as many seconds".to_owned(),
        })
    }

    /// Puts the key of the collector in the place of its name, or tells why it can't be had.
    fn reveal(&mut self, written: Option<&Written>, overrides: &BTreeMap<String, String>) -> Option<Fault> {
        self.hep.collector.0?;
        let message = match secrets::look_up(&self.hep.key) {
            Ok(key) => {
                self.hep.key = Secret::Value(key);
                return None;
            }
            Err(message) => message,
        };
        let key = KEYS.iter().find(|key| key.name == "hep.key")?;
        let place = place_of(key, written, overrides).0;
        Some(Fault { place, key: key.name.to_owned(), message, remedy: secrets::REMEDY.to_owned() })
    }

    /// The files of `[tls]`, if a listener needs them.
    pub(crate) fn tls_files(&self) -> Option<sip_net::TlsFiles> {
        if self.sip.tls.0.is_empty() {
            return None;
        }
        let Tls { certificate, private_key, client_ca } = &self.tls;
        Some(sip_net::TlsFiles {
            section: "tls",
            certificate: certificate.0.clone()?,
            private_key: private_key.0.clone()?,
            client_ca: client_ca.0.clone(),
        })
    }

    /// The files of TLS for the HTTP API, if it has any.
    pub(crate) fn admin_tls_files(&self) -> Option<sip_net::TlsFiles> {
        let Admin { certificate, private_key, .. } = &self.admin;
        Some(sip_net::TlsFiles {
            section: "admin",
            certificate: certificate.0.clone()?,
            private_key: private_key.0.clone()?,
            client_ca: None,
        })
    }

    /// Whether SIP is listened for on anything but UDP.
    pub(crate) fn has_streams(&self) -> bool {
        [&self.sip.tcp, &self.sip.tls, &self.sip.ws].iter().any(|listeners| !listeners.0.is_empty())
    }

    /// The store's address, a relative file put under `node.data_dir`.
    pub(crate) fn store_url(&self) -> String {
        self.store.url.under(&self.node.data_dir.0)
    }

    /// Where the files lie that secrets may be named by over HTTP, a relative one put under `node.data_dir`.
    pub(crate) fn secrets_folder(&self) -> PathBuf {
        self.node.data_dir.0.join(&self.store.secrets_folder.0)
    }

    /// The realm of our digest challenges.
    pub(crate) fn realm(&self) -> String {
        match self.sip.realm.0.as_str() {
            "" => store::REALM.to_owned(),
            named => named.to_owned(),
        }
    }

    /// The User-Agent and Server header.
    pub(crate) fn user_agent(&self) -> String {
        match self.sip.user_agent.0.as_str() {
            "" => concat!("strowger/", env!("CARGO_PKG_VERSION")).to_owned(),
            named => named.to_owned(),
        }
    }
}

impl Written {
    fn parse(name: String, text: String) -> Result<Self, Faults> {
        match Document::parse(text.clone()) {
            Ok(document) => Ok(Self { name, text, document }),
            Err(error) => Err(Faults(vec![Fault {
                place: Place::at(&name, &text, error.span().map_or(0, |span| span.start)),
                key: String::new(),
                message: format!("not TOML: {}", error.message().trim().replace('\n', ", ")),
                remedy: String::new(),
            }])),
        }
    }

    /// Sections and keys that are none of ours.
    fn unknown_keys(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (section, item) in self.document.iter() {
            let known: Vec<&str> = KEYS.iter().filter_map(|key| key.in_section(section)).collect();
            let offset =
                self.document.key(section).and_then(toml_edit::Key::span).map_or(0, |span| span.start);
            if known.is_empty() {
                let sections = KEYS.iter().map(Key::section);
                faults.push(self.fault(
                    offset,
                    section,
                    "no such section".into(),
                    meant(nearest(section, sections)),
                ));
                continue;
            }
            let Some(table) = item.as_table_like() else {
                let remedy = format!("write it as [{section}] on its own line, with its keys below");
                faults.push(self.fault(offset, section, "expected a section".into(), remedy));
                continue;
            };
            for (name, _) in table.iter().filter(|(name, _)| !known.contains(name)) {
                let offset = table.key(name).and_then(toml_edit::Key::span).map_or(0, |span| span.start);
                let remedy = meant(nearest(name, known.iter().copied()));
                faults.push(self.fault(offset, &format!("{section}.{name}"), "no such key".into(), remedy));
            }
        }
        faults
    }

    /// Where `key` has its value, and the value as it is written there.
    fn value(&self, key: &Key) -> Option<(usize, &str)> {
        let item = self.document.get(key.section())?.get(key.own_name())?;
        let span = item.span()?;
        Some((span.start, self.text.get(span)?))
    }

    fn fault(&self, offset: usize, key: &str, message: String, remedy: String) -> Fault {
        Fault { place: Place::at(&self.name, &self.text, offset), key: key.to_owned(), message, remedy }
    }
}

/// A file's name as told to the user, and its text.
pub(crate) fn read(path: &Path) -> Result<(String, String), Faults> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((name, text)),
        Err(error) => Err(Faults(vec![Fault {
            place: Place::File(name),
            key: String::new(),
            message: format!("can't be read: {error}"),
            remedy: String::new(),
        }])),
    }
}

/// `did you mean ...?`, or nothing.
pub(crate) fn meant(word: Option<&str>) -> String {
    word.map(|word| format!("did you mean `{word}`?")).unwrap_or_default()
}

fn sources(
    written: Option<&Written>,
    overrides: &BTreeMap<String, String>,
) -> Result<config::Config, config::ConfigError> {
    let toml = |text: &str| config::File::from_str(text, config::FileFormat::Toml);
    let mut builder = config::Config::builder().add_source(toml(DEFAULTS));
    if let Some(written) = written {
        builder = builder.add_source(toml(&written.text));
    }
    for (key, value) in overrides {
        builder = builder.set_override(key, value.as_str())?;
    }
    builder.build()
}

/// The variables that are meant for us, by the key that they set.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let key = name.strip_prefix(PREFIX)?.to_ascii_lowercase().replacen("__", ".", 1);
            Some((key, value.to_string_lossy().into_owned()))
        })
        .collect()
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replacen('.', "__", 1))
}

fn unknown_overrides(overrides: &BTreeMap<String, String>) -> impl Iterator<Item = Fault> {
    overrides.keys().filter(|name| !KEYS.iter().any(|key| key.name == *name)).map(|name| Fault {
        place: Place::Environment(variable(name)),
        key: String::new(),
        message: "names no key".into(),
        remedy: nearest(name, KEYS.iter().map(|key| key.name))
            .map(|key| format!("did you mean {}?", variable(key)))
            .unwrap_or_default(),
    })
}

/// Where a key has its value, and the value as it is written there.
fn place_of(key: &Key, written: Option<&Written>, overrides: &BTreeMap<String, String>) -> (Place, String) {
    if let Some(value) = overrides.get(key.name) {
        (Place::Environment(variable(key.name)), format!("\"{value}\""))
    } else if let Some((written, (offset, value))) = written.and_then(|file| Some((file, file.value(key)?))) {
        (Place::at(&written.name, &written.text, offset), value.trim().replace('\n', " "))
    } else {
        (Place::File("the embedded defaults".into()), String::new())
    }
}

fn fault_of(key: &Key, written: Option<&Written>, overrides: &BTreeMap<String, String>) -> Fault {
    let (place, found) = place_of(key, written, overrides);
    Fault {
        place,
        key: key.name.to_owned(),
        message: format!("expected {}, found {found}", key.expected),
        remedy: format!("write, for example, {} = {}", key.own_name(), key.example),
    }
}

/// A fault of the merge as a whole: no key has one of its own.
fn unplaced(written: Option<&Written>, error: &config::ConfigError) -> Faults {
    Faults(vec![Fault {
        place: Place::File(
            written.map_or_else(|| "configuration".to_owned(), |written| written.name.clone()),
        ),
        key: String::new(),
        message: error.to_string(),
        remedy: String::new(),
    }])
}

#[cfg(test)]
mod tests;
