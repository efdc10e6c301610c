//! From the store's inventory to the directory that calls are routed by, and again after each change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use b2bua::io::Input;
use numbers::Directory;
use store::{Pulse, Snapshot, Store};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{error, info, warn};
use witness::{Metrics, Secrets};

use crate::failure::Failure;
use crate::fault::{Fault, Faults, Place};
use crate::{calendar, secrets};

/// The first directory: of what is stored, or, if the store does not answer and there is a copy, of that.
///
/// # Errors
/// When neither can be read, or what it holds is no inventory of this version.
pub(crate) async fn begin(store: &Store, copy: Option<PathBuf>) -> Result<Directory, Failure> {
    let nothing = Arc::new(Directory::empty());
    match (load_after(store, Arc::clone(&nothing), copy.clone()).await, copy) {
        (Err(Failure::Store(gone)), Some(path)) if gone.is_transient() => {
            let Some(snapshot) = Snapshot::kept(&path)? else { return Err(gone.into()) };
            let (revision, copy) = (snapshot.revision, path.display());
            warn!(error = %gone, revision, %copy, "starting with the inventory that was known last");
            directory(snapshot, nothing).await
        }
        (loaded, _) => loaded,
    }
}

/// Builds the directory of what is stored.
///
/// # Errors
/// When the store can't be read, or what it holds is no inventory of this version.
pub(crate) async fn load(store: &Store) -> Result<Directory, Failure> {
    directory(store.snapshot().await?, Arc::new(Directory::empty())).await
}

/// The same, after the one `before`, and keeps a copy of what is stored once it is known to be good.
async fn load_after(
    store: &Store,
    before: Arc<Directory>,
    copy: Option<PathBuf>,
) -> Result<Directory, Failure> {
    let snapshot = store.kept_snapshot().await?;
    let kept = copy.map(|path| (path, snapshot.clone()));
    let directory = directory(snapshot, Arc::clone(&before)).await?;
    for useless in of_other_realms(&directory, &before, store.realm()) {
        error!("{useless}");
    }
    for keys in in_clear(&directory, &before) {
        warn!("{keys}");
    }
    if let Some((path, kept)) = kept {
        let written = spawn_blocking(move || kept.keep(&path).map_err(|error| error.to_string())).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(error.to_string())) {
            warn!(error, "a start without the store will have an older inventory");
        }
    }
    Ok(directory)
}

/// Whose passwords are no good in this realm, in words; not those that were there before.
fn of_other_realms(directory: &Directory, before: &Directory, realm: &str) -> Vec<String> {
    let agents = directory
        .agents()
        .filter(|agent| before.agent(&agent.id).is_none_or(|known| !Arc::ptr_eq(known, agent)))
        .filter_map(|agent| agent.useless_password(realm));
    let trunks = directory
        .trunks()
        .filter(|trunk| before.trunk(&trunk.id).is_none_or(|known| !Arc::ptr_eq(known, trunk)))
        .filter_map(|trunk| trunk.useless_password(realm));
    agents.chain(trunks).collect()
}

/// Whose keys go by signalling that is not encrypted, in words; not what was to be said of them before.
fn in_clear(directory: &Directory, before: &Directory) -> Vec<String> {
    let agents = directory.agents().filter_map(|agent| {
        let known = before.agent(&agent.id).and_then(|known| known.keys_in_clear());
        agent.keys_in_clear().filter(|told| known.as_ref() != Some(told))
    });
    let trunks = directory.trunks().flat_map(|trunk| {
        let known = before.trunk(&trunk.id).map(|known| known.keys_in_clear()).unwrap_or_default();
        trunk.keys_in_clear().into_iter().filter(move |told| !known.contains(told))
    });
    agents.chain(trunks).collect()
}

async fn directory(snapshot: Snapshot, before: Arc<Directory>) -> Result<Directory, Failure> {
    let Snapshot { revision, inventory } = snapshot;
    // Files take a while to read and a hundred thousand numbers to index, which other tasks of this thread are not to wait for.
    let indexing = spawn_blocking(move || {
        let inventory = inventory.resolve(secrets::look_up)?;
        Snapshot { revision, inventory }.directory(&before)
    });
    let indexed = indexing.await.map_err(|ended| Failure::Indexing(ended.to_string()))?;
    Ok(indexed.map_err(stored)?)
}

/// Hands the core a new directory after each change of the store. One that can't be taken is told, and the running one stays;
/// it is tried again, as a store may be busy and a secret's file come late.
///
/// Which headers hold secrets is known before any is sent.
pub(crate) async fn watch(
    store: Store,
    running: Arc<Directory>,
    inputs: mpsc::Sender<Input>,
    secrets: watch::Sender<Secrets>,
    seen: Seen,
    copy: Option<PathBuf>,
) {
    follow(store, running, inputs, secrets, seen, copy, load_after).await;
}

