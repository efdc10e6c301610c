//! A Media Streams bot, as a user would write one from the protocol's page: it knows nothing of the daemon's code.
//!
//! What it does with a call is said by the stream's `customParameters`: `role` = `parrot` gives the caller's audio
//! back as it comes, and at the key `#` interrupts itself; `role` = `greeter` says its greeting in one burst, waits for the mark behind it, and hangs up.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::audio::{FRAME, FRAMES_PER_SECOND, voice};

/// What the bot saw of one call.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Seen {
    /// The events in order, runs of `media` as one.
    pub(super) events: Vec<String>,
    pub(super) call_sid: String,
    pub(super) from: String,
    pub(super) to: String,
    /// The caller's audio.
    pub(super) audio: Vec<u8>,
    pub(super) digits: String,
    pub(super) marks_sent: Vec<String>,
    pub(super) marks_back: Vec<String>,
    /// How long after `clear` the mark came back that stood behind three seconds of audio.
    pub(super) cleared: Option<Duration>,
    /// What did not follow the protocol.
    pub(super) oddities: Vec<String>,
}

/// Listens on a port of loopback; what it saw of each call arrives when the call is over.
///
/// # Errors
/// When loopback has no port to give.
pub(super) async fn start() -> std::io::Result<(SocketAddr, mpsc::Receiver<Seen>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (seen, calls) = mpsc::channel(CALLS);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                let call = match tokio_tungstenite::accept_async(stream).await {
                    Ok(socket) => Bot::new(socket).converse().await,
                    Err(error) => {
                        Seen { oddities: vec![format!("no WebSocket: {error}")], ..Seen::default() }
                    }
                };
                // With `--keep` nobody asks for the calls after the demo's own.
                drop(seen.try_send(call));
            });
        }
    });
    Ok((address, calls))
}

/// What the greeter says.
pub(super) fn greeting() -> Vec<u8> {
    voice(GREETING_FRAMES, 77)
}

struct Bot {
    socket: WebSocketStream<TcpStream>,
    seen: Seen,
    /// The `streamSid`.
    stream: String,
    /// When it sent `clear`.
    interrupted: Option<Instant>,
}

/// Whether the conversation goes on.
enum Next {
    Listen,
    HangUp,
}

impl Bot {
    fn new(socket: WebSocketStream<TcpStream>) -> Self {
        Self { socket, seen: Seen::default(), stream: String::new(), interrupted: None }
    }

    async fn converse(mut self) -> Seen {
        while let Some(Ok(message)) = self.socket.next().await {
            let Message::Text(text) = message else { continue };
            let event: Value = serde_json::from_str(&text).unwrap_or_default();
            match self.take(&event).await {
                Ok(Next::Listen) => {}
                Ok(Next::HangUp) => {
                    if let Err(error) = self.socket.close(None).await {
                        self.seen.oddities.push(format!("close: {error}"));
                    }
                }
                Err(error) => {
                    self.seen.oddities.push(format!("send: {error}"));
                    break;
                }
            }
        }
        self.seen
    }

    async fn take(&mut self, event: &Value) -> Result<Next, tokio_tungstenite::tungstenite::Error> {
        let name = event["event"].as_str().unwrap_or("?").to_owned();
        if self.seen.events.last() != Some(&name) {
            self.seen.events.push(name.clone());
        }
        match name.as_str() {
            "start" => return self.begin(&event["start"]).await,
            "media" => return self.hear(&event["media"]).await,
            "dtmf" => {
                let digit = event["dtmf"]["digit"].as_str().unwrap_or("?");
                self.seen.digits.push_str(digit);
                if digit == "#" {
                    self.interrupt().await?;
                }
            }
            "mark" => {
                let mark = event["mark"]["name"].as_str().unwrap_or("?").to_owned();
                let last = mark == GREETED;
                if mark == INTERRUPTED {
                    self.seen.cleared = self.interrupted.map(|since| since.elapsed());
                }
                self.seen.marks_back.push(mark);
                if last {
                    return Ok(Next::HangUp);
                }
            }
            "connected" | "stop" => {}
            strange => self.seen.oddities.push(format!("event {strange}")),
        }
        Ok(Next::Listen)
    }

    async fn begin(&mut self, start: &Value) -> Result<Next, tokio_tungstenite::tungstenite::Error> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.stream = word(&start["streamSid"]);
        self.seen.call_sid = word(&start["callSid"]);
        let parameters = &start["customParameters"];
        (self.seen.from, self.seen.to) = (word(&parameters["from_number"]), word(&parameters["to_number"]));
        let format = &start["mediaFormat"];
        if format["encoding"] != "audio/x-mulaw" || format["sampleRate"] != 8000 || format["channels"] != 1 {
            self.seen.oddities.push(format!("mediaFormat {format}"));
        }
        if parameters["role"] == "greeter" {
            self.say(&greeting()).await?;
            self.mark(GREETED).await?;
        }
        Ok(Next::Listen)
    }

    /// Gives the audio back as it came, with a mark after each half second.
    async fn hear(&mut self, media: &Value) -> Result<Next, tokio_tungstenite::tungstenite::Error> {
        let Ok(audio) = STANDARD.decode(media["payload"].as_str().unwrap_or_default()) else {
            self.seen.oddities.push("payload is no base64".to_owned());
            return Ok(Next::Listen);
        };
        let before = self.seen.audio.len() / MARK_EVERY;
        self.seen.audio.extend_from_slice(&audio);
        if self.seen.marks_back.iter().chain(&self.seen.marks_sent).any(|mark| mark == GREETED) {
            return Ok(Next::Listen);
        }
        self.say(&audio).await?;
        let after = self.seen.audio.len() / MARK_EVERY;
        if after > before {
            self.mark(&format!("half-second-{after}")).await?;
        }
        Ok(Next::Listen)
    }

    /// Begins to say something long, and thinks better of it.
    async fn interrupt(&mut self) -> Result<(), tokio_tungstenite::tungstenite::Error> {
        self.say(&voice(3 * FRAMES_PER_SECOND, 99)).await?;
        self.mark(INTERRUPTED).await?;
        self.interrupted = Some(Instant::now());
        self.send(&json!({"event": "clear", "streamSid": self.stream})).await
    }

    async fn say(&mut self, audio: &[u8]) -> Result<(), tokio_tungstenite::tungstenite::Error> {
        let payload = STANDARD.encode(audio);
        self.send(&json!({"event": "media", "streamSid": self.stream, "media": {"payload": payload}})).await
    }

    async fn mark(&mut self, name: &str) -> Result<(), tokio_tungstenite::tungstenite::Error> {
        self.seen.marks_sent.push(name.to_owned());
        self.send(&json!({"event": "mark", "streamSid": self.stream, "mark": {"name": name}})).await
    }

    async fn send(&mut self, event: &Value) -> Result<(), tokio_tungstenite::tungstenite::Error> {
        self.socket.send(Message::text(event.to_string())).await
    }
}

/// More than the demo places.
const CALLS: usize = 64;
const GREETED: &str = "greeted";
const INTERRUPTED: &str = "interrupted";
const GREETING_FRAMES: usize = 75;
const MARK_EVERY: usize = 25 * FRAME;
