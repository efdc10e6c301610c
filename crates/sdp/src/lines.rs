//! The `m=` lines that a session has had so far: descriptions to come keep all of them in their places (RFC 3264 s.8).

use crate::crypto::Offered;
use crate::negotiate::accept_line;
use crate::{Agreement, Capabilities, Local, Refusal, Session, print};

/// The `m=` lines around the audio that both sides speak: each was declined, and stays so. By default there are none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lines {
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
}

impl Lines {
    /// Those of an offer that led to this agreement.
    pub fn of(offer: &Session, agreement: &Agreement) -> Self {
        let mut declined: Vec<_> = offer.medias().map(|line| print::declined(line.media())).collect();
        let from = agreement.line.min(declined.len());
        let after = declined.split_off(from).into_iter().skip(1).collect();
        Self { before: declined, after }
    }

    /// An offer of all that we can do, within the session; of encryption, what is agreed on there.
    pub fn offer(&self, capabilities: &Capabilities, local: &Local, agreed: Option<&Agreement>) -> String {
        print::offer(self, capabilities, local, &Offered::new(local, agreed))
    }

    /// Reads the answer to such an offer, made while the same was agreed on.
    ///
    /// # Errors
    /// When the answer declines the audio, holds nothing that we offered, or is out of our reach.
    pub fn accept(
        &self,
        offered: &Capabilities,
        local: &Local,
        agreed: Option<&Agreement>,
        answer: &Session,
    ) -> Result<Agreement, Refusal> {
        accept_line(self.before.len(), offered, Some((local, &Offered::new(local, agreed))), answer)
    }
}

/// A first offer: one audio line with all that we can do.
pub fn offer(capabilities: &Capabilities, local: &Local) -> String {
    Lines::default().offer(capabilities, local, None)
}
