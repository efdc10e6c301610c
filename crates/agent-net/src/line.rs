//! The WebSocket with what waits to be sent on it: written and read in turns that never wait in the middle of a message.

use std::future::poll_fn;
use std::task::{Context, Poll};

use futures_util::{SinkExt, StreamExt};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::codec::Codec;
use crate::connect::Wire;
use crate::outgoing::{Outgoing, Word};

/// What a turn brought.
#[derive(Debug)]
pub(crate) enum Turn {
    /// A message of the bot.
    Heard(Message),
    /// The closing handshake is done, or the connection is gone after it.
    Ended,
    /// The connection is unusable.
    Broken(Error),
}

/// Whether a turn reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ear {
    Open,
    Shut,
}

/// Whether something that was written may still lie in a buffer above the system's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flush {
    Due,
    Done,
}

pub(crate) struct Line<C> {
    socket: WebSocketStream<Box<dyn Wire>>,
    pub(crate) codec: C,
    pub(crate) outgoing: Outgoing,
    flush: Flush,
    /// Since when the connection takes nothing.
    blocked: Option<Instant>,
}

impl<C: Codec> Line<C> {
    pub(crate) fn new(socket: WebSocketStream<Box<dyn Wire>>, codec: C) -> Self {
        Self { socket, codec, outgoing: Outgoing::default(), flush: Flush::Done, blocked: None }
    }

    /// Sends the first messages.
    pub(crate) async fn greet(&mut self) -> Result<(), Error> {
        for message in self.codec.greeting() {
            self.socket.send(message).await?;
        }
        Ok(())
    }

    /// Since when the bot reads nothing of what waits.
    pub(crate) const fn blocked(&self) -> Option<Instant> {
        self.blocked
    }

    /// Sends what the connection takes of what waits, and hands out one message, if `ear` is open.
    pub(crate) async fn turn(&mut self, ear: Ear) -> Turn {
        poll_fn(|cx| self.poll_turn(cx, ear)).await
    }

    /// Sends all that waits, and the close; then reads until the bot's close, passing over what it says.
    pub(crate) async fn close(&mut self, frame: CloseFrame) -> Result<(), Error> {
        while let Some(word) = self.outgoing.pop() {
            let message = self.print(&word);
            self.socket.feed(message).await?;
        }
        self.socket.send(Message::Close(Some(frame))).await?;
        self.drain().await
    }

    /// Answers the bot's close, and reads until the connection ends.
    pub(crate) async fn drain(&mut self) -> Result<(), Error> {
        while let Some(message) = self.socket.next().await {
            message?;
        }
        Ok(())
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>, ear: Ear) -> Poll<Turn> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Turn::Broken(error));
        }
        match ear {
            Ear::Shut => Poll::Pending,
            Ear::Open => self.socket.poll_next_unpin(cx).map(|heard| match heard {
                Some(Ok(message)) => Turn::Heard(message),
                Some(Err(error)) => Turn::Broken(error),
                None => Turn::Ended,
            }),
        }
    }

    /// Ready when all is sent.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut sent = self.poll_write(cx);
        if sent.is_ready() && self.flush == Flush::Due {
            sent = self.socket.poll_flush_unpin(cx);
        }
        match &sent {
            Poll::Pending => {
                self.blocked.get_or_insert_with(Instant::now);
            }
            Poll::Ready(_) => {
                self.flush = Flush::Done;
                self.blocked = None;
            }
        }
        sent
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.outgoing.is_empty() {
            match self.socket.poll_ready_unpin(cx) {
                Poll::Ready(Ok(())) => self.blocked = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
            if let Some(word) = self.outgoing.pop() {
                let message = self.print(&word);
                self.flush = Flush::Due;
                if let Err(error) = self.socket.start_send_unpin(message) {
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn print(&mut self, word: &Word) -> Message {
        match word {
            Word::Audio(frame) => self.codec.audio(frame),
            Word::Digit(digit) => self.codec.digit(*digit),
            Word::Mark(name) => self.codec.mark(name),
            Word::Farewell => self.codec.farewell(),
        }
    }
}