async fn follow(
    store: Store,
    mut running: Arc<Directory>,
    inputs: mpsc::Sender<Input>,
    secrets: watch::Sender<Secrets>,
    Seen { metrics, pulse }: Seen,
    copy: Option<PathBuf>,
    mut load: impl AsyncFnMut(&Store, Arc<Directory>, Option<PathBuf>) -> Result<Directory, Failure>,
) {
    let mut told = String::new();
    loop {
        let revision = store.changed(running.revision()).await;
        let began = Instant::now();
        match load(&store, Arc::clone(&running), copy.clone()).await {
            Ok(directory) => {
                secrets.send_modify(|secrets| secrets.learn(directory.secret_headers()));
                told.clear();
                pulse.took(revision, Ok::<_, Failure>(()));
                metrics.routed_by(&directory, calendar::wall_ms() / 1000);
                let (numbers, agents, trunks) =
                    (directory.numbers().len(), directory.agents().len(), directory.trunks().len());
                running = Arc::new(directory);
                if inputs.send(Input::Directory(Arc::clone(&running))).await.is_err() {
                    return;
                }
                let (revision, took_ms) = (running.revision(), began.elapsed().as_millis());
                info!(revision, numbers, agents, trunks, took_ms, "inventory changed");
            }
            Err(failure) => {
                pulse.took(revision, Err(&failure));
                let failure = failure.to_string();
                if failure != told {
                    for fault in failure.lines() {
                        error!(revision, fault, "the stored inventory is not taken, the running one stays");
                    }
                    told = failure;
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Where it is seen what calls are routed by.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pulse: Arc<Pulse>,
}

/// Until what could not be taken is tried again.
const AGAIN: Duration = Duration::from_secs(1);

fn stored(faults: Vec<numbers::Fault>) -> Faults {
    let told = faults.into_iter().map(|fault| Fault {
        place: Place::File("the stored inventory".to_owned()),
        key: fault.path,
        message: fault.message,
        remedy: fault.remedy,
    });
    Faults(told.collect())
}

#[cfg(test)]
mod tests {
    use numbers::Inventory;

    use super::*;

    #[tokio::test]
    async fn a_password_of_another_realm_is_told_once() {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let text = "agents = [{ id = 'desk', endpoint = { kind = 'sip', uri = 'sip:a@192.0.2.1', username = 'desk', password = 'p' } }]
                    trunks = [{ id = 'pbx', inbound = { username = 'pbx', password = 'p' } }]";
        store.apply(&toml::from_str::<Inventory>(text).unwrap()).await.unwrap();
        let nothing = Directory::empty();
        let directory = load(&store).await.unwrap();
        assert!(of_other_realms(&directory, &nothing, "strowger").is_empty());
        let told = of_other_realms(&directory, &nothing, "sip.example");
        assert_eq!(told.len(), 2);
        assert_eq!(
            told[1],
            "trunk `pbx` can't show its password: what is kept of it is for the realm `strowger`, and sip.realm is \
             `sip.example`; give the password again, or set sip.realm back"
        );
        assert!(of_other_realms(&directory, &directory, "sip.example").is_empty());
    }

    #[tokio::test]
    async fn keys_in_clear_are_told_of_each_agent_and_trunk_once() {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let agent = |encryption: &str, name: &str| {
            format!("agents = [{{ id = 'desk', name = '{name}', endpoint = {{ kind = 'sip', uri = 'sip:a@192.0.2.9', media_encryption = '{encryption}' }} }}]
                     trunks = [{{ id = 'pbx', inbound = {{ addresses = ['192.0.2.1'], transports = ['tls'], media_encryption = 'required' }} }},
                               {{ id = 'acme', inbound = {{ addresses = ['192.0.2.2'], media_encryption = 'optional' }} }}]")
        };
        let mut before = Directory::empty();
        for (encryption, name, told) in [
            ("off", "", &["inbound of trunk `acme` may have media keys in its messages"][..]),
            ("required", "", &["agent `desk` has media keys in its messages"]),
            ("required", "Desk", &[]),
            ("optional", "Desk", &["agent `desk` may have media keys in its messages"]),
            ("optional", "Desk", &[]),
        ] {
            store.apply(&toml::from_str::<Inventory>(&agent(encryption, name)).unwrap()).await.unwrap();
            let directory = load(&store).await.unwrap();
            let found = in_clear(&directory, &before);
            assert_eq!(found.len(), told.len(), "{encryption} {name}: {found:?}");
            assert!(found.iter().zip(told).all(|(found, told)| found.starts_with(told)), "{found:?}");
            before = directory;
        }
    }

    #[tokio::test]
    async fn a_change_that_can_not_be_taken_at_once_is_taken_when_it_can() {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let running = Arc::new(Directory::empty());
        store
            .apply(
                &toml::from_str::<Inventory>(
                    "[[agents]]\nid = \"a\"\nendpoint = { kind = \"sip\", uri = \"sip:a@192.0.2.1\", headers = { X-Key = \"k\" } }",
                )
                .unwrap(),
            )
            .await
            .unwrap();
        let (inputs, mut received) = mpsc::channel(4);
        let secrets = watch::Sender::new(Secrets::default());
        let known = secrets.subscribe();
        let mut failures = 2;
        let pulse = Arc::<Pulse>::default();
        let seen = Seen { metrics: Arc::new(Metrics::new("0", Arc::default())), pulse: Arc::clone(&pulse) };
        let watched = Arc::clone(&pulse);
        let load = async move |store: &Store, before, copy| {
            if failures < 2 {
                let untaken = watched.untaken().unwrap();
                assert!(untaken.starts_with("revision 1 is not taken: "), "{untaken}");
            }
            if failures > 0 {
                failures -= 1;
                return Err(Failure::Store(store::Error::Silent));
            }
            load_after(store, before, copy).await
        };
        tokio::spawn(follow(store, running, inputs, secrets, seen, None, load));
        let Some(Input::Directory(directory)) = received.recv().await else { panic!("a directory comes") };
        assert_eq!((directory.agents().len(), pulse.untaken()), (1, None));
        let mut expected = Secrets::default();
        expected.learn(["X-Key"]);
        assert_eq!(*known.borrow(), expected);
    }
}
