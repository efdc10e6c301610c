//! What lets the node be seen: the window on the signalling task, traces, the HEP collector, the HTTP API.

use std::sync::Arc;
use std::time::Duration;

use admin::{Answering, Certificates, Drain, Events, Guarded, Health, Live, Sources, drains};
use b2bua::CallRecord;
use b2bua::ask::{Dialled, Digits, Place};
use sip::endpoint::Listener;
use sip_net::{Collector, Inquiries, Tls, Trust, Watch, Window, inquiries, passages};
use store::{Pulse, Store};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};
use witness::hep::Agent;
use witness::{Archive, Bounds, Counters, Metrics, Secrets};

use crate::config::Config;
use crate::failure::Failure;
use crate::observers::{Observer, Observers};
use crate::secrets::Folder;

/// The door of the HTTP API.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    certificates: Option<Certificates>,
}

/// Opens it, if there is to be one.
///
/// # Errors
/// Its port is in use, its certificate can't be read, or what is reached from elsewhere has no keys or no TLS.
pub(crate) async fn bind(
    config: &Config,
    store: &Store,
    observers: &mut Observers,
) -> Result<Option<Door>, Failure> {
    let Some(address) = config.admin.listen.0 else { return Ok(None) };
    let files = config.admin_tls_files();
    let tls = files.map(|files| Tls::load(files, &Trust::Only(Vec::new()))).transpose()?;
    let has_keys = match store.keys().await {
        Ok(keys) => !keys.is_empty(),
        // Each request is asked for its key when the store is back; until then none is answered that needs one.
        Err(error) if error.is_transient() => true,
        Err(error) => return Err(error.into()),
    };
    let guarded = Guarded { by_tls: tls.is_some().into(), by_keys: has_keys.into() };
    let listener = admin::bind(address, guarded).await?;
    let certificates = tls.map(|tls| {
        observers.spawn(Observer::AdminCertificate, Arc::clone(&tls).follow());
        Certificates::new(move || tls.server())
    });
    let is_secure = certificates.is_some();
    info!(listen = %listener.local_addr().unwrap_or(address), tls = is_secure, keys = has_keys, "HTTP API");
    Ok(Some(Door { listener, certificates }))
}

/// What others see of the node.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
    /// The signalling task answers there: so it is known to be alive.
    pub(crate) inquiries: Inquiries,
    /// Those who follow what happens read it there.
    pub(crate) events: Events,
}

/// Starts all of it; the window is for the signalling task, the wish that the node drain for who stops it. Headers that are among
/// the secrets are shown to nobody.
///
/// # Errors
/// There is no socket to the collector.
pub(crate) fn start(
    config: &Config,
    door: Option<Door>,
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
    let seen = Seen { metrics, health: Arc::default(), inquiries, events: Events::default() };
    let beating = store.clone();
    let ask = async move || is_there(&beating).await;
    observers.spawn(Observer::Pulse, listen(ask, Arc::clone(&seen.health.pulse)));
    if let Some(Door { listener, certificates }) = door {
        let sources = Sources {
            store: store.clone(),
            live: Arc::new(Calls(seen.inquiries.clone())),
            archive,
            metrics: Arc::clone(&seen.metrics),
            health: Arc::clone(&seen.health),
            drains,
            events: seen.events.clone(),
            secrets: Arc::new(Folder::of(config)),
            requests_a_second: config.admin.requests_per_s.0,
        };
        observers.spawn(Observer::Api, admin::serve(listener, certificates, sources));
    }
    Ok((window, seen, asked))
}

/// Asks the store once a second whether it is there, for ever, and says in the log when that has changed. It is asked twice before it is said
/// to be gone: on a machine that is busy for a moment an answer comes late, and a node that is then told not to be ready loses calls
/// for nothing.
async fn listen(mut ask: impl AsyncFnMut() -> Result<(), String>, pulse: Arc<Pulse>) {
    let mut answered = true;
    loop {
        let mut outcome = ask().await;
        if outcome.is_err() && answered {
            sleep(ONCE_MORE).await;
            outcome = ask().await;
        }
        let outcome = pulse.read(outcome);
        let answers = outcome.is_ok();
        match outcome {
            Ok(()) if !answered => info!("the store answers again"),
            Ok(()) => {}
            Err(error) if answered => {
                warn!(error, "the store does not answer: calls go on with the inventory that is known");
            }
            Err(error) => debug!(error, "the store still does not answer"),
        }
        answered = answers;
        sleep(BEAT).await;
    }
}

async fn is_there(store: &Store) -> Result<(), String> {
    let asked = timeout(STORE_ANSWERS, store.revision()).await;
    asked.map_or_else(
        |_| Err(format!("no answer within {} s", STORE_ANSWERS.as_secs())),
        |answer| answer.map(drop).map_err(|error| error.to_string()),
    )
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
    fn calls(&self, id: String) -> Answering<'_, Vec<CallRecord>> {
        Box::pin(self.0.calls(id))
    }

    fn page(&self, after: String, limit: usize) -> Answering<'_, Vec<CallRecord>> {
        Box::pin(self.0.page(after, limit))
    }

    fn hangup(&self, id: String) -> Answering<'_, bool> {
        Box::pin(self.0.hangup(id))
    }

    fn place(&self, place: Place) -> Answering<'_, Option<CallRecord>> {
        Box::pin(self.0.place(place))
    }

    fn dial(&self, id: String, digits: Digits) -> Answering<'_, Option<Dialled>> {
        Box::pin(self.0.dial(id, digits))
    }
}

const BEAT: Duration = Duration::from_secs(1);
const STORE_ANSWERS: Duration = Duration::from_secs(5);
const ONCE_MORE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_is_gone_once_it_has_not_answered_twice() {
        let pulse = Arc::<Pulse>::default();
        let (answers, mut said) = tokio::sync::mpsc::unbounded_channel();
        let (asking, mut asked) = tokio::sync::mpsc::unbounded_channel();
        let ask = async || {
            asking.send(()).unwrap();
            said.recv().await.unwrap()
        };
        let heard = async {
            let gone = || Err("gone".to_owned());
            for (answer, trouble) in [
                (Ok(()), false),
                (gone(), false),
                (Ok(()), false),
                (gone(), false),
                (gone(), true),
                (gone(), true),
                (Ok(()), false),
                (gone(), false),
            ] {
                asked.recv().await.unwrap();
                answers.send(answer).unwrap();
                // It takes the answer before time goes on.
                sleep(Duration::from_millis(1)).await;
                assert_eq!(pulse.trouble().is_some(), trouble);
            }
        };
        tokio::select! {
            () = listen(ask, Arc::clone(&pulse)) => {}
            () = heard => {}
        }
    }
}
