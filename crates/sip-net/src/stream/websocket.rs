//! The server side of SIP over WebSocket (RFC 7118): one SIP message in each WebSocket message.

use std::future::poll_fn;
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use sip::message::Limits;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::conversation::Link;
use super::fault::StreamFault;
use super::hub::{End, Hub, Told};
use super::queue::Waiting;
use super::vigil::{Due, Vigil};

/// The handshake.
///
/// # Errors
/// In words.
pub(crate) async fn accept<S>(stream: S) -> Result<WebSocketStream<S>, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut config = WebSocketConfig::default();
    config.read_buffer_size = BUFFER;
    config.max_message_size = Some(Limits::SIZE);
    config.max_frame_size = Some(Limits::SIZE);
    let accepted = tokio_tungstenite::accept_hdr_async_with_config(stream, choose, Some(config)).await;
    accepted.map_err(|error| {
        if matches!(error, Error::Http(_)) {
            return NO_SIP.to_owned();
        }
        format!("its WebSocket handshake is none: {error}")
    })
}

/// The subprotocol has to be `sip` (RFC 7118 s.4.1).
#[expect(clippy::result_large_err, reason = "the signature is that of the library's callback")]
fn choose(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let offers = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let words = offers.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if words.map(str::trim).any(|word| word.eq_ignore_ascii_case("sip")) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("sip"));
        return Ok(response);
    }
    let mut refusal = ErrorResponse::new(Some(NO_SIP.to_owned()));
    *refusal.status_mut() = StatusCode::BAD_REQUEST;
    Err(refusal)
}

/// Carries messages both ways until the connection is over.
pub(crate) async fn converse<S>(
    socket: WebSocketStream<S>,
    link: &Link,
    hub: &Hub,
    mut outgoing: Waiting,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sink, mut stream) = socket.split();
    let mut writing = Writing::Nothing;
    let mut vigil = Vigil::new(Instant::now(), link.opener, &hub.limits);
    let cut = outgoing.cut();
    tokio::pin!(cut);
    loop {
        let wake = vigil.deadline();
        let free = matches!(writing, Writing::Nothing);
        tokio::select! {
            read = stream.next() => match read {
                Some(Ok(message)) => match take_in(message, &mut vigil, link, hub).await {
                    Taken::Ping => writing.pong(&mut vigil),
                    Taken::Whole => {}
                    Taken::Close => return End::Closed,
                },
                Some(Err(error)) => return broken(link, &error),
                None => return End::Closed,
            },
            sent = advance(&mut sink, &mut writing) => match sent {
                Ok(()) => writing.sent(&mut vigil),
                Err(error) => return broken(link, &error),
            },
            next = outgoing.next(), if free => {
                let Some(bytes) = next else {
                    timeout(hub.limits.write, sink.close()).await.ok();
                    return End::Closed;
                };
                link.spoken(&bytes, &mut vigil);
                writing.begin(bytes, &mut vigil);
            },
            () = sleep_until(wake.into()) => match vigil.due(Instant::now()) {
                None | Some(Due::Ping) => {}
                Some(Due::Slow) => {
                    return End::from(StreamFault::Slow { flow: link.flow, after: hub.limits.message });
                }
                Some(Due::Stuck) => {
                    return End::from(StreamFault::Stuck { flow: link.flow, after: hub.limits.write });
                }
                Some(Due::Dead | Due::Idle) => return End::Closed,
            },
            () = &mut cut => return End::Closed,
            () = hub.told.closed() => return End::Closed,
        }
    }
}

/// What is on its way to the peer.
enum Writing {
    Nothing,
    Message {
        message: Message,
        then: Then,
    },
    /// All is handed over; the library or TLS may hold some of it back.
    Flush(Then),
}

/// What follows.
#[derive(Clone, Copy)]
enum Then {
    Nothing,
    /// The answer to pings that came meanwhile: one for all of them.
    Pong,
}

impl Writing {
    fn begin(&mut self, bytes: Bytes, vigil: &mut Vigil) {
        vigil.writing(Instant::now());
        // As text, which all peers take; what is no UTF-8 as binary.
        let message = match bytes.clone().try_into() {
            Ok(text) => Message::Text(text),
            Err(_) => Message::Binary(bytes),
        };
        *self = Self::Message { message, then: Then::Nothing };
    }

    fn pong(&mut self, vigil: &mut Vigil) {
        match self {
            Self::Nothing => self.begin(Bytes::from_static(PONG), vigil),
            Self::Message { then, .. } | Self::Flush(then) => *then = Then::Pong,
        }
    }

    /// A step of it is done.
    fn sent(&mut self, vigil: &mut Vigil) {
        match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => {}
            Self::Message { then, .. } => *self = Self::Flush(then),
            Self::Flush(then) => {
                vigil.written(Instant::now());
                match then {
                    Then::Nothing => {}
                    Then::Pong => self.begin(Bytes::from_static(PONG), vigil),
                }
            }
        }
    }
}

/// One step of writing. What is dropped half-way has handed over nothing.
async fn advance<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    writing: &mut Writing,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match writing {
        Writing::Nothing => std::future::pending().await,
        Writing::Message { message, .. } => {
            poll_fn(|context| sink.poll_ready_unpin(context)).await?;
            sink.start_send_unpin(message.clone())
        }
        Writing::Flush(_) => sink.flush().await,
    }
}

/// What became of what came.
enum Taken {
    Whole,
    /// An answer is owed.
    Ping,
    Close,
}

async fn take_in(message: Message, vigil: &mut Vigil, link: &Link, hub: &Hub) -> Taken {
    let now = Instant::now();
    let bytes = match message {
        Message::Text(text) => Bytes::from(text),
        Message::Binary(bytes) => bytes,
        // Pings are answered by the library, with the next read.
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
            vigil.pinged(now);
            return Taken::Whole;
        }
        Message::Close(_) => return Taken::Close,
    };
    if bytes.iter().all(|octet| matches!(octet, b'\r' | b'\n')) {
        vigil.pinged(now);
        // Browsers' libraries send the keep-alive of RFC 5626, as they can send no ping of the WebSocket.
        return if *bytes == *b"\r\n\r\n" { Taken::Ping } else { Taken::Whole };
    }
    vigil.message(now);
    hub.tell(Told::Message { id: link.id, flow: link.flow, bytes }).await;
    Taken::Whole
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign, non-exhaustive enum; the rest is a connection that breaks"
)]
fn broken(link: &Link, error: &Error) -> End {
    match error {
        Error::Capacity(_) | Error::Utf8(_) => {
            End::from(StreamFault::Malformed { flow: link.flow, fault: error.to_string() })
        }
        _ => End::Closed,
    }
}

const PONG: &[u8] = b"\r\n";
const BUFFER: usize = 8 * 1024;
const NO_SIP: &str = "its WebSocket is not for SIP: the subprotocol `sip` is not among those it offers";
