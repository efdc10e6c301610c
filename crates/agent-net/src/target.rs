//! An agent's URL and headers, checked, as the upgrade request that goes out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use media::agent::Stream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use tokio_tungstenite::tungstenite::http::uri::{Authority, Uri};

use crate::fault::Fault;

/// How the connection is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Security {
    /// `ws`
    Plain,
    /// `wss`
    Tls,
}

/// Where to connect, and what to send first. Not printable: it holds credentials.
pub(crate) struct Target {
    pub(crate) security: Security,
    /// A name or an IP literal, the latter without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) request: Request,
}

impl Target {
    pub(crate) fn new(stream: &Stream, user_agent: &str) -> Result<Self, Fault> {
        let url: Uri = stream.url.parse().map_err(|error| Fault::Url(format!("is not valid: {error}")))?;
        let security = match url.scheme_str() {
            Some("ws") => Security::Plain,
            Some("wss") => Security::Tls,
            Some(other) => {
                return Err(Fault::Url(format!("begins with {other}://; ws:// or wss:// is needed")));
            }
            None => return Err(Fault::Url("does not begin with ws:// or wss://".into())),
        };
        let authority = url.authority().ok_or_else(|| Fault::Url("names no host".into()))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(Fault::Url("names no host".into()));
        }
        let port = match (explicit_port(authority)?, security) {
            (Some(port), _) => port,
            (None, Security::Plain) => 80,
            (None, Security::Tls) => 443,
        };
        let request = request(&url, authority, stream, user_agent)?;
        Ok(Self { security, host, port, request })
    }
}

/// The port as written: one that is none must not pass for the default.
fn explicit_port(authority: &Authority) -> Result<Option<u16>, Fault> {
    let written = authority.as_str();
    let place = written.rsplit_once('@').map_or(written, |(_, place)| place);
    match place.strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':')) {
        None | Some("") => Ok(None),
        Some(port) => port.parse().map(Some).map_err(|_| Fault::Url(format!("has no valid port: {port}"))),
    }
}

fn request(url: &Uri, authority: &Authority, stream: &Stream, user_agent: &str) -> Result<Request, Fault> {
    let mut request =
        url.clone().into_client_request().map_err(|error| Fault::Url(format!("is not valid: {error}")))?;
    let headers = request.headers_mut();
    if let Ok(user_agent) = HeaderValue::from_str(user_agent) {
        headers.insert(USER_AGENT, user_agent);
    }
    if let Some(basic) = basic(authority)? {
        headers.insert(AUTHORIZATION, basic);
    }
    for (name, value) in &stream.headers {
        let fault = |why| Fault::Header { name: name.clone(), why };
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| fault("has no valid name"))?;
        if OURS.contains(&parsed.as_str()) {
            return Err(fault("is set by the WebSocket upgrade itself"));
        }
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| fault("has no valid value"))?;
        value.set_sensitive(true);
        headers.insert(parsed, value);
    }
    Ok(request)
}

/// `user:password@` of the URL as HTTP Basic (RFC 7617), its percent-encoding undone.
fn basic(authority: &Authority) -> Result<Option<HeaderValue>, Fault> {
    let Some((userinfo, _)) = authority.as_str().rsplit_once('@') else { return Ok(None) };
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut credentials = percent_decoded(user);
    credentials.push(b':');
    credentials.extend(percent_decoded(password));
    let mut value = String::from("Basic ");
    STANDARD.encode_string(&credentials, &mut value);
    let mut value =
        HeaderValue::from_str(&value).map_err(|_| Fault::Url("has unusable credentials".into()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// A `%` without two hex digits after it stands for itself.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            decoded.push(high << 4 | low);
            rest = &after[2..];
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Headers that would break the upgrade if an agent's replaced ours.
const OURS: [&str; 5] =
    ["connection", "upgrade", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"];

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, headers: &[(&str, &str)]) -> Result<Target, String> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let stream = Stream {
            url: url.into(),
            headers,
            account_sid: String::new(),
            call_sid: String::new(),
            stream_sid: String::new(),
            parameters: Vec::new(),
        };
        Target::new(&stream, "strowger/test").map_err(|fault| fault.to_string())
    }

    fn header<'a>(target: &'a Target, name: &str) -> Option<&'a str> {
        target.request.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn a_url_gives_host_port_path_and_credentials() {
        let target = target("wss://ag%40ent:p%3Aw%zz@bots.example.com/sales?x=1", &[]).unwrap();
        assert_eq!(
            (target.security, target.host.as_str(), target.port),
            (Security::Tls, "bots.example.com", 443)
        );
        assert_eq!(header(&target, "host"), Some("bots.example.com"));
        assert_eq!(header(&target, "user-agent"), Some("strowger/test"));
        let credentials = format!("Basic {}", STANDARD.encode("ag@ent:p:w%zz"));
        assert_eq!(header(&target, "authorization"), Some(credentials.as_str()));
        assert_eq!(target.request.uri().path_and_query().unwrap(), "/sales?x=1");
    }

    #[test]
    fn an_ipv6_literal_and_a_bare_host_are_targets() {
        let target = |url| target(url, &[]).unwrap();
        let literal = target("ws://[::1]:9000");
        assert_eq!(
            (literal.host.as_str(), literal.port, header(&literal, "host")),
            ("::1", 9000, Some("[::1]:9000"))
        );
        let bare = target("ws://bot");
        assert_eq!((bare.host.as_str(), bare.port), ("bot", 80));
        assert_eq!(bare.request.uri().path_and_query().unwrap(), "/");
        assert_eq!(header(&bare, "authorization"), None);
    }

    #[test]
    fn an_agents_own_headers_go_along_and_win_over_ours() {
        let target = target(
            "ws://u:p@bot/",
            &[("X-Key", "k1"), ("authorization", "Bearer t"), ("User-Agent", "mine")],
        )
        .unwrap();
        assert_eq!(header(&target, "x-key"), Some("k1"));
        assert_eq!(header(&target, "authorization"), Some("Bearer t"));
        assert_eq!(header(&target, "user-agent"), Some("mine"));
    }

    #[test]
    fn what_can_not_be_opened_is_refused_without_telling_secrets() {
        for (url, headers, words) in [
            (
                "http://u:secret@bot/",
                &[][..],
                "the agent's URL begins with http://; ws:// or wss:// is needed",
            ),
            ("bot.example.com", &[], "the agent's URL does not begin with ws:// or wss://"),
            ("/x", &[], "the agent's URL does not begin with ws:// or wss://"),
            ("ws://u:secret@bot:99999/", &[], "the agent's URL has no valid port: 99999"),
            (
                "ws://bot/",
                &[("Upgrade", "secret")],
                "the agent's header \"Upgrade\" is set by the WebSocket upgrade itself",
            ),
            ("ws://bot/", &[("a b", "secret")], "the agent's header \"a b\" has no valid name"),
            ("ws://bot/", &[("a", "secret\r\nb: c")], "the agent's header \"a\" has no valid value"),
        ] {
            let told = target(url, headers).err().expect(url);
            assert!(!told.contains("secret"), "{told}");
            assert_eq!(told, words, "{url}");
        }
    }
}
