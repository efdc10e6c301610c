//! One open stream: what the tap tells goes out, what the bot says goes to the tap.
//!
//! Nothing in it grows with a bot's behaviour: what waits for a slow bot is bounded ([`crate::outgoing`]), and while the tap
//! has no room the bot is not read, so that one that sends faster than the channel is drained waits in TCP.

use std::time::Duration;

use media::agent::{TapEvent, TapInput};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::codec::{Codec, Said};
use crate::connect::MESSAGE_LENGTH;
use crate::line::{Ear, Line, Turn};
use crate::marks::Marks;
use crate::outgoing::{Dropped, Word};
use crate::streams::Tap;
use crate::tally::Tally;

/// How a stream ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// We were told to close it; the bot has not been told yet.
    Ours,
    /// The bot closed it; the answer to its close has not been sent yet.
    Bots { clean: bool, reason: String },
    /// The connection is unusable.
    Broken(String),
}

pub(crate) struct Engine<C> {
    line: Line<C>,
    tap: Tap,
    marks: Marks,
    /// What the bot said and the tap had no room for yet. The bot is not read meanwhile.
    incoming: Option<TapInput>,
    tally: Tally,
}

/// Whether the tap may tell something still.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Leg {
    Up,
    Released,
}

impl<C: Codec> Engine<C> {
    pub(crate) fn new(line: Line<C>, tap: Tap) -> Self {
        Self { line, tap, marks: Marks::default(), incoming: None, tally: Tally::default() }
    }

    /// Runs until `closed` fires, or the bot or the network ends it.
    pub(crate) async fn run(&mut self, closed: &mut oneshot::Receiver<()>) -> End {
        let mut leg = Leg::Up;
        loop {
            let ear = if self.incoming.is_none() { Ear::Open } else { Ear::Shut };
            let stalled = self.line.blocked().map(|since| since + STALL);
            tokio::select! {
                _ = &mut *closed => return End::Ours,
                event = self.tap.events.recv(), if leg == Leg::Up => match event {
                    Some(event) => self.tell(&event),
                    None => leg = Leg::Released,
                },
                () = deliver(&self.tap.inputs, &mut self.incoming), if ear == Ear::Shut => {}
                () = sleep_until(stalled.unwrap_or_else(Instant::now)), if stalled.is_some() => {
                    return End::Broken(format!("the bot has read nothing for {} s", STALL.as_secs()));
                }
                turn = self.line.turn(ear) => match turn {
                    Turn::Heard(message) => if let Some(end) = self.hear(message) {
                        return end;
                    },
                    Turn::Ended => return End::Broken("the connection ended without a WebSocket close".into()),
                    Turn::Broken(error) => return End::Broken(words(&error)),
                },
            }
        }
    }

    /// Ends the stream on the wire, within [`CLOSE`], and hands out what it counted.
    pub(crate) async fn finish(mut self, end: End) -> Tally {
        let finished = match end {
            End::Ours => {
                while let Ok(event) = self.tap.events.try_recv() {
                    self.tell(&event);
                }
                self.line.outgoing.push(Word::Farewell);
                let frame = CloseFrame { code: CloseCode::Normal, reason: "call ended".into() };
                timeout(CLOSE, self.line.close(frame)).await
            }
            End::Bots { .. } => timeout(CLOSE, self.line.drain()).await,
            End::Broken(_) => return self.tally,
        };
        if !matches!(finished, Ok(Ok(()))) {
            tracing::debug!("a bot did not complete the WebSocket close");
        }
        self.tally
    }

    fn tell(&mut self, event: &TapEvent) {
        let word = match *event {
            TapEvent::Audio(frame) => Word::Audio(frame),
            TapEvent::Digit(digit) => Word::Digit(digit),
            TapEvent::Mark(mark) => match self.marks.reached(mark) {
                Some(name) => Word::Mark(name),
                None => return,
            },
        };
        match self.line.outgoing.push(word) {
            Dropped::Nothing => {}
            Dropped::Frame => self.tally.dropped_frames += 1,
            Dropped::Word => self.tally.dropped_words += 1,
        }
    }

