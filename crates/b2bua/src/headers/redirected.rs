//! By whom a call was diverted: Diversion (RFC 5806) and History-Info (RFC 7044), read as one and written as either (RFC 7544).

use std::fmt;

use numbers::{Country, Redirections, did};
use sip::endpoint::Header;
use sip::{Message, Uri};

use super::diversion::{self, Diversion, UNKNOWN_CAUSE, cause_of};
use super::history::{self, Entry};
use crate::parties::{ANONYMOUS, bounded, presentable, user_of};

/// What an INVITE says of where its call was on the way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Redirected {
    /// Of Diversion, the oldest first.
    diversions: Vec<Diversion>,
    /// Of History-Info, the oldest first.
    history: Vec<Entry>,
}

/// A call that was diverted so often that it goes in circles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooManyDiversions {
    counted: usize,
    most: usize,
}

/// A target of the call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Party {
    /// `None` if its URI has none.
    user: Option<String>,
    pub(super) shown: Shown,
}

/// Whether a party lets itself be named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    Yes,
    No,
}

impl Redirected {
    /// Numbers are read as they are written in that country.
    ///
    /// # Errors
    /// [`TooManyDiversions`]: more than an entry's `limit`, or than [`MAX_DIVERSIONS`].
    pub(crate) fn of(request: &Message, country: Option<Country>) -> Result<Self, TooManyDiversions> {
        let mut all = Self { diversions: diversion::read(request), history: history::read(request) };
        let diverting = all.diversions.iter_mut().map(|diversion| &mut diversion.party);
        for party in diverting.chain(all.history.iter_mut().map(|entry| &mut entry.party)) {
            party.normalise(country);
        }
        let counted = all.count();
        let limits = all.diversions.iter().filter_map(|diversion| diversion.limit.map(usize::from));
        let most = limits.chain([MAX_DIVERSIONS]).min().unwrap_or(MAX_DIVERSIONS);
        if counted > most {
            return Err(TooManyDiversions { counted, most });
        }
        if all.history.len() > MAX_TARGETS {
            return Err(TooManyDiversions { counted: all.history.len(), most: MAX_TARGETS });
        }
        Ok(all)
    }

    /// How often the call was diverted. What both headers tell of counts once.
    fn count(&self) -> usize {
        let told = history::diversions(&self.history).len();
        told + self.untold().iter().map(|diversion| usize::from(diversion.counter)).sum::<usize>()
    }

    /// What only Diversion tells of.
    fn untold(&self) -> Vec<&Diversion> {
        let told = history::diversions(&self.history);
        let is_told = |diversion: &Diversion| told.iter().any(|own| own.party.user == diversion.party.user);
        self.diversions.iter().filter(|diversion| !is_told(diversion)).collect()
    }

    /// All diversions, the oldest first.
    fn all(&self) -> Vec<Diversion> {
        let is_told =
            |own: &Diversion| self.diversions.iter().any(|other| other.party.user == own.party.user);
        let mut told = history::diversions(&self.history);
        told.retain(|own| !is_told(own));
        // The chronological order of two headers can't be known: what came in the other one goes on top (RFC 7544 s.3.5).
        self.diversions.iter().cloned().chain(told).collect()
    }

    /// The party that diverted the call last, if it lets itself be named.
    pub(super) fn last_party(&self) -> Option<String> {
        let Party { user, shown } = self.all().pop()?.party;
        user.filter(|user| shown == Shown::Yes && user != ANONYMOUS)
    }

    /// One header or the other, never both (RFC 7544 s.2). `to` is the user that is called at last.
    pub(super) fn headers(&self, kind: Redirections, to: &str, host: &str) -> Vec<Header> {
        let as_history = match kind {
            Redirections::AsReceived => !self.history.is_empty(),
            Redirections::Diversion => false,
            Redirections::HistoryInfo => true,
        };
        if as_history {
            let entries = self.as_history(to);
            entries.iter().map(|entry| Header::new("History-Info", entry.print(host))).collect()
        } else {
            let newest_first = self.all().into_iter().rev();
            newest_first.map(|diversion| Header::new("Diversion", diversion.print(host))).collect()
        }
    }

    /// The entries received, and behind them what only Diversion tells of (RFC 7544 s.3.4 and s.5).
    fn as_history(&self, to: &str) -> Vec<Entry> {
        let mut entries = self.history.clone();
        let mut cause = None;
        for Diversion { party, reason, counter, .. } in self.untold() {
            for _placeholder in 1..*counter {
                history::lead_to(&mut entries, Party::unknown(), cause);
                cause = Some(UNKNOWN_CAUSE);
            }
            if entries.last().is_none_or(|last| last.party.user != party.user) {
                history::lead_to(&mut entries, party.clone(), cause);
            }
            cause = Some(cause_of(reason));
        }
        if cause.is_some() {
            history::lead_to(&mut entries, Party { user: Some(to.to_owned()), shown: Shown::Yes }, cause);
        }
        entries
    }
}

impl Party {
    pub(super) fn of(uri: Uri<'_>, shown: Shown) -> Self {
        Self { user: user_of(uri).map(|user| presentable(&bounded(&user))), shown }
    }

    /// One number has one writing: that is how what both headers tell of is known to be the same.
    fn normalise(&mut self, country: Option<Country>) {
        let number = self.user.as_deref().and_then(|user| did::normalise(user, country, None));
        if let Some(e164) = number {
            self.user = Some(e164.to_string());
        }
    }

    /// RFC 7544 s.5: one of which only is known that it was there.
    fn unknown() -> Self {
        Self { user: Some(diversion::UNKNOWN.to_owned()), shown: Shown::Yes }
    }

    /// With our host: whose network it was in is not the other side's to know.
    pub(super) fn uri(&self, host: &str) -> String {
        match (&self.user, self.shown) {
            (_, Shown::No) => "sip:anonymous@anonymous.invalid".to_owned(),
            (Some(user), Shown::Yes) => format!("sip:{user}@{host}"),
            (None, Shown::Yes) => format!("sip:{host}"),
        }
    }
}

/// Whether the parties let themselves be named, as the INVITE as a whole asks for it (RFC 7544 s.3.2).
pub(super) fn parties_shown(request: &Message) -> Shown {
    let private = request.headers("Privacy").any(|value| {
        value
            .split([';', ','])
            .any(|word| ["history", "header"].iter().any(|private| word.trim().eq_ignore_ascii_case(private)))
    });
    if private { Shown::No } else { Shown::Yes }
}

impl fmt::Display for TooManyDiversions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the call was diverted {} times, and {} are the most", self.counted, self.most)
    }
}

/// ISUP ends at 5 (ITU-T Q.732).
const MAX_DIVERSIONS: usize = 10;
/// Targets that a call may have had, diverted or only routed.
const MAX_TARGETS: usize = 20;
