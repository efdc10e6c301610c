//! A phone's side of a dialog (RFC 3261 s.12): loose routing only.

use std::net::SocketAddr;

use rsip::message::HeadersExt;
use rsip::{Header, Method, Request, Response, Uri};

use crate::wire;

#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    call_id: String,
    local: String,
    remote: String,
    target: Uri,
    routes: Vec<String>,
    cseq: u32,
    remote_cseq: Option<u32>,
}

impl Dialog {
    /// From our INVITE and its 2xx: the route set is Record-Route reversed (s.12.1.2).
    pub(crate) fn of_caller(invite: &Request, answer: &Response) -> Option<Self> {
        let mut routes = wire::list(answer, "Record-Route");
        routes.reverse();
        Some(Self {
            call_id: wire::call_id(invite),
            local: wire::from(invite),
            remote: wire::to(answer),
            target: wire::contact(answer)?,
            routes,
            cseq: wire::cseq(invite)?.0,
            remote_cseq: None,
        })
    }

    /// From their INVITE, and our tag: the route set is Record-Route in order (s.12.1.1).
    pub(crate) fn of_callee(invite: &Request, tag: &str, cseq: u32) -> Option<Self> {
        Some(Self {
            call_id: wire::call_id(invite),
            local: format!("{};tag={tag}", wire::to(invite)),
            remote: wire::from(invite),
            target: wire::contact(invite)?,
            routes: wire::list(invite, "Record-Route"),
            cseq,
            remote_cseq: Some(wire::cseq(invite)?.0),
        })
    }

    /// The same with the numbers of the early dialog that it confirms.
    pub(crate) fn after(mut self, early: &[Self]) -> Self {
        if let Some(early) = early.iter().find(|early| early.is(&self)) {
            self.cseq = early.cseq;
            self.remote_cseq = early.remote_cseq;
        }
        self
    }

    /// Whether both are one by their tags.
    pub(crate) fn is(&self, other: &Self) -> bool {
        wire::tag(&self.remote) == wire::tag(&other.remote)
    }

    /// Whether a request or a response's tags are of this dialog.
    pub(crate) fn owns(&self, request: &Request) -> bool {
        wire::call_id(request) == self.call_id
            && wire::tag(&wire::to(request)) == wire::tag(&self.local)
            && wire::tag(&wire::from(request)) == wire::tag(&self.remote)
    }

    /// Takes in a request's CSeq and, of a re-INVITE, its Contact; whether the CSeq is in order (s.12.2.2).
    pub(crate) fn accept(&mut self, request: &Request) -> bool {
        let Some((number, method)) = wire::cseq(request) else { return false };
        if self.remote_cseq.is_some_and(|last| number <= last) {
            return false;
        }
        self.remote_cseq = Some(number);
        if matches!(method, Method::Invite | Method::Update)
            && let Some(target) = wire::contact(request)
        {
            self.target = target;
        }
        true
    }

    /// Takes in the Contact of a re-INVITE's 2xx.
    pub(crate) fn refresh(&mut self, answer: &impl HeadersExt) {
        if let Some(target) = wire::contact(answer) {
            self.target = target;
        }
    }

    /// The CSeq number for the next request of ours.
    pub(crate) const fn count(&mut self) -> u32 {
        self.cseq += 1;
        self.cseq
    }

    /// A request within the dialog (s.12.2.1.1). The ACK of a 2xx takes its INVITE's number.
    pub(crate) fn request(
        &self,
        method: Method,
        number: u32,
        via: String,
        extra: Vec<Header>,
        sdp: Option<&str>,
    ) -> Request {
        let mut headers = vec![Header::Via(via.into())];
        headers.extend(self.routes.iter().map(|route| Header::Route(route.clone().into())));
        headers.push(Header::From(self.local.clone().into()));
        headers.push(Header::To(self.remote.clone().into()));
        headers.push(Header::CallId(self.call_id.clone().into()));
        headers.push(Header::CSeq(format!("{number} {method}").into()));
        headers.extend(extra);
        wire::request(method, self.target.clone(), headers, sdp)
    }

    /// Where its requests go: the first route, else the remote target.
    pub(crate) fn hop(&self) -> Option<SocketAddr> {
        match self.routes.first() {
            Some(route) => wire::destination(&wire::uri(route)?),
            None => wire::destination(&self.target),
        }
    }
}