    fn hear(&mut self, message: Message) -> Option<End> {
        let said = match message {
            Message::Text(text) => self.line.codec.text(&text),
            Message::Binary(bytes) => self.line.codec.binary(&bytes),
            Message::Close(frame) => return Some(closed_by_bot(frame)),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return None,
        };
        self.incoming = match said {
            Said::Audio(audio) if audio.is_empty() => None,
            Said::Audio(audio) => Some(TapInput::Audio(audio)),
            Said::Clear => Some(TapInput::Clear),
            Said::Mark(name) => {
                let mark = self.marks.set(name);
                if mark.is_none() {
                    self.tally.refused_marks += 1;
                }
                mark.map(TapInput::Mark)
            }
            Said::Noise => {
                self.tally.noise += 1;
                None
            }
        };
        None
    }
}

/// Hands the next piece of `waiting` to the tap when it has room. Dropped on the way, it has taken nothing. What a tap that
/// is gone can't be given is passed over.
async fn deliver(inputs: &mpsc::Sender<TapInput>, waiting: &mut Option<TapInput>) {
    match inputs.reserve().await {
        Ok(permit) => {
            if let Some(input) = next_piece(waiting) {
                permit.send(input);
            }
        }
        Err(_) => *waiting = None,
    }
}

/// Audio is handed on in pieces, so that the messages that fit into the channel are a bound on its bytes too.
fn next_piece(waiting: &mut Option<TapInput>) -> Option<TapInput> {
    match waiting {
        Some(TapInput::Audio(audio)) if audio.len() > PIECE => Some(TapInput::Audio(audio.split_to(PIECE))),
        Some(TapInput::Audio(_) | TapInput::Clear | TapInput::Mark(_)) | None => waiting.take(),
    }
}

fn closed_by_bot(frame: Option<CloseFrame>) -> End {
    let Some(CloseFrame { code, reason }) = frame else {
        return End::Bots { clean: true, reason: "the bot closed the stream".into() };
    };
    let clean = matches!(code, CloseCode::Normal | CloseCode::Away | CloseCode::Status);
    let reason = if reason.is_empty() { String::new() } else { format!(": {}", reason.as_str()) };
    End::Bots { clean, reason: format!("the bot closed the stream ({}{reason})", u16::from(code)) }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum; the rest speak for themselves")]
fn words(error: &Error) -> String {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            "the connection ended without a WebSocket close".into()
        }
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            format!("the bot sent a message of more than {} MiB", MESSAGE_LENGTH >> 20)
        }
        other => other.to_string(),
    }
}

/// A second of audio.
const PIECE: usize = 8_000;

/// A bot that reads nothing for so long, with the system's buffers full, is gone.
const STALL: Duration = Duration::from_secs(30);

/// For `stop`, the close and the bot's answer to it.
const CLOSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use media::agent::{Frame, Stream};
    use tokio::io::duplex;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

    use super::*;
    use crate::connect::Wire;
    use crate::twilio::Twilio;

    /// A bot that holds the connection and does not read, behind 64 KiB of buffers. Time passes when nothing else does.
    #[tokio::test(start_paused = true)]
    async fn a_bot_that_reads_nothing_for_30_s_is_given_up() {
        let (ours, _bots) = duplex(64 << 10);
        let wire: Box<dyn Wire> = Box::new(ours);
        let config = WebSocketConfig::default().write_buffer_size(0);
        let socket = WebSocketStream::from_raw_socket(wire, Role::Client, Some(config)).await;
        let stream = Stream {
            url: String::new(),
            headers: Vec::new(),
            account_sid: String::new(),
            call_sid: String::new(),
            stream_sid: String::new(),
            parameters: Vec::new(),
        };
        let (tell, events) = mpsc::channel(8);
        let (inputs, _played) = mpsc::channel(8);
        let line = Line::new(socket, Twilio::new(Box::new(stream)));
        let mut engine = Engine::new(line, Tap { events, inputs });
        let talking = tokio::spawn(async move {
            let frame = Frame { timestamp_ms: 0, samples: [0xff; 160] };
            while tell.send(TapEvent::Audio(frame)).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let start = Instant::now();
        let (_close, mut closed) = oneshot::channel();
        let end = engine.run(&mut closed).await;
        assert_eq!(end, End::Broken("the bot has read nothing for 30 s".into()));
        let took = start.elapsed();
        // The buffers hold less than 5 s of audio, and what waits for them 5 s.
        assert!(took > STALL && took < STALL + Duration::from_secs(5), "{took:?}");
        assert!(engine.tally.dropped_frames > 1_000, "{:?}", engine.tally);
        drop(engine);
        assert!(talking.await.is_ok());
    }
}
