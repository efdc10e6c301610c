//! What a bot protocol is to the engine: words out, words in.

use bytes::Bytes;
use media::agent::Frame;
use media::command::Digit;
use tokio_tungstenite::tungstenite::Message;

/// What a bot said.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// µ-law at 8 kHz to be played, in order.
    Audio(Bytes),
    /// Tell when all before it is played.
    Mark(String),
    /// Forget what is not played yet.
    Clear,
    /// Nothing that the protocol knows: counted, and otherwise passed over.
    Noise,
}

/// One stream's protocol state: it numbers what it writes.
pub(crate) trait Codec: Send {
    /// The first messages, in order.
    fn greeting(&mut self) -> Vec<Message>;
    /// 20 ms of the caller.
    fn audio(&mut self, frame: &Frame) -> Message;
    /// A key that the caller pressed.
    fn digit(&mut self, digit: Digit) -> Message;
    /// The bot's mark has been played, or was cleared.
    fn mark(&mut self, name: &str) -> Message;
    /// The last message.
    fn farewell(&mut self) -> Message;
    /// Reads a text message.
    fn text(&self, text: &str) -> Said;
    /// Reads a binary message.
    fn binary(&self, bytes: &Bytes) -> Said;
}
