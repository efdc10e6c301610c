//! A running node: the core on its sockets, the packet threads, the agent streams, the store. Started in order.

mod end;

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use admin::{Drain, Phase};
use agent_net::{Options, Streams, Trust};
use b2bua::io::{Input, Now};
use b2bua::{Core, MediaAddress, Sharing};
use media_net::{Plan, WorkerFailed, Workers};
use sip_net::{Ending, Sockets};
use store::{Begun, Lock, Recorder, Spool, Store};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing::{info, warn};
use witness::Secrets;

use crate::config::{Config, UnknownSource};
use crate::failure::Failure;
use crate::mask::Numbers;
use crate::notices::Notices;
use crate::observers::{Observer, Observers};
use crate::seeing::Seen;
use crate::wiring::{Wiring, agent_events, media_events};
use crate::{addresses, calendar, directories, packets, seeing, sockets};

pub(crate) use self::end::{LONGEST_STOP, Woken};

/// What runs, and what it takes to stop it.
pub(crate) struct Node {
    listeners: Vec<SocketAddr>,
    inputs: mpsc::Sender<Input>,
    signalling: JoinHandle<Ending>,
    recorder: JoinHandle<()>,
    /// Tells other daemons on the store what calls take, if it may have others.
    sharing: Option<JoinHandle<()>>,
    streams: Streams,
    /// Carry events to the core until dropped.
    carriers: JoinSet<()>,
    /// Show others what is seen of it.
    observers: Observers,
    seen: Seen,
    /// The API's wish that we drain.
    drains: mpsc::Receiver<Drain>,
    /// Ready when a packet thread has ended by itself.
    workers_failed: Pin<Box<dyn Future<Output = WorkerFailed> + Send>>,
    _lock: Lock,
}

impl Node {
    /// Starts everything: when it returns, calls are taken.
    ///
    /// # Errors
    /// What is in the way: another daemon on the store, a faulty stored inventory, a port in use, no threads.
    pub(crate) async fn start(config: &Config, store: Store) -> Result<Self, Failure> {
        Self::start_with(config, store, Workers::start).await
    }

    /// As `start`, with packet threads that are started so.
    ///
    /// # Errors
    /// As `start` has them.
    pub(crate) async fn start_with(
        config: &Config,
        store: Store,
        threads: fn(&Plan, &mpsc::Sender<media::Event>) -> io::Result<Workers>,
    ) -> Result<Self, Failure> {
        let store = store.of_node(&config.node.id.0);
        let lock = store.lock().await?;
        let copy = beside(config, &store, "inventory", "json");
        let directory = directories::begin(&store, copy.clone()).await?;
        if directory.numbers().len() == 0 {
            warn!("the inventory has no numbers: every call is refused. See `strowger apply --help`");
        }
        let mut observers = Observers::default();
        let (bound, sip_listeners) = sockets::bind(config, &mut observers)?;
        let listeners: Vec<SocketAddr> = bound.iter().map(sip_net::Listener::local).collect();
        let door = seeing::bind(config, &store, &mut observers).await?;
        // Not before we hold the store and the ports: whoever has them may be in the middle of these calls.
        let (recorder, mut before) = recorder(config, &store).await?;
        let mut sharing = store.sharing();
        if let Some(sharing) = &mut sharing {
            before.extend(sharing.begin().await);
        }

        let mut seeds = [0; 40];
        getrandom::fill(&mut seeds).map_err(Failure::Randomness)?;
        let (seed, media_seed) = split(seeds);
        let (inputs, received) = mpsc::channel(INPUTS);
        let (media_told, media) = mpsc::channel(EVENTS);
        let (agents_told, agents) = mpsc::channel(EVENTS);
        let count = worker_count(config);
        let options = Options { user_agent: config.user_agent(), trust: Trust::System };
        let streams = Streams::new(&options, agents_told);
        let mut carriers = JoinSet::new();
        let secrets = watch::Sender::new(Secrets::default());
        secrets.send_modify(|secrets| secrets.learn(directory.secret_headers()));
        let (window, shown, drains) =
            seeing::start(config, door, &store, &sip_listeners, secrets.subscribe(), &mut observers)?;
        let events = shown.events.clone();
        let (metrics, pulse) = (Arc::clone(&shown.metrics), Arc::clone(&shown.health.pulse));
        let counts = Arc::clone(metrics.packet_threads());
        let plan = packets::plan(&config.media, count, media_seed, counts)?;
        let workers = threads(&plan, &media_told).map_err(Failure::Workers)?;
        metrics.routed_by(&directory, calendar::wall_ms() / 1000);
        let directory = Arc::new(directory);
        let mut core =
            Core::new(core_config(config, sip_listeners, count, &store), Arc::clone(&directory), seed);
        let start = Now { instant: Instant::now(), wall_ms: calendar::wall_ms() };
        for input in before {
            core.handle(start, input);
        }

        let numbers = Numbers::from_full(config.log.full_numbers);
        let (records, entries) = mpsc::unbounded_channel();
        let recorder = tokio::spawn(recorder.run(entries, inputs.clone(), Arc::clone(&pulse)));
        let (usage, changes) = sharing.is_some().then(mpsc::unbounded_channel).unzip();
        let sharing = sharing.zip(changes);
        let sharing = sharing.map(|(sharing, changes)| tokio::spawn(sharing.run(changes, inputs.clone())));
        carriers.spawn(media_events(media, inputs.clone(), Arc::clone(&metrics)));
        carriers.spawn(agent_events(agents, inputs.clone()));
        let running = Arc::clone(&directory);
        let watched = directories::Seen { metrics: Arc::clone(&metrics), pulse: Arc::clone(&pulse) };
        carriers.spawn(directories::watch(store, running, inputs.clone(), secrets, watched, copy));
        let name_servers = config.sip.name_servers.asked();
        let sockets = Sockets { listeners: bound, limits: sockets::limits(config), name_servers, directory };
        let workers_failed = Box::pin(workers.failed());
        let notices = Notices::new(Instant::now(), numbers);
        let wiring = Wiring {
            workers,
            streams: streams.clone(),
            records,
            usage,
            numbers,
            notices,
            metrics,
            pulse,
            events,
        };
        let signalling = tokio::spawn(sip_net::run(core, sockets, window, received, wiring));
        shown.health.enter(Phase::Serving);
        Ok(Self {
            listeners,
            inputs,
            signalling,
            recorder,
            sharing,
            streams,
            carriers,
            observers,
            seen: shown,
            drains,
            workers_failed,
            _lock: lock,
        })
    }

