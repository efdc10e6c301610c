//! HEP version 3, the packets of Homer: <https://github.com/sipcapture/HEP/blob/master/docs/HEP3NetworkProtocolSpecification_REV_36.pdf>.
//!
//! `HEP3`, the length of all, then chunks: vendor, type, length (its own six octets included), value; numbers in network order.

use std::net::{IpAddr, SocketAddr};

use sip::Transport;

/// Who captures.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Agent {
    /// The collector's number for us.
    pub capture_id: u32,
    /// What the collector asks of those who send to it; none if empty.
    pub key: String,
}

/// One SIP message that was captured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub at_us: u64,
    /// By what it went.
    pub transport: Transport,
    /// Who sent it.
    pub source: SocketAddr,
    /// Whom to.
    pub destination: SocketAddr,
    /// What all messages of a call have in common.
    pub correlation_id: &'a str,
    /// The message.
    pub payload: &'a [u8],
}

impl Agent {
    /// The packet for the collector; `None` if the message is too long for one, or the addresses are of two families.
    pub fn pack(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let mut chunks = Chunks(Vec::with_capacity(OVERHEAD + packet.payload.len()));
        match (packet.source.ip(), packet.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                chunks.put(FAMILY, &[AF_INET])?;
                chunks.put(PROTOCOL, &[protocol(packet.transport)])?;
                chunks.put(SOURCE_V4, &source.octets())?;
                chunks.put(DESTINATION_V4, &destination.octets())?;
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                chunks.put(FAMILY, &[AF_INET6])?;
                chunks.put(PROTOCOL, &[protocol(packet.transport)])?;
                chunks.put(SOURCE_V6, &source.octets())?;
                chunks.put(DESTINATION_V6, &destination.octets())?;
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
        }
        let (seconds, micros) = (packet.at_us / 1_000_000, packet.at_us % 1_000_000);
        chunks.put(SOURCE_PORT, &packet.source.port().to_be_bytes())?;
        chunks.put(DESTINATION_PORT, &packet.destination.port().to_be_bytes())?;
        chunks.put(SECONDS, &u32::try_from(seconds).ok()?.to_be_bytes())?;
        chunks.put(MICROS, &u32::try_from(micros).ok()?.to_be_bytes())?;
        chunks.put(PAYLOAD_TYPE, &[SIP])?;
        chunks.put(CAPTURE_ID, &self.capture_id.to_be_bytes())?;
        if !self.key.is_empty() {
            chunks.put(KEY, self.key.as_bytes())?;
        }
        if !packet.correlation_id.is_empty() {
            chunks.put(CORRELATION_ID, packet.correlation_id.as_bytes())?;
        }
        chunks.put(PAYLOAD, packet.payload)?;
        chunks.whole()
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("capture_id", &self.capture_id).finish_non_exhaustive()
    }
}

struct Chunks(Vec<u8>);

impl Chunks {
    /// `None` if it is too long.
    fn put(&mut self, kind: u16, value: &[u8]) -> Option<()> {
        let length = u16::try_from(value.len() + CHUNK_HEAD).ok()?;
        self.0.extend_from_slice(&GENERIC.to_be_bytes());
        self.0.extend_from_slice(&kind.to_be_bytes());
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
        Some(())
    }

    fn whole(mut self) -> Option<Vec<u8>> {
        let length = u16::try_from(self.0.len() + HEAD).ok()?.to_be_bytes();
        self.0.splice(..0, MAGIC.iter().chain(&length).copied());
        Some(self.0)
    }
}

/// The number of the IP protocol: what is above TCP has none of its own.
const fn protocol(transport: Transport) -> u8 {
    match transport {
        Transport::Udp => 17,
        Transport::Tcp | Transport::Tls | Transport::Ws => 6,
    }
}

const MAGIC: &[u8; 4] = b"HEP3";
const HEAD: usize = 6;
const CHUNK_HEAD: usize = 6;
/// Of the chunks without a payload, at most, but for key and correlation id.
const OVERHEAD: usize = 256;
const GENERIC: u16 = 0;
const FAMILY: u16 = 1;
const PROTOCOL: u16 = 2;
const SOURCE_V4: u16 = 3;
const DESTINATION_V4: u16 = 4;
const SOURCE_V6: u16 = 5;
const DESTINATION_V6: u16 = 6;
const SOURCE_PORT: u16 = 7;
const DESTINATION_PORT: u16 = 8;
const SECONDS: u16 = 9;
const MICROS: u16 = 10;
const PAYLOAD_TYPE: u16 = 11;
const CAPTURE_ID: u16 = 12;
const KEY: u16 = 14;
const PAYLOAD: u16 = 15;
const CORRELATION_ID: u16 = 17;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const SIP: u8 = 1;

#[cfg(test)]
mod tests;
