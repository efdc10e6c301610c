//! One connection on which SIP is framed by Content-Length (RFC 3261 s.18.3): TCP, or TLS on it.

use std::io;
use std::time::Instant;

use bytes::{Buf, Bytes};
use sip::framing::{Frame, Framer};
use sip::{Flow, Message, Method};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::time::{sleep_until, timeout};

use super::fault::StreamFault;
use super::gate::Place;
use super::hub::{ConnectionId, End, Hub, Told};
use super::queue::Waiting;
use super::vigil::{Due, Opener, Vigil};
use crate::tls::TlsFault;

/// One connection's place among the others.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: ConnectionId,
    pub(crate) flow: Flow,
    pub(crate) opener: Opener,
    /// What it takes of the places for peers, if it is one that a peer opened.
    pub(crate) place: Option<Place>,
    /// Whom we called by TLS: the names of which its certificate must have one, the one that it hears first.
    pub(crate) called: Vec<String>,
}

impl Link {
    /// Takes note that a message of the core's is to go out. A stranger remains one if anybody may be told the same.
    pub(super) fn spoken(&self, message: &Bytes, vigil: &mut Vigil) {
        let is_known = self.place.as_ref().is_none_or(Place::is_known);
        if is_known || befriends(message) {
            vigil.spoken(Instant::now());
            if let Some(place) = &self.place {
                place.spoken();
            }
        }
    }

    /// Whom we called by TLS, in words.
    pub(super) fn name(&self) -> Option<String> {
        (!self.called.is_empty()).then(|| self.called.join(" or "))
    }
}

/// Whether only somebody who is known is sent it. Anybody gets a challenge or another refusal, and a 200 to the CANCEL of an INVITE
/// that was challenged.
fn befriends(message: &Bytes) -> bool {
    Message::parse(message.clone()).is_ok_and(|message| match message.status() {
        Some(status) => status.code() < 300 && *message.method() != Method::Cancel,
        None => true,
    })
}

/// Carries messages both ways until the connection is over.
pub(crate) async fn converse<S>(stream: S, link: &Link, hub: &Hub, waiting: Waiting) -> End
where
    S: AsyncRead + AsyncWrite,
{
    let (reader, writer) = split(stream);
    let vigil = Vigil::new(Instant::now(), link.opener, &hub.limits);
    let conversation = Conversation {
        link,
        hub,
        waiting,
        reader,
        writer,
        framer: Framer::new(),
        vigil,
        writing: Writing::Nothing,
        pongs: 0,
    };
    conversation.run().await
}

struct Conversation<'a, S> {
    link: &'a Link,
    hub: &'a Hub,
    waiting: Waiting,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    framer: Framer,
    vigil: Vigil,
    writing: Writing,
    /// Answers to pings that are owed.
    pongs: u32,
}

/// What is on its way to the peer.
enum Writing {
    Nothing,
    Octets(Bytes),
    /// All is handed over; TLS may hold some of it back.
    Flush,
}

enum Progress {
    Wrote(usize),
    Flushed,
}