    /// Where SIP is listened on; never empty.
    pub(crate) fn listeners(&self) -> &[SocketAddr] {
        &self.listeners
    }

    /// What others see of it.
    pub(crate) const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Runs beside it, as long as it does.
    pub(crate) fn watch(&mut self, observer: Observer, task: impl Future<Output = ()> + Send + 'static) {
        self.observers.spawn(observer, task);
    }
}

/// What writes call records, once the calls are marked that were up when the last daemon on this store ended without a word; and what the
/// core is to know of the calls before.
async fn recorder(config: &Config, store: &Store) -> Result<(Recorder, Vec<Input>), Failure> {
    let spool = beside(config, store, "records", "jsonl").map(|path| Spool::open(&path)).transpose()?;
    let longest = Duration::from_secs(config.limits.max_call_s.0.into());
    let mut recorder = Recorder::new(store.clone(), spool, calendar::wall_ms()).with_longest_call(longest);
    let Begun { cut_off, inputs } = recorder.begin().await?;
    if cut_off > 0 {
        warn!(
            calls = cut_off,
            "calls were up when the daemon last stopped: their records are marked cut-off"
        );
    }
    Ok((recorder, inputs))
}

/// A file of this node on this machine, for a store that may be gone.
fn beside(config: &Config, store: &Store, name: &str, kind: &str) -> Option<PathBuf> {
    let file = format!("{name}-{}.{kind}", config.node.id.0);
    store.is_remote().then(|| config.node.data_dir.0.join(file))
}

fn core_config(
    config: &Config,
    sip_listeners: Vec<sip::endpoint::Listener>,
    workers: u16,
    store: &Store,
) -> b2bua::Config {
    let (media, media_of) = media_addresses(config, &sip_listeners, workers);
    let (calls, cps) = (config.limits.max_calls.0, config.limits.max_cps.0);
    let sip = sip::endpoint::Config {
        listeners: sip_listeners,
        user_agent: config.user_agent(),
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
        max_transactions: (calls * 4 + cps * TRANSACTIONS_OF_A_SECOND) as usize,
        max_dialogs: (calls * 2 + cps * DIALOGS_OF_A_SECOND) as usize,
        udp_max_payload: config.sip.udp_max_payload.0 as usize,
        session: sip::endpoint::SessionTimer {
            interval: Duration::from_secs(config.sip.session_expires_s.0.into()),
            least: Duration::from_secs(config.sip.min_se_s.0.into()),
        },
    };
    let pairs = config.media.ports.pairs();
    if pairs < calls {
        warn!(
            pairs,
            max_calls = calls,
            "media.ports has fewer pairs than limits.max_calls: calls beyond them get 503"
        );
    }
    let silence = config.media.silence_timeout_s.0;
    b2bua::Config {
        media,
        media_of,
        workers,
        realm: config.realm(),
        digest: config.sip.digest_algorithms.0.clone(),
        unknown_source: match config.sip.unknown_source {
            UnknownSource::Drop => b2bua::UnknownSource::Drop,
            UnknownSource::Reject => b2bua::UnknownSource::Reject,
        },
        limits: b2bua::Limits {
            max_calls: Some(calls),
            max_cps: Some(cps),
            max_call_s: Some(config.limits.max_call_s.0),
            ring_s: config.limits.ring_s.0,
        },
        silence_timeout: (silence > 0).then(|| Duration::from_secs(silence.into())),
        server_timeout: Duration::from_secs(config.sip.server_timeout_s.0.into()),
        agent_ring_timeout: Duration::from_secs(config.sip.agent_ring_timeout_s.0.into()),
        node_id: config.node.id.0.clone(),
        sharing: if store.is_remote() { Sharing::Shared } else { Sharing::Alone },
        ..b2bua::Config::new(sip, media.advertised, config.media.ports.0.clone())
    }
}

