//! What one stream passed over or lost.

/// Told in the log when the stream ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
    /// Messages of the bot that were not understood.
    pub(crate) noise: u64,
    /// 20 ms frames of the caller that a slow bot did not get.
    pub(crate) dropped_frames: u64,
    /// Digits and marks that a slow bot did not get.
    pub(crate) dropped_words: u64,
    /// Marks of the bot that were refused: too many pending, or too long a name.
    pub(crate) refused_marks: u64,
}
