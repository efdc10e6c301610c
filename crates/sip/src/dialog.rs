//! Dialogs (RFC 3261 s.12): what both sides share from the INVITE to the BYE, and where requests within it go.

use crate::Flow;
use crate::digest::Keyring;
use crate::message::Message;
use crate::name_addr::NameAddr;
use crate::uri::Uri;
use crate::way::{Way, uri_of};

/// One side's view of a dialog. From and To are kept as written, byte for byte: RFC 2543 peers compare them whole.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    /// Our From (or To) with our tag.
    pub(crate) local: String,
    pub(crate) local_tag: String,
    /// Theirs, with their tag if they have one.
    pub(crate) remote: String,
    pub(crate) remote_tag: Option<String>,
    pub(crate) local_cseq: u32,
    /// Of their last request; `None` before the first one.
    remote_cseq: Option<u32>,
    /// The URI of their Contact.
    target: String,
    /// In the order in which our requests take them.
    routes: Vec<String>,
    way: Way,
    pub(crate) caller: Caller,
    /// What answers the far side's challenges.
    pub(crate) keys: Option<Keyring>,
}

/// Whose INVITE began the dialog, and so who chose its Call-ID.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Caller {
    Us,
    Them,
}

/// What of an INVITE of ours its dialogs keep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    /// From, with our tag.
    pub(crate) from: &'a str,
    pub(crate) tag: &'a str,
    pub(crate) request_uri: &'a str,
    pub(crate) keys: Option<&'a Keyring>,
}

/// A request whose `CSeq` is lower than that of one before it (RFC 3261 s.12.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OutOfOrder;

impl Dialog {
    /// The dialog that our answer to `request` makes (s.12.1.1): the Record-Route as it came is the route set.
    pub(crate) fn answering(request: &Message, flow: Flow, tag: &str, first_cseq: u32) -> Self {
        Self {
            call_id: request.call_id().to_owned(),
            local: tagged(&request.header("To").unwrap_or_default(), request.to_tag(), tag),
            local_tag: tag.to_owned(),
            remote: request.header("From").unwrap_or_default().into_owned(),
            remote_tag: request.from_tag().map(str::to_owned),
            local_cseq: first_cseq,
            remote_cseq: Some(request.cseq().number),
            target: target_of(request).unwrap_or_else(|| {
                request.from().map(|from| from.uri().as_str().to_owned()).unwrap_or_default()
            }),
            routes: request.headers("Record-Route").map(std::borrow::Cow::into_owned).collect(),
            way: Way::came(flow),
            caller: Caller::Them,
            keys: None,
        }
    }

    /// The dialog that a 2xx to our INVITE makes (s.12.1.2): the Record-Route in reverse is the route set. Our From is that of the
    /// INVITE, whatever has become of it on the way.
    pub(crate) fn answered(response: &Message, flow: Flow, invite: Opening<'_>) -> Self {
        let Opening { from, tag: local_tag, request_uri, keys } = invite;
        // Of a response no Record-Route has been looked at; one that is none would make all that we send malformed.
        let routes = response.headers("Record-Route").filter(|route| NameAddr::parse(route).is_ok());
        let mut routes: Vec<String> = routes.map(std::borrow::Cow::into_owned).collect();
        routes.reverse();
        Self {
            call_id: response.call_id().to_owned(),
            local: from.to_owned(),
            local_tag: local_tag.to_owned(),
            remote: response.header("To").unwrap_or_default().into_owned(),
            remote_tag: response.to_tag().map(str::to_owned),
            local_cseq: response.cseq().number,
            remote_cseq: None,
            target: target_of(response).unwrap_or_else(|| request_uri.to_owned()),
            routes,
            way: Way::called(flow),
            caller: Caller::Us,
            keys: keys.cloned(),
        }
    }

    /// The same dialog with the numbers and the challenges that its early self came to: the 2xx sets the rest anew (s.13.2.2.4).
    pub(crate) fn after(self, early: &Self) -> Self {
        let keys = early.keys.clone();
        Self { local_cseq: early.local_cseq, remote_cseq: early.remote_cseq, keys, ..self }
    }

    /// Whether a request that carries our tag belongs to this dialog.
    pub(crate) fn owns(&self, request: &Message) -> bool {
        self.call_id == request.call_id()
            && request.to_tag() == Some(self.local_tag.as_str())
            && self.remote_tag.as_deref() == request.from_tag()
    }

