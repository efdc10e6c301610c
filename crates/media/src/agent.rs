//! What passes between the call logic, the packet path and an agent's stream: plain data.

use std::time::Duration;

use bytes::Bytes;

use crate::MediaKey;
use crate::command::Digit;

/// One agent stream of one call. Minted by the core, never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct AgentKey(pub u64);

/// A place in the playout queue that the agent asked to be told of. Names stay with the stream.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct MarkId(pub u32);

/// What the call logic asks of the stream side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AgentCommand {
    /// Connect, upgrade and send `connected` and `start`. Answered by `Opened` or `Failed`. Media flows from the leg's `Tap` on.
    Open {
        /// Its name from here on.
        agent: AgentKey,
        /// The leg whose audio it gets.
        media: MediaKey,
        /// Where and as what.
        stream: Box<Stream>,
        /// `Failed` after so long.
        timeout: Duration,
    },
    /// Send `stop`, close the WebSocket, forget it.
    Close {
        /// Which one.
        agent: AgentKey,
    },
}

/// The Media Streams WebSocket to open, and what its `start` says.
#[derive(Clone, PartialEq, Eq)]
pub struct Stream {
    /// `ws://` or `wss://`, perhaps with `user:password@` (sent as HTTP Basic).
    pub url: String,
    /// Headers of the upgrade request.
    pub headers: Vec<(String, String)>,
    /// `AC` and 32 hex digits.
    pub account_sid: String,
    /// `CA` and 32 hex digits.
    pub call_sid: String,
    /// `MZ` and 32 hex digits.
    pub stream_sid: String,
    /// `customParameters`: what the inventory gives, and `from_number`, `to_number`.
    pub parameters: Vec<(String, String)>,
}

impl std::fmt::Debug for Stream {
    /// Without URL credentials, headers and parameters, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("stream_sid", &self.stream_sid).finish_non_exhaustive()
    }
}

/// What the stream side tells the call logic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AgentEvent {
    /// The WebSocket is open, `connected` and `start` are sent.
    Opened {
        /// Which one.
        agent: AgentKey,
    },
    /// It could not be opened.
    Failed {
        /// Which one; it is over.
        agent: AgentKey,
        /// What was wrong, in words: name not found, refused, HTTP 401, certificate, timeout ...
        error: String,
    },
    /// An open stream ended: the bot closed it, or it broke.
    Closed {
        /// Which one; it is over.
        agent: AgentKey,
        /// Whether the bot closed it in order (true), or it broke.
        clean: bool,
        /// In words.
        reason: String,
    },
}

/// From the tap of a leg to its stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TapEvent {
    /// 20 ms of the caller's audio as µ-law, in order, gaps concealed.
    Audio(Frame),
    /// The caller pressed a digit. Told once, when it ends or after it lasted 40 ms.
    Digit(Digit),
    /// Everything queued before the mark has been played, or was cleared.
    Mark(MarkId),
}

/// 20 ms of µ-law at 8 kHz.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Milliseconds since the tap began.
    pub timestamp_ms: u32,
    /// 160 samples.
    pub samples: [u8; 160],
}

/// From the stream to the tap of its leg. While there is nothing to play, the far side gets silence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TapInput {
    /// µ-law at 8 kHz, of any length: played in order, paced. At most 5 minutes are held; what is beyond is dropped and counted.
    Audio(Bytes),
    /// Ask for `TapEvent::Mark` when all before it is played.
    Mark(MarkId),
    /// Empties the queue; its marks are told at once.
    Clear,
}