/// Where the RTP of all legs goes, if the configuration says so; else where that of each SIP listener's does.
fn media_addresses(
    config: &Config,
    sip_listeners: &[sip::endpoint::Listener],
    workers: u16,
) -> (MediaAddress, Vec<(sip::Transport, SocketAddr, MediaAddress)>) {
    let place = |listener: IpAddr, advertised: IpAddr| MediaAddress {
        advertised,
        bind: addresses::media(listener, advertised),
    };
    let first = config.sip.udp.0[0].address;
    let written = config.media.advertised.0;
    let advertised = written.unwrap_or_else(|| addresses::advertised(config.sip.advertised.0, first));
    let media = place(first.ip(), advertised);
    let own = sip_listeners.iter().filter(|_| written.is_none());
    let media_of: Vec<_> =
        own.map(|own| (own.transport, own.local, place(own.local.ip(), own.advertised.ip()))).collect();
    let used = media_of.iter().map(|(_, _, address)| *address);
    let used = used.chain(media_of.is_empty().then_some(media));
    let told: BTreeSet<_> = used.map(|address| (address.advertised, address.bind)).collect();
    for (advertised, bind) in told {
        info!(%bind, %advertised, workers, "RTP");
    }
    (media, media_of)
}

/// As many as asked for, or one for each core.
fn worker_count(config: &Config) -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let count = match config.media.workers.0 {
        0 => u32::try_from(cores).unwrap_or(1).min(MOST_WORKERS),
        asked => asked,
    };
    u16::try_from(count).unwrap_or(1)
}

fn split(seeds: [u8; 40]) -> ([u8; 32], u64) {
    let (mut seed, mut media) = ([0; 32], [0; 8]);
    seed.copy_from_slice(&seeds[..32]);
    media.copy_from_slice(&seeds[32..]);
    (seed, u64::from_le_bytes(media))
}

/// Inputs that wait for the core; what brings them waits too.
const INPUTS: usize = 4096;
const EVENTS: usize = 4096;
const MOST_WORKERS: u32 = 64;
/// An INVITE and a BYE, each remembered for 32 s after its end (timers J, L), and twice that for an agent's leg.
const TRANSACTIONS_OF_A_SECOND: u32 = 128;
/// A call that has ended is remembered while its BYE is.
const DIALOGS_OF_A_SECOND: u32 = 64;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    async fn node() -> (Node, Store) {
        let keys = [
            ("sip.udp", "127.0.0.1:0"),
            ("sip.advertised", "127.0.0.1"),
            ("media.workers", "1"),
            ("admin.listen", ""),
        ];
        let keys: BTreeMap<_, _> =
            keys.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let store = Store::open("sqlite::memory:").await.unwrap();
        (Node::start(&Config::embedded(&keys).unwrap(), store.clone()).await.unwrap(), store)
    }

    #[tokio::test]
    async fn a_drain_without_calls_is_over_at_once() {
        let (mut node, store) = node().await;
        node.drain(Duration::ZERO).await.unwrap();
        assert_eq!(node.seen.health.phase(), Phase::Draining);
        node.stop().await;
        store.close().await;
    }

    #[tokio::test]
    async fn the_end_of_any_part_is_told_and_the_rest_stops_in_order() {
        type Break = fn(&mut Node);
        let parts: [(&str, Break); 4] = [
            ("the signalling task ended", |node| node.signalling.abort()),
            ("the recorder of calls ended", |node| node.recorder.abort()),
            ("a task that carries events ended", |node| node.carriers.abort_all()),
            ("the packet thread media-0 ended: it panicked", |node| {
                let failed = WorkerFailed { worker: media::command::WorkerId(0), why: "it panicked".into() };
                node.workers_failed = Box::pin(std::future::ready(failed));
            }),
        ];
        for (words, end) in parts {
            let (mut node, store) = node().await;
            end(&mut node);
            let Woken::Failed(failure) = node.woken().await else { panic!("nobody asks that it drain") };
            let failure = failure.to_string();
            assert!(failure.starts_with(words), "{failure}");
            node.stop().await;
            store.close().await;
        }
    }
}
