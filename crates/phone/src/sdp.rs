//! The little session description that a phone needs (RFC 8866), apart from the crate under test.

use std::net::{IpAddr, SocketAddr};

/// An offer or answer of one G.711 µ-law stream with telephone-event 101, received at `rtp`.
pub fn pcmu(rtp: SocketAddr) -> String {
    audio(rtp, &["0 PCMU/8000", "101 telephone-event/8000"], "sendrecv", 1)
}

/// A description of one audio stream: `formats` are `a=rtpmap` values, `direction` is `sendrecv`, `sendonly` ...,
/// `version` the last number of its `o=` line but three.
pub fn audio(rtp: SocketAddr, formats: &[&str], direction: &str, version: u64) -> String {
    let family = match rtp.ip() {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    };
    let (address, port) = (rtp.ip(), rtp.port());
    let numbers: Vec<&str> = formats.iter().filter_map(|format| format.split(' ').next()).collect();
    let maps: Vec<String> = formats.iter().map(|format| format!("a=rtpmap:{format}\r\n")).collect();
    format!(
        "v=0\r\no=phone 1 {version} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP {}\r\n{}a=ptime:20\r\na={direction}\r\n",
        numbers.join(" "),
        maps.concat()
    )
}

/// The description as the answer to that offer: in the direction that is left of it (RFC 3264 s.6.1).
pub fn mirrored(own: &str, offer: &str) -> String {
    let says = |attribute: &str| offer.lines().any(|line| line.trim_end() == attribute);
    let direction = if says("a=sendonly") {
        "a=recvonly"
    } else if says("a=recvonly") {
        "a=sendonly"
    } else if says("a=inactive") {
        "a=inactive"
    } else {
        return own.to_owned();
    };
    own.replace("a=sendrecv", direction)
}

/// Where a description's first audio stream is received; `None` if it has none, or refuses it by port 0.
pub fn rtp(description: &str) -> Option<SocketAddr> {
    let mut address: Option<IpAddr> = None;
    let mut port: Option<u16> = None;
    for line in description.lines() {
        if let Some(connection) = line.strip_prefix("c=IN ") {
            address = connection.split([' ', '/']).nth(1)?.parse().ok();
        } else if let Some(media) = line.strip_prefix("m=") {
            if port.is_some() {
                break;
            }
            port = media.strip_prefix("audio ").and_then(|media| media.split(' ').next()?.parse().ok());
        }
    }
    Some(SocketAddr::new(address?, port.filter(|port| *port != 0)?))
}

/// A key for SRTP as a description tells it (RFC 4568 s.9.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Crypto {
    /// What an answer takes it by.
    pub tag: String,
    /// Such as `AES_CM_128_HMAC_SHA1_80`.
    pub suite: String,
    /// Base64 of key and salt.
    pub key: String,
}

/// The keys of a description, in its order.
pub fn cryptos(description: &str) -> Vec<Crypto> {
    let lines = description.lines().filter_map(|line| line.strip_prefix("a=crypto:"));
    let crypto = |line: &str| {
        let mut words = line.split_whitespace();
        let (tag, suite) = (words.next()?.to_owned(), words.next()?.to_owned());
        let key = words.next()?.strip_prefix("inline:")?.split(['|', ';']).next()?.to_owned();
        Some(Crypto { tag, suite, key })
    };
    lines.filter_map(crypto).collect()
}

/// The description with that key, and its audio as SRTP and nothing else.
pub fn encrypted(description: &str, crypto: &Crypto) -> String {
    let Crypto { tag, suite, key } = crypto;
    format!("{}a=crypto:{tag} {suite} inline:{key}\r\n", description.replace("RTP/AVP", "RTP/SAVP"))
}
