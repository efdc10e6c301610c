//! SIP by hand: what the scripted caller and agent write and read.

use sip::Transport;
use sip::locate::Candidate;

use crate::house::{AGENT, CALLER, House, US};

pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n";

/// Another server of the agent under a name.
pub(crate) const OTHER: &str = "198.51.100.9:5060";

/// A place where a name was found to be, over UDP.
pub(crate) fn place(address: &str) -> Candidate {
    place_over(Transport::Udp, address)
}

pub(crate) fn place_over(transport: Transport, address: &str) -> Candidate {
    Candidate {
        transport,
        address: address.parse().unwrap(),
        domain: "pbx.example.com".to_owned(),
        server: format!("at-{address}"),
    }
}

/// The first value of a header, by its full name.
pub(crate) fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let head = text.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| {
        let (own, value) = line.split_once(':')?;
        own.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// All values of a header, by its full name, a line each.
pub(crate) fn headers<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let values = head.lines().filter_map(|line| line.split_once(':'));
    values.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
}

pub(crate) fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// One INVITE dialog of a caller.
#[derive(Clone, Debug)]
pub(crate) struct Dial {
    pub(crate) id: String,
    pub(crate) did: String,
    pub(crate) from: String,
    pub(crate) extra: String,
    pub(crate) body: String,
    pub(crate) source: String,
    cseq: u32,
}

impl Dial {
    pub(crate) fn to(did: &str) -> Self {
        Self {
            id: "c1".to_owned(),
            did: did.to_owned(),
            from: "\"Bob\" <sip:+14085550199@carrier.example>".to_owned(),
            extra: String::new(),
            body: OFFER.to_owned(),
            source: CALLER.to_owned(),
            cseq: 1,
        }
    }

