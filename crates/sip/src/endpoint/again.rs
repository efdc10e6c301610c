//! Requests of ours that go out once more as new ones, for what was in their way could be mended: a longer session interval after a 422
//! (RFC 4028 s.7.3), credentials after a 401 or 407 (RFC 3261 s.22.2, s.22.3).
//!
//! Call-ID, From tag, headers and body stay; branch and `CSeq` number are new, and whatever the refused one had begun goes on with it: the
//! core above sees one request. It goes by the flow of the refused one, an INVITE too that its credentials make too long for a
//! datagram: who challenged it is there.

use std::time::Instant;

use super::clients::{Invitation, Machine, Opens, Past, Purpose};
use super::compose::{self, Anew, Head};
use super::drive::{Start, Started};
use super::turns::{Ours, Turns};
use super::usage::{Cancel, Outgoing, State};
use super::{Endpoint, Header, session};
use crate::dialog::Dialog;
use crate::digest::{Denial, Keyring, Subject};
use crate::message::{Message, Method, StatusCode};
use crate::transaction::key::ClientKey;

/// What becomes of a final response that may be a challenge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Challenged {
    /// The request went out again.
    Answered,
    /// It is no challenge, or there are no credentials, or nobody wants the request any longer.
    No,
    /// There are credentials, but they are no answer.
    Denied(Denial),
}

impl Endpoint {
    /// Sends a request again whose session interval was too short. Each hop may have a bound of its own, so again as long as that rises.
    pub(super) fn try_longer(&mut self, now: Instant, id: u64, refusal: &Message) -> bool {
        let Some(client) = self.clients.get(id).filter(|client| client.past.short < MAX_SHORT) else {
            return false;
        };
        match &client.machine {
            Machine::Invite(..) | Machine::Other(_, Purpose::Update(_) | Purpose::Refresh(_)) => {}
            Machine::Other(_, Purpose::Bye(_) | Purpose::Within(_) | Purpose::Alone) => return false,
        }
        let Some(longer) = session::retrying(refusal, self.config.session) else { return false };
        let Ok(request) = Message::parse(client.request.clone()) else { return false };
        let past = Past { short: client.past.short + 1, ..client.past.clone() };
        if past.short > 1 && !session::asks_for_more(refusal, &request) {
            return false;
        }
        let keys = self.keys(id, &request);
        self.send_again(now, id, &request, Revision { past, session: Some(&longer), keys })
    }

