//! A scripted bot on a real WebSocket server, and the call's side of a stream.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::sync::Once;
use std::time::Duration;

use agent_net::{Options, Streams, Tap, Trust};
use futures_util::{SinkExt, StreamExt};
use media::agent::{AgentEvent, AgentKey, Frame, Stream, TapEvent, TapInput};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

pub(crate) const AGENT: AgentKey = AgentKey(7);

/// Nothing here takes a tenth of it; what waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The call's side of one stream.
pub(crate) struct Call {
    pub(crate) streams: Streams,
    pub(crate) events: mpsc::Receiver<AgentEvent>,
    /// What the tap tells the stream.
    pub(crate) tell: mpsc::Sender<TapEvent>,
    /// What the stream tells the tap.
    pub(crate) played: mpsc::Receiver<TapInput>,
}

impl Call {
    /// Opens a stream to `url`.
    pub(crate) fn open(url: &str, trust: Trust, limit: Duration) -> Self {
        Self::open_with(url, &[], trust, limit)
    }

    pub(crate) fn open_with(url: &str, headers: &[(&str, &str)], trust: Trust, limit: Duration) -> Self {
        let (sender, events) = mpsc::channel(8);
        let streams = Streams::new(&Options { user_agent: "strowger/test".into(), trust }, sender);
        let (tell, tap_events) = mpsc::channel(64);
        let (tap_inputs, played) = mpsc::channel(4);
        let stream = Stream {
            url: url.into(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            account_sid: "AC0123".into(),
            call_sid: "CA4567".into(),
            stream_sid: "MZ89ab".into(),
            parameters: vec![
                ("from_number".into(), "+14155550111".into()),
                ("persona".into(), "sales".into()),
            ],
        };
        streams.open(AGENT, Box::new(stream), limit, Tap { events: tap_events, inputs: tap_inputs });
        Self { streams, events, tell, played }
    }

    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::open(&format!("ws://{address}/bot"), Trust::Only(Vec::new()), PATIENCE)
    }

    pub(crate) async fn event(&mut self) -> AgentEvent {
        within(self.events.recv()).await.expect("the streams live")
    }

    pub(crate) async fn opened(&mut self) {
        assert_eq!(self.event().await, AgentEvent::Opened { agent: AGENT });
    }

    /// The words of `Failed`, after which nothing more comes.
    pub(crate) async fn failure(mut self) -> String {
        let AgentEvent::Failed { agent: AGENT, error } = self.event().await else {
            panic!("the stream opened, or another one failed")
        };
        self.ended().await;
        error
    }

    /// The task is gone, and told nothing more.
    pub(crate) async fn ended(mut self) {
        within(self.streams.idle()).await;
        drop(self.streams);
        assert_eq!(within(self.events.recv()).await, None);
    }

    pub(crate) async fn audio(&self, number: u32) {
        let frame = Frame { timestamp_ms: number * 20, samples: [u8::try_from(number % 251).unwrap(); 160] };
        within(self.tell.send(TapEvent::Audio(frame))).await.unwrap();
    }

    pub(crate) async fn play(&mut self) -> TapInput {
        within(self.played.recv()).await.expect("the stream is open")
    }
}

/// Our log, line by line: that of this test's thread, where its streams run too.
pub(crate) struct Log {
    lines: mpsc::UnboundedReceiver<String>,
}

thread_local! {
    static LOG: RefCell<Option<mpsc::UnboundedSender<String>>> = const { RefCell::new(None) };
}

impl Log {
    pub(crate) fn keep() -> Self {
        // One for the process: with one for each thread, whether a line is wanted at all would depend on who asks first.
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let log = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_ansi(false);
            log.with_writer(|| Lines).init();
        });
        let (told, lines) = mpsc::unbounded_channel();
        LOG.set(Some(told));
        Self { lines }
    }

    /// The next line with these words.
    pub(crate) async fn line(&mut self, words: &str) -> String {
        loop {
            let line = within(self.lines.recv()).await.expect("the log is kept");
            if line.contains(words) {
                return line;
            }
        }
    }
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LOG.with_borrow(|told| {
            told.as_ref().map(|told| told.send(String::from_utf8_lossy(line).into_owned()).ok())
        });
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("what was waited for happens")
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// The bot's side of one stream.
pub(crate) struct Bot<S> {
    pub(crate) socket: WebSocketStream<S>,
    pub(crate) request: Request,
}

impl Bot<TcpStream> {
    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        let (tcp, _) = within(listener.accept()).await.unwrap();
        Self::upgrade(tcp).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Bot<S> {
    pub(crate) async fn upgrade(wire: S) -> Self {
        let mut seen = None;
        #[expect(clippy::result_large_err, reason = "the signature is the library's")]
        let callback = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            seen = Some(request.clone());
            Ok(response)
        };
        let socket = within(accept_hdr_async(wire, callback)).await.unwrap();
        Self { socket, request: seen.expect("the callback ran") }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) async fn hear(&mut self) -> Message {
        within(self.socket.next()).await.expect("the stream is open").unwrap()
    }

    pub(crate) async fn hear_text(&mut self) -> String {
        self.hear().await.into_text().unwrap().as_str().to_owned()
    }

    pub(crate) async fn say(&mut self, text: &str) {
        within(self.socket.send(Message::text(text))).await.unwrap();
    }

    /// Takes `connected` and `start`.
    pub(crate) async fn greeted(&mut self) {
        assert!(self.hear_text().await.starts_with(r#"{"event":"connected""#));
        assert!(self.hear_text().await.starts_with(r#"{"event":"start""#));
    }
}