impl<S: AsyncRead + AsyncWrite> Conversation<'_, S> {
    async fn run(mut self) -> End {
        let mut buffer = vec![0; READ].into_boxed_slice();
        let cut = self.waiting.cut();
        tokio::pin!(cut);
        loop {
            let wake = self.vigil.deadline();
            let free = matches!(self.writing, Writing::Nothing);
            let step = tokio::select! {
                read = self.reader.read(&mut buffer) => match read {
                    Ok(0) => Err(End::Closed),
                    Ok(length) => self.take_in(&buffer[..length]).await,
                    Err(error) => Err(self.lost(&error)),
                },
                progress = advance(&mut self.writer, &self.writing) => self.advanced(progress),
                next = self.waiting.next(), if free => match next {
                    Some(bytes) => {
                        self.link.spoken(&bytes, &mut self.vigil);
                        self.write(bytes);
                        Ok(())
                    }
                    None => return self.close().await,
                },
                () = sleep_until(wake.into()) => self.due(),
                () = &mut cut => Err(End::Closed),
                () = self.hub.told.closed() => Err(End::Closed),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// What a read brought: every whole frame goes where it belongs.
    async fn take_in(&mut self, octets: &[u8]) -> Result<(), End> {
        let now = Instant::now();
        self.framer.push(octets);
        loop {
            match self.framer.next() {
                Ok(Some(Frame::Message(bytes))) => {
                    self.vigil.message(now);
                    let (id, flow) = (self.link.id, self.link.flow);
                    self.hub.tell(Told::Message { id, flow, bytes }).await;
                }
                Ok(Some(Frame::Ping)) => {
                    self.vigil.pinged(now);
                    self.pong();
                }
                Ok(Some(Frame::Pong)) => self.vigil.ponged(now),
                Ok(None) => break,
                Err(malformed) => {
                    let (flow, fault) = (self.link.flow, malformed.fault);
                    return Err(End::from(StreamFault::Malformed { flow, fault }));
                }
            }
        }
        if self.framer.is_partial() {
            self.vigil.partial(now);
        }
        Ok(())
    }

    /// Answers a ping as soon as what is being written is out. Who does not read has all its pings answered by a few.
    fn pong(&mut self) {
        match self.writing {
            Writing::Nothing => self.write(Bytes::from_static(PONG)),
            Writing::Octets(_) | Writing::Flush => self.pongs = (self.pongs + 1).min(PONGS),
        }
    }

    fn write(&mut self, bytes: Bytes) {
        self.vigil.writing(Instant::now());
        self.writing = if bytes.is_empty() { Writing::Nothing } else { Writing::Octets(bytes) };
    }

    fn advanced(&mut self, progress: io::Result<Progress>) -> Result<(), End> {
        let now = Instant::now();
        match progress {
            Err(error) => return Err(self.lost(&error)),
            Ok(Progress::Wrote(0)) => return Err(End::Closed),
            Ok(Progress::Wrote(length)) => {
                self.vigil.progress(now);
                if let Writing::Octets(octets) = &mut self.writing {
                    octets.advance(length);
                    if octets.is_empty() {
                        self.writing = Writing::Flush;
                    }
                }
            }
            Ok(Progress::Flushed) => {
                self.vigil.written(now);
                self.writing = Writing::Nothing;
                if self.pongs > 0 {
                    self.pongs -= 1;
                    self.write(Bytes::from_static(PONG));
                }
            }
        }
        Ok(())
    }

    fn due(&mut self) -> Result<(), End> {
        let (flow, limits) = (self.link.flow, &self.hub.limits);
        match self.vigil.due(Instant::now()) {
            None => Ok(()),
            Some(Due::Ping) => {
                if matches!(self.writing, Writing::Nothing) {
                    self.write(Bytes::from_static(PING));
                }
                Ok(())
            }
            Some(Due::Slow) => Err(End::from(StreamFault::Slow { flow, after: limits.message })),
            Some(Due::Stuck) => Err(End::from(StreamFault::Stuck { flow, after: limits.write })),
            Some(Due::Dead) => Err(End::from(StreamFault::Dead { flow, after: limits.pong })),
            Some(Due::Idle) => Err(End::Closed),
        }
    }

    /// The driver has let go of the connection and all is written.
    async fn close(mut self) -> End {
        timeout(CLOSE, self.writer.shutdown()).await.ok();
        End::Closed
    }

    /// A connection that breaks is no fault; a certificate that is refused after the handshake, as in TLS 1.3, is.
    fn lost(&self, error: &io::Error) -> End {
        match TlsFault::of(error) {
            Some(fault) => {
                let (flow, name) = (self.link.flow, self.link.name());
                End::from(StreamFault::Tls { flow, name, fault })
            }
            None => End::Closed,
        }
    }
}

/// One step of writing. What is dropped half-way has written nothing.
async fn advance<W: AsyncWrite + Unpin>(writer: &mut W, writing: &Writing) -> io::Result<Progress> {
    match writing {
        Writing::Nothing => std::future::pending().await,
        Writing::Octets(octets) => writer.write(octets).await.map(Progress::Wrote),
        Writing::Flush => writer.flush().await.map(|()| Progress::Flushed),
    }
}

const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";
/// Pongs owed at most.
const PONGS: u32 = 8;
const READ: usize = 8 * 1024;
const CLOSE: std::time::Duration = std::time::Duration::from_millis(500);