    /// Sends a request again with answers to the challenges of its final response.
    pub(super) fn answer_challenge(
        &mut self,
        now: Instant,
        id: u64,
        status: StatusCode,
        response: &Message,
    ) -> Challenged {
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED) {
            return Challenged::No;
        }
        let Some(client) = self.clients.get(id) else { return Challenged::No };
        let mut past = client.past.clone();
        let Ok(request) = Message::parse(client.request.clone()) else { return Challenged::No };
        let Some(mut keys) = self.keys(id, &request) else { return Challenged::No };
        if let Err(denial) = keys.take(response, &mut past.answers) {
            return Challenged::Denied(denial);
        }
        if self.send_again(now, id, &request, Revision { past, session: None, keys: Some(keys) }) {
            Challenged::Answered
        } else {
            Challenged::No
        }
    }

    /// What a request carries in answer to the challenges so far.
    pub(super) fn authorize(&mut self, keys: Option<&mut Keyring>, subject: Subject<'_>) -> Vec<Header> {
        let Some(keys) = keys.filter(|keys| !keys.is_idle()) else { return Vec::new() };
        let answers = keys.answer(subject, &self.random.tag());
        answers.into_iter().map(|(name, value)| Header::new(name, value)).collect()
    }

    fn send_again(&mut self, now: Instant, id: u64, request: &Message, revision: Revision<'_>) -> bool {
        let Some(cseq) = self.next_cseq(id, request) else { return false };
        let Revision { past, session, mut keys } = revision;
        let method = request.method();
        let subject =
            Subject { method, uri: request.request_uri().unwrap_or_default(), body: request.body() };
        let credentials = self.authorize(keys.as_mut(), subject);
        let Some(client) = self.clients.get(id) else { return false };
        let (flow, detours) = (client.flow, client.detours.clone());
        let branch = self.random.branch();
        let via = self.via(flow, &branch);
        let bytes = compose::again(request, Anew { via: &via, cseq, session, credentials: &credentials });
        if let Some(dialog) = self.dialog_of(request) {
            dialog.keys.clone_from(&keys);
        }
        let Some(client) = self.clients.get(id) else { return false };
        let (machine, keys) = match &client.machine {
            Machine::Invite(_, invitation) => {
                let head = Head { via, cseq, credentials, ..invitation.head.clone() };
                let again = Invitation { head, keys, ..Invitation::clone(invitation) };
                (Started::Invite(Box::new(again)), None)
            }
            Machine::Other(_, purpose) => {
                (Started::Other(*purpose), keys.filter(|_| *purpose == Purpose::Alone))
            }
        };
        let key = ClientKey { branch: branch.as_str().into(), method: method.clone() };
        let again = self.start(now, Start { key, flow, detours, request: bytes, machine, keys });
        if let Some(client) = self.clients.get_mut(again) {
            client.past = past;
        }
        let own = request.from_tag().and_then(|tag| self.usages.find(tag, request.call_id()));
        if let Some(key) = own {
            if let Some(usage) = self.usages.get_mut(key) {
                usage.state.hand_on(id, again);
            }
            self.index_usage(key);
        }
        true
    }

    /// What answers the challenges of a request of ours.
    fn keys(&mut self, id: u64, request: &Message) -> Option<Keyring> {
        match self.clients.invitation(id) {
            Some(Invitation { opens: Opens::Dialog, keys, .. }) => keys.clone(),
            Some(Invitation { opens: Opens::Nothing, .. }) | None => match self.dialog_of(request) {
                Some(dialog) => dialog.keys.clone(),
                None => self.clients.get(id)?.keys.clone(),
            },
        }
    }

    /// The dialog in which a request of ours went out, if it is there.
    fn dialog_of(&mut self, request: &Message) -> Option<&mut Dialog> {
        let key = self.usages.find(request.from_tag()?, request.call_id())?;
        let tag = request.to_tag()?;
        let dialog = match &mut self.usages.get_mut(key)?.state {
            State::Incoming(incoming) => &mut incoming.dialog,
            State::Outgoing(outgoing) => &mut outgoing.fork_mut(Some(tag))?.dialog,
            State::Confirmed(confirmed) => &mut confirmed.dialog,
            State::Ending(dialog) => dialog,
        };
        (dialog.remote_tag.as_deref() == Some(tag)).then_some(dialog)
    }

    /// The `CSeq` number of what goes in the place of a request; `None` if nobody wants it any longer.
    fn next_cseq(&mut self, id: u64, request: &Message) -> Option<u32> {
        let number = request.cseq().number;
        match &self.clients.get(id)?.machine {
            Machine::Invite(_, invitation) => {
                let key = invitation.dialog;
                match invitation.opens {
                    Opens::Dialog => match self.usages.outgoing_mut(key)? {
                        Outgoing { client, cancel: Cancel::No, .. } if *client == id => number.checked_add(1),
                        Outgoing { .. } => None,
                    },
                    Opens::Nothing => match self.usages.changing(key, id)? {
                        (_, Turns { ours: Ours::Out { cancel: None, .. }, .. }) => None,
                        (dialog, _) => Some(dialog.next_cseq()),
                    },
                }
            }
            Machine::Other(_, Purpose::Update(key)) => {
                let key = *key;
                self.usages.changing(key, id).map(|(dialog, _)| dialog.next_cseq())
            }
            Machine::Other(_, Purpose::Bye(_) | Purpose::Within(_) | Purpose::Refresh(_)) => {
                self.dialog_of(request).map(Dialog::next_cseq)
            }
            // A CANCEL has the number of its INVITE, and so can't be sent anew.
            Machine::Other(_, Purpose::Alone) if *request.method() == Method::Cancel => None,
            Machine::Other(_, Purpose::Alone) => {
                self.dialog_of(request).map(Dialog::next_cseq).or_else(|| number.checked_add(1))
            }
        }
    }
}

/// What is new about a request that goes out again.
struct Revision<'a> {
    past: Past,
    session: Option<&'a [Header]>,
    keys: Option<Keyring>,
}

impl State {
    /// The request `again` has taken the place of `id`.
    pub(super) fn hand_on(&mut self, id: u64, again: u64) {
        match self {
            Self::Outgoing(outgoing) if outgoing.client == id => {
                outgoing.client = again;
                outgoing.forks.clear();
            }
            Self::Incoming(_) | Self::Outgoing(_) | Self::Confirmed(_) | Self::Ending(_) => {
                if let Some((_, Turns { ours: Ours::Out { client, .. }, .. })) = self.changing(id) {
                    *client = again;
                }
            }
        }
    }
}

/// How often a request is sent again with a longer session interval.
const MAX_SHORT: u8 = 3;