    pub(crate) fn named(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    pub(crate) fn at_source(mut self, source: &str) -> Self {
        source.clone_into(&mut self.source);
        self
    }

    pub(crate) fn with(mut self, header: &str) -> Self {
        self.extra.push_str(header);
        self.extra.push_str("\r\n");
        self
    }

    pub(crate) fn from(mut self, from: &str) -> Self {
        from.clone_into(&mut self.from);
        self
    }

    pub(crate) fn offering(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    fn request(
        &self,
        method: &str,
        cseq: &str,
        branch: &str,
        to_tag: &str,
        extra: &str,
        body: &str,
    ) -> String {
        let kind = if body.is_empty() || extra.contains("Content-Type") {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} sip:{did}@{US} SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bK-{branch}\r\n\
             Max-Forwards: 70\r\nFrom: {from};tag=f-{id}\r\nTo: <sip:{did}@{US}>{to_tag}\r\nCall-ID: {id}@carrier\r\n\
             CSeq: {cseq}\r\nContact: <sip:bob@{source}>\r\n{extra}{kind}Content-Length: {length}\r\n\r\n{body}",
            did = self.did,
            source = self.source,
            from = self.from,
            id = self.id,
            length = body.len(),
        )
    }

    pub(crate) fn invite(&self) -> String {
        let branch = format!("{}-1", self.id);
        self.request("INVITE", "1 INVITE", &branch, "", &self.extra, &self.body)
    }

    pub(crate) fn cancel(&self) -> String {
        self.request("CANCEL", "1 CANCEL", &format!("{}-1", self.id), "", "", "")
    }

    /// Rings and waits.
    pub(crate) fn place(&self, house: &mut House) {
        let invite = self.invite();
        house.receive(&self.source, &invite);
    }

    pub(crate) fn ack(&self, house: &mut House, body: &str) {
        let to_tag = self.tag(house);
        let text = self.request(
            "ACK",
            &format!("{} ACK", self.cseq),
            &format!("{}-a{}", self.id, self.cseq),
            &to_tag,
            "",
            body,
        );
        house.receive(&self.source, &text);
    }

    /// The ACK to a final response above 299.
    pub(crate) fn absorb(&self, house: &mut House, code: &str) {
        let to = header(&house.last(&self.source, code), "To").unwrap().to_owned();
        let tag = to.split_once(";tag=").map(|(_, tag)| format!(";tag={tag}")).unwrap_or_default();
        let text = self.request("ACK", "1 ACK", &format!("{}-1", self.id), &tag, "", "");
        house.receive(&self.source, &text);
    }

    /// A request within the dialog.
    pub(crate) fn inside(&mut self, house: &mut House, method: &str, extra: &str, body: &str) {
        self.cseq += 1;
        let to_tag = self.tag(house);
        let cseq = format!("{} {method}", self.cseq);
        let text = self.request(method, &cseq, &format!("{}-{}", self.id, self.cseq), &to_tag, extra, body);
        house.receive(&self.source, &text);
    }

    /// The CANCEL of its last request within the dialog.
    pub(crate) fn cancel_inside(&self, house: &mut House) {
        self.about_the_last(house, "CANCEL");
    }

    /// The ACK to a final response above 299 to it.
    pub(crate) fn absorb_inside(&self, house: &mut House) {
        self.about_the_last(house, "ACK");
    }

    fn about_the_last(&self, house: &mut House, method: &str) {
        let (to_tag, cseq) = (self.tag(house), format!("{} {method}", self.cseq));
        let text = self.request(method, &cseq, &format!("{}-{}", self.id, self.cseq), &to_tag, "", "");
        house.receive(&self.source, &text);
    }

    pub(crate) fn bye(&mut self, house: &mut House, extra: &str) {
        self.inside(house, "BYE", extra, "");
    }

    /// Up to the talk: INVITE and ACK.
    pub(crate) fn connect(self, house: &mut House) -> Self {
        self.place(house);
        self.ack(house, "");
        self
    }

    /// Whether we have given it a tag: without, an INVITE of it is of no dialog.
    pub(crate) fn has_tag(&self, house: &House) -> bool {
        !self.tag(house).is_empty()
    }

    fn tag(&self, house: &House) -> String {
        let sent = house.sent.iter().rev().find_map(|(_, text)| {
            let ours = header(text, "Call-ID") == Some(&format!("{}@carrier", self.id));
            let to = header(text, "To").filter(|_| ours && text.starts_with("SIP/2.0"))?;
            to.split_once(";tag=").map(|(_, tag)| tag.to_owned())
        });
        sent.map(|tag| format!(";tag={tag}")).unwrap_or_default()
    }
}

/// The SIP agent's answers to the INVITE that it got last.
pub(crate) fn agent_says(house: &mut House, status: &str, body: &str) {
    let invite = house.last(AGENT, "INVITE");
    reply(house, AGENT, &invite, status, body);
}

/// Answers a request that we sent.
pub(crate) fn reply(house: &mut House, who: &str, request: &str, status: &str, body: &str) {
    let get = |name| header(request, name).unwrap_or_default();
    let to = get("To");
    let tag = if to.contains(";tag=") { "" } else { ";tag=agent" };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:desk@{who}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        get("Via"),
        get("From"),
        get("Call-ID"),
        get("CSeq"),
        body.len(),
    );
    house.receive(who, &text);
}

/// A request of the SIP agent within the dialog of the INVITE that it got last.
pub(crate) fn agent_asks(house: &mut House, method: &str, cseq: u32, extra: &str, body: &str) {
    callee_asks(house, AGENT, method, cseq, extra, body);
}

/// The same of whoever got that INVITE.
pub(crate) fn callee_asks(house: &mut House, who: &str, method: &str, cseq: u32, extra: &str, body: &str) {
    let invite = house.last(who, "INVITE");
    let get = |name| header(&invite, name).unwrap_or_default().to_owned();
    let contact = get("Contact");
    let uri = contact.trim_start_matches('<').split('>').next().unwrap_or_default();
    let kind = if body.is_empty() || extra.contains("Content-Type") {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let text = format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {who};branch=z9hG4bK-agent-{cseq}-{method}\r\nMax-Forwards: 70\r\n\
         From: {};tag=agent\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:desk@{who}>\r\n\
         {extra}{kind}Content-Length: {}\r\n\r\n{body}",
        get("To"),
        get("From"),
        get("Call-ID"),
        body.len(),
    );
    house.receive(who, &text);
}
