//! Composes requests (RFC 3261 s.8.1.1) and responses (s.8.2.6), and says where responses go (s.18.2, RFC 3581).

use std::net::SocketAddr;

use bytes::Bytes;

use super::{ALLOW, Body, Header, Reply, SUPPORTED, session};
use crate::dialog::tagged;
use crate::message::{Message, Method, StatusCode, Writer};
use crate::via::{Rport, Via};
use crate::way::default_port;
use crate::{Flow, Transport};

/// What a request's ACK and CANCEL repeat of it.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) request_uri: String,
    pub(super) routes: Vec<String>,
    /// The whole Via value, branch and all.
    pub(super) via: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) call_id: String,
    pub(super) cseq: u32,
    pub(super) max_forwards: u8,
    /// Authorization and Proxy-Authorization (RFC 3261 s.22.1).
    pub(super) credentials: Vec<Header>,
}

/// What a request has beside its head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rest<'a> {
    pub(super) contact: Option<&'a str>,
    pub(super) headers: &'a [Header],
    pub(super) body: Option<&'a Body>,
}

pub(super) fn request(head: &Head, method: &Method, user_agent: &str, rest: Rest<'_>) -> Bytes {
    let mut writer = Writer::request(method, &head.request_uri);
    writer.header("Via", &head.via);
    for route in &head.routes {
        writer.header("Route", route);
    }
    writer
        .header_args("Max-Forwards", format_args!("{}", head.max_forwards))
        .header("From", &head.from)
        .header("To", &head.to)
        .header("Call-ID", &head.call_id)
        .header_args("CSeq", format_args!("{} {method}", head.cseq));
    if let Some(contact) = rest.contact {
        writer.header("Contact", contact);
    }
    let session = matches!(method, Method::Invite | Method::Update);
    if session && !names(rest.headers, "Allow") {
        writer.header("Allow", ALLOW);
    }
    if !user_agent.is_empty() {
        writer.header("User-Agent", user_agent);
    }
    for header in head.credentials.iter().chain(rest.headers) {
        writer.header(header.name(), header.value());
    }
    writer.finish(rest.body.map(|body| (body.content_type, &*body.bytes)))
}

/// What a request of ours has anew when it is sent again as a new one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anew<'a> {
    pub(super) via: &'a str,
    pub(super) cseq: u32,
    /// Another session interval.
    pub(super) session: Option<&'a [Header]>,
    pub(super) credentials: &'a [Header],
}

/// A request of ours once more, as a new one.
pub(super) fn again(request: &Message, anew: Anew<'_>) -> Bytes {
    let Anew { via, cseq, session, credentials } = anew;
    let method = request.method();
    let mut writer = Writer::request(method, request.request_uri().unwrap_or_default());
    for (name, value) in request.lines() {
        match name {
            "Via" => writer.header(name, via),
            "CSeq" => writer.header_args(name, format_args!("{cseq} {method}")),
            "Content-Type" | "Content-Length" | "Authorization" | "Proxy-Authorization" => &mut writer,
            name if session.is_some() && session::is_ours(name) => &mut writer,
            name => writer.header(name, &value),
        };
    }
    for header in credentials.iter().chain(session.unwrap_or_default()) {
        writer.header(header.name(), header.value());
    }
    let content_type = request.header("Content-Type");
    writer.finish(content_type.as_deref().map(|content_type| (content_type, request.body())))
}

/// What a response takes from the transaction that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) request: &'a Message,
    /// Where the request came from.
    pub(super) flow: Flow,
    /// Our To tag, if the request has none.
    pub(super) tag: &'a str,
    pub(super) contact: &'a str,
    pub(super) server: &'a str,
}

