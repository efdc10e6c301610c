//! Cuts a stream into messages by Content-Length (RFC 3261 s.18.3), noting keep-alives (RFC 5626 s.3.5.1).

use bytes::{Bytes, BytesMut};

use crate::message::{Limits, Malformed, Message};

/// The octets of one connection that are not a message yet: never more than one message and what one read brought on top.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: BytesMut,
    /// Up to where there is no blank line, so that a slow sender has no octet looked at twice.
    searched: usize,
    /// The last octets taken out were a single CRLF.
    half_ping: bool,
}

/// What a stream holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// One message, for [`Message::parse`].
    Message(Bytes),
    /// A double CRLF between messages: to be answered by a single one.
    Ping,
    /// A single CRLF: the answer to a ping of ours.
    Pong,
}

impl Framer {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what was read. Call `next` until it has nothing before the next read, so that the buffer stays bounded.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// Whether a message, or a keep-alive, has begun that is not whole.
    pub fn is_partial(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The next message or keep-alive, if it is whole.
    ///
    /// # Errors
    /// [`Malformed`] when it can't be told where the message ends (no Content-Length, or one that is none or too large; a header
    /// section without end). Answer it if it can be, then close: nothing after it has a meaning.
    #[expect(clippy::should_implement_trait, reason = "an iterator would be over at the first None")]
    pub fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        if let Some(frame) = self.keep_alive() {
            return Ok(Some(frame));
        }
        let Some(head) = self.head() else {
            if self.buffer.len() > Limits::SIZE {
                return Err(self.broken("the headers do not end"));
            }
            return Ok(None);
        };
        let length = content_length(self.buffer.get(..head).unwrap_or_default());
        let Some(length) = length.filter(|length| *length <= Limits::SIZE.saturating_sub(head)) else {
            return Err(self.broken("no Content-Length that a stream could be cut by"));
        };
        if self.buffer.len() < head + length {
            return Ok(None);
        }
        self.searched = 0;
        self.half_ping = false;
        Ok(Some(Frame::Message(self.buffer.split_to(head + length).freeze())))
    }

    /// A CRLF at the end of a read is taken for a pong; if another one follows at once, the two were a ping.
    fn keep_alive(&mut self) -> Option<Frame> {
        let (octets, frame) = if self.buffer.starts_with(b"\r\n\r\n") {
            (4, Frame::Ping)
        } else if self.buffer.starts_with(b"\r\n") {
            (2, if self.half_ping { Frame::Ping } else { Frame::Pong })
        } else {
            return None;
        };
        self.half_ping = frame == Frame::Pong;
        self.searched = 0;
        drop(self.buffer.split_to(octets));
        Some(frame)
    }

    /// Where the headers end.
    fn head(&mut self) -> Option<usize> {
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        if let Some(at) = memchr::memmem::find(unsearched, b"\r\n\r\n") {
            return Some(self.searched + at + 4);
        }
        self.searched = self.buffer.len().saturating_sub(3);
        None
    }

    /// All that is buffered, taken for one malformed message.
    fn broken(&mut self, words: &str) -> Malformed {
        self.searched = 0;
        match Message::parse(self.buffer.split().freeze()) {
            Err(malformed) => malformed,
            Ok(message) => message.unframed(words),
        }
    }
}

/// The Content-Length of a header section, if there is one and no other.
fn content_length(head: &[u8]) -> Option<usize> {
    let mut length = None;
    for line in head.split(|&byte| byte == b'\n') {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let name = name.trim_ascii_end();
        if !name.eq_ignore_ascii_case(b"content-length") && !name.eq_ignore_ascii_case(b"l") {
            continue;
        }
        let value = value.get(1..)?.trim_ascii();
        let own =
            value.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(value).ok()?.parse().ok())??;
        if length.replace(own).is_some_and(|first| first != own) {
            return None;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:c@d>;tag=1\r\n\
        To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n";

    fn drain(framer: &mut Framer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.next().unwrap()).collect()
    }

    #[test]
    fn messages_come_out_whole_however_the_stream_is_cut() {
        let one = format!("{OPTIONS}Content-Length: 5\r\n\r\nhello");
        let two = format!("{OPTIONS}l :\t0\r\n\r\n");
        let stream = format!("{one}{two}\r\n\r\n{one}\r\n{two}");
        let expected = [
            Frame::Message(one.clone().into()),
            Frame::Message(two.clone().into()),
            Frame::Ping,
            Frame::Message(one.into()),
            Frame::Pong,
            Frame::Message(two.into()),
        ];
        for size in 1..stream.len() {
            let mut framer = Framer::new();
            let mut seen = Vec::new();
            for octets in stream.as_bytes().chunks(size) {
                framer.push(octets);
                seen.extend(drain(&mut framer));
            }
            let count = |wanted: &Frame| seen.iter().filter(|frame| *frame == wanted).count();
            assert_eq!(count(&Frame::Ping), 1, "in pieces of {size}");
            assert!(count(&Frame::Pong) >= 1, "in pieces of {size}");
            let message = |frame: &&Frame| matches!(frame, Frame::Message(_));
            let messages: Vec<_> = seen.iter().filter(message).collect();
            assert_eq!(messages, expected.iter().filter(message).collect::<Vec<_>>(), "in pieces of {size}");
        }
        let mut framer = Framer::new();
        framer.push(stream.as_bytes());
        assert_eq!(drain(&mut framer), expected);
    }

    #[test]
    fn without_one_content_length_a_stream_is_over_and_the_request_answered() {
        for header in [
            "",
            "Content-Length: x\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 1\r\nl: 2\r\n",
            "l: 99999\r\n",
        ] {
            let mut framer = Framer::new();
            framer.push(format!("{OPTIONS}{header}\r\n").as_bytes());
            let malformed = framer.next().unwrap_err();
            let (status, _) = malformed.answer.unwrap();
            assert_eq!(status.code(), 400, "{header:?}: {}", malformed.fault);
        }
    }

    #[test]
    fn a_header_section_without_end_is_given_up_at_the_bound() {
        let mut framer = Framer::new();
        framer.push(OPTIONS.as_bytes());
        let pushes = (0..100).take_while(|_| {
            framer.push("X: y\r\n".repeat(200).as_bytes());
            framer.next().is_ok()
        });
        assert!(pushes.count() < 60);
    }
}
