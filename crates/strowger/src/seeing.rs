//! What lets the node be seen: the window on the signalling task, traces, the HEP collector, the HTTP API.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use admin::{Api, Drain, Health, Live, drains};
use b2bua::CallRecord;
use sip::endpoint::Listener;
use sip_net::{Collector, Inquiries, Watch, Window, inquiries, passages};
use store::{Pulse, Store};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tracing::info;
use witness::hep::Agent;
use witness::{Archive, Bounds, Counters, Metrics, Secrets};

use crate::config::Config;
use crate::failure::Failure;
use crate::observers::{Observer, Observers};

/// The listener of the HTTP API, if it has one.
///
/// # Errors
/// Its port is in use.
pub(crate) async fn bind(config: &Config) -> Result<Option<TcpListener>, Failure> {
    let Some(address) = config.admin.listen.0 else { return Ok(None) };
    let listener = admin::bind(address).await?;
    info!(listen = %listener.local_addr().unwrap_or(address), "HTTP API");
    Ok(Some(listener))
}

/// What others see of the node.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
    /// The signalling task answers there: so it is known to be alive.
    pub(crate) inquiries: Inquiries,
}

/// Starts all of it; the window is for the signalling task, the wish that the node drain for who stops it. Headers that are among
/// the secrets are shown to nobody.
///
/// # Errors
/// There is no socket to the collector.
pub(crate) fn start(
    config: &Config,
    api: Option<TcpListener>,
    store: &Store,
    sip_listeners: &[Listener],
    secrets: watch::Receiver<Secrets>,
    observers: &mut Observers,
) -> Result<(Window, Seen, mpsc::Receiver<Drain>), Failure> {
    let counters: Arc<Counters> = Arc::default();
    let archive = archive(config);
    let collector = collector(config, &counters)?;
    let mut window = Window { counters: Arc::clone(&counters), ..Window::default() };
    if archive.is_some() || collector.is_some() {
        let (sender, receiver) = passages();
        window.passages = Some(sender);
        let advertised = sip_listeners.iter().map(|listener| (listener.local, listener.advertised)).collect();
        let watch = Watch { archive: archive.clone(), collector, advertised, secrets };
        observers.spawn(Observer::Witness, watch.run(receiver));
    }
    let (inquiries, answered) = inquiries();
    window.inquiries = Some(answered);
    let (drains, asked) = drains();
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), counters));
    let seen = Seen { metrics, health: Arc::default(), inquiries };
    observers.spawn(Observer::Pulse, listen(store.clone(), Arc::clone(&seen.health.pulse)));
    if let Some(listener) = api {
        let api = Api {
            store: store.clone(),
            live: Arc::new(Calls(seen.inquiries.clone())),
            archive,
            metrics: Arc::clone(&seen.metrics),
            health: Arc::clone(&seen.health),
            drains,
        };
        observers.spawn(Observer::Api, admin::serve(listener, api));
    }
    Ok((window, seen, asked))
}

/// Asks the store once a second whether it is there, for ever.
async fn listen(store: Store, pulse: Arc<Pulse>) {
    loop {
        let asked = timeout(STORE_ANSWERS, store.revision()).await;
        let words = asked.map_or_else(
            |_| Err(format!("no answer within {} s", STORE_ANSWERS.as_secs())),
            |answer| answer.map(drop).map_err(|error| error.to_string()),
        );
        pulse.read(words).ok();
        sleep(BEAT).await;
    }
}

fn archive(config: &Config) -> Option<Archive> {
    let trace = &config.trace;
    let bounds = Bounds {
        calls: trace.calls.0 as usize,
        messages_per_call: trace.messages_per_call.0 as usize,
        bytes: (trace.memory_mb.0 as usize) << 20,
    };
    (bounds.calls > 0).then(|| Archive::new(bounds))
}

fn collector(config: &Config, counters: &Arc<Counters>) -> Result<Option<Collector>, Failure> {
    let hep = &config.hep;
    let Some(address) = hep.collector.0 else { return Ok(None) };
    let agent = Agent { capture_id: hep.capture_id.0, key: hep.key.reveal().to_owned() };
    let collector = Collector::new(address, agent, Arc::clone(counters))
        .map_err(|error| Failure::Collector(address, error))?;
    info!(collector = %address, "HEP");
    Ok(Some(collector))
}

/// The calls that are up, for the API.
struct Calls(Inquiries);

impl Live for Calls {
    fn calls(&self, id: String) -> Pin<Box<dyn Future<Output = Vec<CallRecord>> + Send + '_>> {
        Box::pin(self.0.calls(id))
    }
}

const BEAT: Duration = Duration::from_secs(1);
const STORE_ANSWERS: Duration = Duration::from_secs(5);
