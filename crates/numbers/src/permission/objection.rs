//! One reason against a call.

use std::sync::Arc;

use super::Denial;
use crate::{E164, Number, Refusal};

/// A reason against a call, with the words that a person needs.
#[derive(Debug)]
pub(crate) struct Objection {
    pub(crate) refusal: Refusal,
    words: String,
    retry_after: Option<u32>,
}

impl Objection {
    pub(crate) fn new(refusal: Refusal, words: impl Into<String>) -> Self {
        Self { refusal, words: words.into(), retry_after: refusal.retry_after() }
    }

    /// Where the refusal's own Retry-After would be too early.
    pub(crate) fn again_in(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    pub(super) fn denial(self, number: Option<&Arc<Number>>, to: Option<E164>) -> Denial {
        let Self { refusal, words, retry_after } = self;
        Denial { refusal, words, retry_after, number: number.map(Arc::clone), to }
    }
}
