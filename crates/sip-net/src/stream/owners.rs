//! What our trunks and agents own, as far as it matters to connections.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use numbers::Directory;

use super::gate::Standing;

/// The directory that is in force, shared by all connections.
#[derive(Clone, Debug)]
pub(crate) struct Owners(Arc<Mutex<Arc<Directory>>>);

impl Owners {
    pub(crate) fn new(directory: Arc<Directory>) -> Self {
        Self(Arc::new(Mutex::new(directory)))
    }

    /// Another directory is in force.
    pub(crate) fn replace(&self, directory: Arc<Directory>) {
        *self.directory() = directory;
    }

    /// Whether a trunk or agent of ours has that address.
    pub(crate) fn standing(&self, address: IpAddr) -> Standing {
        let directory = Arc::clone(&self.directory());
        if directory.trunk_by_source(address).is_some() || directory.agent_by_source(address).is_some() {
            Standing::Known
        } else {
            Standing::Stranger
        }
    }

    /// The names that the certificate of the trunk at that address may be for; empty if none are configured.
    pub(crate) fn tls_names(&self, address: IpAddr) -> Vec<String> {
        let directory = Arc::clone(&self.directory());
        let inbound = directory.trunk_by_source(address).and_then(|trunk| trunk.inbound.as_ref());
        inbound.map(|inbound| inbound.tls_names.clone()).unwrap_or_default()
    }

    fn directory(&self) -> MutexGuard<'_, Arc<Directory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