pub(super) fn response(origin: Origin<'_>, reply: &Reply) -> Bytes {
    let Origin { request, flow, tag, contact, server } = origin;
    let status = reply.status;
    let mut writer = Writer::response(status, None);
    for (at, via) in request.headers("Via").enumerate() {
        writer.header("Via", &if at == 0 { stamped(&via, flow.remote) } else { via.into_owned() });
    }
    let to = request.header("To").unwrap_or_default();
    let tag = if status.code() == 100 { "" } else { tag };
    writer
        .header("From", &request.header("From").unwrap_or_default())
        .header("To", &tagged(&to, request.to_tag(), tag))
        .header("Call-ID", request.call_id())
        .header("CSeq", &request.header("CSeq").unwrap_or_default());
    if status.code() == 100
        && let Some(timestamp) = request.header("Timestamp")
    {
        writer.header("Timestamp", &timestamp);
    }
    let dialog = if *request.method() == Method::Invite {
        status.code() > 100 && status.code() < 300
    } else {
        *request.method() == Method::Update && status.is_success()
    };
    if dialog {
        for route in request.headers("Record-Route") {
            writer.header("Record-Route", &route);
        }
        writer.header("Contact", contact);
    }
    let allow = status.code() == 405 || (dialog && status.is_success());
    if allow && !names(&reply.headers, "Allow") {
        writer.header("Allow", ALLOW);
    }
    if dialog && status.is_success() && !names(&reply.headers, "Supported") {
        writer.header("Supported", SUPPORTED);
    }
    if !server.is_empty() {
        writer.header("Server", server);
    }
    for header in &reply.headers {
        writer.header(header.name(), header.value());
    }
    writer.finish(reply.body.as_ref().map(|body| (body.content_type, &*body.bytes)))
}

/// Where the responses to a request go. On UDP to where it came from: its port if `rport` asks for that, else that of sent-by.
/// `maddr` is passed over: it would let anyone point our responses at a third party.
pub(super) fn reply_to(request: &Message, flow: Flow) -> Flow {
    if flow.transport != Transport::Udp {
        return flow;
    }
    let port = request.via().map_or(flow.remote.port(), |via| match via.rport() {
        Some(Rport::Asked | Rport::Given(_)) => flow.remote.port(),
        None => via.port().unwrap_or(default_port(flow.transport)),
    });
    let port = if port == 0 { flow.remote.port() } else { port };
    Flow { remote: SocketAddr::new(flow.remote.ip(), port), ..flow }
}

/// Where the responses go whose connection is gone: to where the request came from, at the port of sent-by (s.18.2.2).
pub(super) fn reply_to_sent_by(request: &Message, flow: Flow) -> Option<Flow> {
    match flow.transport {
        Transport::Udp | Transport::Ws => None,
        Transport::Tcp | Transport::Tls => {
            let port = request.via().and_then(|via| via.port()).filter(|&port| port != 0);
            let port = port.unwrap_or(default_port(flow.transport));
            Some(Flow { remote: SocketAddr::new(flow.remote.ip(), port), ..flow })
        }
    }
}

/// The top Via with what we saw of its sender: `received` and `rport` (RFC 3261 s.18.2.1, RFC 3581 s.4). What the sender itself
/// wrote there is replaced.
fn stamped(text: &str, source: SocketAddr) -> String {
    let Some(via) = Via::parse(text) else {
        return text.to_owned();
    };
    let rport = via.rport().is_some();
    let own = via.parsed_host().address() == Some(source.ip());
    let claimed = via.params().contains("received");
    if !rport && own && !claimed {
        return text.to_owned();
    }
    let mut stamped = text.split(';').next().unwrap_or_default().trim_end().to_owned();
    for (name, value) in via.params().iter() {
        if name.eq_ignore_ascii_case("received") || name.eq_ignore_ascii_case("rport") {
            continue;
        }
        stamped.push(';');
        stamped.push_str(name);
        if let Some(value) = value {
            stamped.push('=');
            stamped.push_str(value);
        }
    }
    if rport || !own {
        stamped.push_str(";received=");
        stamped.push_str(&source.ip().to_string());
    }
    if rport {
        stamped.push_str(";rport=");
        stamped.push_str(&source.port().to_string());
    }
    stamped
}

pub(super) fn plain(status: StatusCode) -> Reply {
    Reply { status, headers: Vec::new(), body: None }
}

fn names(headers: &[Header], name: &str) -> bool {
    headers.iter().any(|header| header.name().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(via: &str) -> String {
        stamped(via, "192.0.2.9:1024".parse().unwrap())
    }

    #[test]
    fn received_is_told_when_it_differs_or_rport_is_asked_for() {
        assert_eq!(stamp("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1"), "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1");
        assert_eq!(
            stamp("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1"),
            "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;received=192.0.2.9"
        );
        assert_eq!(
            stamp("SIP/2.0/UDP 192.0.2.9;rport;branch=z9hG4bK1"),
            "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1;received=192.0.2.9;rport=1024"
        );
    }

    #[test]
    fn what_the_sender_claims_to_be_received_from_is_not_believed() {
        assert_eq!(
            stamp("SIP/2.0/UDP a.example;received=203.0.113.1;rport=9;branch=z9hG4bK1"),
            "SIP/2.0/UDP a.example;branch=z9hG4bK1;received=192.0.2.9;rport=1024"
        );
    }
}