    /// Takes note of a request's `CSeq`.
    ///
    /// # Errors
    /// [`OutOfOrder`]: it is to be refused with 500.
    pub(crate) fn note(&mut self, request: &Message) -> Result<(), OutOfOrder> {
        let number = request.cseq().number;
        if self.remote_cseq.is_some_and(|last| number < last) {
            return Err(OutOfOrder);
        }
        self.remote_cseq = Some(number);
        Ok(())
    }

    /// Moves the target to the Contact of a request that we accepted (target refresh, s.12.2.2).
    pub(crate) fn refresh(&mut self, request: &Message, flow: Flow) {
        if let Some(target) = target_of(request) {
            self.target = target;
            self.way.move_to(flow);
        }
    }

    /// Moves the target to the Contact of a 2xx to a request of ours that may move it (s.12.2.1.2).
    pub(crate) fn retarget(&mut self, response: &Message) {
        if let Some(target) = target_of(response) {
            self.target = target;
        }
    }

    /// The `CSeq` number of our next request.
    pub(crate) fn next_cseq(&mut self) -> u32 {
        self.local_cseq = self.local_cseq.wrapping_add(1) & MAX_CSEQ;
        self.local_cseq
    }

    /// The Request-URI and the Route headers of our requests (s.12.2.1.1). A first route that is a strict router takes the
    /// Request-URI, and the target goes last.
    pub(crate) fn path(&self) -> (String, Vec<String>) {
        let strict = self.routes.first().and_then(|first| {
            let uri = NameAddr::parse(first).ok()?.uri();
            (!uri.lr()).then(|| without_headers(uri.as_str()))
        });
        match strict {
            None => (self.target.clone(), self.routes.clone()),
            Some(first) => {
                let mut routes: Vec<String> = self.routes.iter().skip(1).cloned().collect();
                routes.push(format!("<{}>", self.target));
                (first, routes)
            }
        }
    }

    /// Where our requests go.
    pub(crate) fn hop(&self) -> Flow {
        self.way.hop(self.next_uri())
    }

    /// Where a request of ours goes whose connection dies before it is answered, the last one first.
    pub(crate) fn detours(&self) -> Vec<Flow> {
        self.way.detours(self.next_uri())
    }

    /// Takes note of a request of theirs, which the dialog owns, by that flow.
    pub(crate) fn hear(&mut self, flow: Flow) {
        self.way.hear(flow);
    }

    /// The flow that the far side came by, whose loss moves the dialog.
    pub(crate) fn came_by(&self) -> Option<Flow> {
        self.way.came_by()
    }

    /// Takes note that the connection of that flow is gone.
    pub(crate) fn lose(&mut self, flow: Flow) {
        let mut way = self.way;
        way.lose(flow, self.next_uri());
        self.way = way;
    }

    /// What says where our requests go: the first route, else the target.
    pub(crate) fn next_uri(&self) -> Option<&str> {
        match self.routes.first() {
            Some(first) => uri_of(first),
            None => Some(&self.target),
        }
    }
}

/// A From or To value with a tag added, unless it has one.
pub(crate) fn tagged(value: &str, own: Option<&str>, tag: &str) -> String {
    if own.is_some() || tag.is_empty() { value.to_owned() } else { format!("{value};tag={tag}") }
}

/// The URI of the Contact, if a request can be sent to it.
pub(crate) fn target_of(message: &Message) -> Option<String> {
    use crate::uri::Scheme;
    let contact = message.contact()?;
    let uri = contact.uri();
    match uri.scheme() {
        Scheme::Sip | Scheme::Sips => Some(without_headers(uri.as_str())),
        Scheme::Tel | Scheme::Other(_) => None,
    }
}

/// A Request-URI carries no headers (s.19.1.1).
fn without_headers(uri: &str) -> String {
    match Uri::parse(uri).ok().and_then(|parsed| parsed.headers()) {
        Some(headers) => {
            uri.strip_suffix(headers).and_then(|uri| uri.strip_suffix('?')).unwrap_or(uri).to_owned()
        }
        None => uri.to_owned(),
    }
}

/// `CSeq` numbers stay below 2^31 (s.8.1.1.5).
const MAX_CSEQ: u32 = (1 << 31) - 1;
