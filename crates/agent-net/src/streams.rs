//! All agent streams of a node: one task each, found by their key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media::agent::{AgentEvent, AgentKey, Stream, TapEvent, TapInput};
use rustls::ClientConfig;
use tokio::sync::{mpsc, oneshot, watch};

use crate::connect::{Deadline, connect};
use crate::engine::{End, Engine};
use crate::fault::{Fault, Stage};
use crate::line::Line;
use crate::tally::Tally;
use crate::target::Target;
use crate::trust::Trust;
use crate::twilio::Twilio;

/// What all streams share.
#[derive(Clone, Debug)]
pub struct Options {
    /// The User-Agent of the upgrade, such as `strowger/0.1.0`.
    pub user_agent: String,
    /// Whose certificates are taken.
    pub trust: Trust,
}

/// The stream's ends of the channels to and from the tap of its leg.
#[derive(Debug)]
pub struct Tap {
    /// The caller's audio and keys, and marks reached.
    pub events: mpsc::Receiver<TapEvent>,
    /// What the bot wants played.
    pub inputs: mpsc::Sender<TapInput>,
}

/// The streams of a node. A clone is the same streams.
#[derive(Clone, Debug)]
pub struct Streams {
    shared: Arc<Shared>,
    events: mpsc::Sender<AgentEvent>,
}

#[derive(Debug)]
struct Shared {
    user_agent: String,
    tls: Arc<ClientConfig>,
    /// Of each stream that was not closed and has not ended; dropping the sender closes it.
    closers: Mutex<HashMap<AgentKey, oneshot::Sender<()>>>,
    /// How many tasks there are.
    running: watch::Sender<usize>,
}

impl Streams {
    /// No streams yet. Reads the trusted certificates. What happens to the streams is told on `events`.
    pub fn new(options: &Options, events: mpsc::Sender<AgentEvent>) -> Self {
        let shared = Shared {
            user_agent: options.user_agent.clone(),
            tls: options.trust.client_config(),
            closers: Mutex::default(),
            running: watch::Sender::new(0),
        };
        Self { shared: Arc::new(shared), events }
    }

    /// Opens a stream: `Opened` or `Failed` follows, and `Closed` once if the bot or the network ends an open one.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open(&self, agent: AgentKey, stream: Box<Stream>, limit: Duration, tap: Tap) {
        let (held, closed) = oneshot::channel();
        self.shared.closers().insert(agent, held);
        let running = Running::new(&self.shared);
        let events = self.events.clone();
        tokio::spawn(async move { run(&running.shared, agent, stream, limit, tap, closed, events).await });
    }

    /// Ends a stream in order: `stop`, then the WebSocket close. Nothing more is told of it. One that ended by itself is passed over.
    pub fn close(&self, agent: AgentKey) {
        drop(self.shared.closers().remove(&agent));
    }

    /// Ends all streams in order.
    pub fn close_all(&self) {
        self.shared.closers().clear();
    }

    /// Waits until every stream has ended on the wire too. After `close_all` that is a matter of 2 s at most.
    pub async fn idle(&self) {
        let mut running = self.shared.running.subscribe();
        // The sender is ours and lives, so waiting can't fail.
        drop(running.wait_for(|running| *running == 0).await);
    }
}

impl Shared {
    /// No code that holds the lock can panic halfway through a change.
    fn closers(&self) -> MutexGuard<'_, HashMap<AgentKey, oneshot::Sender<()>>> {
        self.closers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts its task for as long as it lives.
struct Running {
    shared: Arc<Shared>,
}

impl Running {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.running.send_modify(|running| *running += 1);
        Self { shared: Arc::clone(shared) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.running.send_modify(|running| *running -= 1);
    }
}

async fn run(
    shared: &Shared,
    agent: AgentKey,
    stream: Box<Stream>,
    limit: Duration,
    tap: Tap,
    mut closed: oneshot::Receiver<()>,
    events: mpsc::Sender<AgentEvent>,
) {
    let opened = tokio::select! {
        _ = &mut closed => return,
        opened = open(shared, stream, limit) => opened,
    };
    let line = match opened {
        Ok(line) => line,
        Err(fault) => {
            shared.closers().remove(&agent);
            return tell(&events, AgentEvent::Failed { agent, error: fault.to_string() }).await;
        }
    };
    tell(&events, AgentEvent::Opened { agent }).await;
    let mut engine = Engine::new(line, tap);
    let end = engine.run(&mut closed).await;
    shared.closers().remove(&agent);
    match &end {
        End::Ours => {}
        End::Bots { clean, reason } => {
            tell(&events, AgentEvent::Closed { agent, clean: *clean, reason: reason.clone() }).await;
        }
        End::Broken(reason) => {
            tell(&events, AgentEvent::Closed { agent, clean: false, reason: reason.clone() }).await;
        }
    }
    let Tally { noise, dropped_frames, dropped_words, refused_marks } = engine.finish(end).await;
    tracing::debug!(
        agent = agent.0,
        noise,
        dropped_frames,
        dropped_words,
        refused_marks,
        "an agent stream has ended"
    );
}

async fn open(shared: &Shared, stream: Box<Stream>, limit: Duration) -> Result<Line<Twilio>, Fault> {
    let target = Target::new(&stream, &shared.user_agent)?;
    let host = target.host.clone();
    let deadline = Deadline::after(limit, &host);
    let socket = connect(target, Arc::clone(&shared.tls), &deadline).await?;
    let mut line = Line::new(socket, Twilio::new(stream));
    match deadline.during(Stage::Greeting, line.greet()).await? {
        Ok(()) => Ok(line),
        Err(error) => Err(Fault::Upgrade { host, why: error.to_string() }),
    }
}

/// Waits for room: an event is never lost. Without a receiver nobody wants it any more.
async fn tell(events: &mpsc::Sender<AgentEvent>, event: AgentEvent) {
    if events.send(event).await.is_err() {
        tracing::debug!("an agent stream outlives the call logic");
    }
}
