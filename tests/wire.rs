//! What SIP is spoken over between a daemon and the gateway of a test.

use std::path::Path;

use crate::house::{Hosts, PORT, Who};
use crate::tunnel::{Authority, environment};

/// Over what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wire {
    Udp,
    Tcp,
    Tls,
}

impl Wire {
    /// As URIs, the inventory and traces name it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// The port of whoever speaks it.
    pub(crate) const fn port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => PORT,
            Self::Tls => PORT + 1,
        }
    }

    /// What a Contact says behind the port: nothing of UDP, as most don't.
    pub(crate) const fn parameter(self) -> &'static str {
        match self {
            Self::Udp => "",
            Self::Tcp => ";transport=tcp",
            Self::Tls => ";transport=tls",
        }
    }

    /// What the daemon's configuration has more for it, beside UDP. Certificates of the daemon (`daemon`) and of the gateway (`tunnel`) are
    /// put into the folder.
    pub(crate) fn settings(self, folder: &Path, hosts: Hosts) -> Vec<(String, String)> {
        let listen = format!("{}:{}", hosts.of(Who::Daemon), self.port());
        match self {
            Self::Udp => Vec::new(),
            Self::Tcp => vec![("STROWGER__SIP__TCP".to_owned(), listen)],
            Self::Tls => {
                let authority = Authority::new(folder);
                authority.certify(folder, "daemon", &[hosts.of(Who::Daemon)]);
                authority.certify(folder, "tunnel", &[hosts.of(Who::Gateway)]);
                environment(folder, &listen).to_vec()
            }
        }
    }
}
