//! What the call logic asks of a media worker, and what a worker tells: plain data.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::quality::Told;
use crate::srtp::Srtp;

/// One port pair (RTP, RTCP) of ours: our side of one leg's media. Minted by the core, never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct MediaKey(pub u64);

/// Which media worker: 0 to workers - 1. Both directions of a bridge live on one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct WorkerId(pub u16);

/// An audio codec that the packet path reads. 8,000 samples a second, one byte a sample.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    /// G.711 µ-law, static payload type 0.
    Pcmu,
    /// G.711 A-law, static payload type 8.
    Pcma,
}

impl Codec {
    /// Both of them.
    pub(crate) const ALL: [Self; 2] = [Self::Pcmu, Self::Pcma];

    /// RFC 3551 s.6.
    pub(crate) const fn static_payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }
}

/// A DTMF event 0 to 15 (RFC 4733 s.3.2): 0-9, `*`, `#`, A-D.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Digit(u8);

impl Digit {
    /// From its event code.
    pub const fn from_event(event: u8) -> Option<Self> {
        if event < 16 { Some(Self(event)) } else { None }
    }
    /// From its key: `0`-`9`, `*`, `#`, `A`-`D` in either case.
    pub const fn from_key(key: char) -> Option<Self> {
        match key {
            '0'..='9' => Some(Self(key as u8 - b'0')),
            '*' => Some(Self(10)),
            '#' => Some(Self(11)),
            'A'..='D' => Some(Self(key as u8 - b'A' + 12)),
            'a'..='d' => Some(Self(key as u8 - b'a' + 12)),
            _ => None,
        }
    }
    /// Its event code, 0 to 15.
    pub const fn event(self) -> u8 {
        self.0
    }
    /// Its key.
    pub const fn key(self) -> char {
        b"0123456789*#ABCD"[self.0 as usize] as char
    }
}

/// Which way audio may go, as we see it after negotiation (RFC 3264 s.6.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Direction {
    /// We may send.
    pub send: bool,
    /// We expect to receive. The silence timeout runs only when both ways are open: whoever holds may be silent.
    pub receive: bool,
}

/// What was negotiated for one leg.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remote {
    /// Where its SDP says that it receives RTP; used until a source is latched.
    pub rtp: SocketAddr,
    /// Where its SDP says that it receives RTCP.
    pub rtcp: SocketAddr,
    /// The codec.
    pub codec: Codec,
    /// The payload type that we send the codec with.
    pub send_payload_type: u8,
    /// The payload type that it sends the codec with.
    pub receive_payload_type: u8,
    /// The payload types of telephone-event that we send and receive with, if negotiated.
    pub telephone_event: Option<(u8, u8)>,
    /// Which way.
    pub direction: Direction,
    /// `Event::Silent` after so long without a packet; `None` turns it off.
    pub silence_timeout: Option<Duration>,
    /// Its keys; `None` for plain RTP. A changed key begins its streams anew (RFC 4568 s.7.1.4), an unchanged one goes on.
    pub srtp: Option<Box<Srtp>>,
}

impl Remote {
    /// The audio that it may send, by payload type; the first that has a type counts. Where an answer to our offer lists both codecs, either may
    /// come at any time (RFC 3264 s.7), and where the codec was changed, the old one is under way still.
    pub(crate) fn audio(&self) -> [(u8, Codec); 3] {
        let [first, second] = Codec::ALL.map(|codec| (codec.static_payload_type(), codec));
        [(self.receive_payload_type, self.codec), first, second]
    }
}

/// A change to a worker's table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Bind `port` for RTP and `port + 1` for RTCP. Answered by `Bound` or `BindFailed`.
    Bind {
        /// Its name from here on.
        media: MediaKey,
        /// The local address.
        address: IpAddr,
        /// An even port.
        port: u16,
    },
    /// Sets or replaces what was negotiated. A changed address opens the learning window anew.
    Describe {
        /// Which one.
        media: MediaKey,
        /// What with.
        remote: Remote,
    },
    /// Each leg's audio and digits go to the other.
    Relay {
        /// One.
        a: MediaKey,
        /// The other.
        b: MediaKey,
    },
    /// Each packet goes back to its sender.
    Echo {
        /// Which one.
        media: MediaKey,
    },
    /// Audio goes to and from the agent stream attached to `media`.
    Tap {
        /// Which one.
        media: MediaKey,
    },
    /// Sends a digit to the far side (RFC 4733).
    Dial {
        /// Which one.
        media: MediaKey,
        /// Which digit.
        digit: Digit,
        /// 40 to 8,000 ms.
        duration: Duration,
    },
    /// The far side pressed a digit that signalling told of (SIP INFO). The agent of a tapped leg gets it as `TapEvent::Digit`; on a leg
    /// without an agent nothing happens.
    Hear {
        /// Which one.
        media: MediaKey,
        /// Which digit.
        digit: Digit,
    },
    /// Closes the pair's sockets; a bridge that it was part of is over. Answered by `Released`.
    Release {
        /// Which one.
        media: MediaKey,
    },
}

/// Counters of one leg, since its `Bind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// RTP packets taken from the far side.
    pub received: u64,
    /// RTP packets sent to it.
    pub sent: u64,
    /// Sequence numbers missing of what was received.
    pub lost: u64,
    /// Interarrival jitter (RFC 3550 s.6.4.1) in microseconds: the mean over all that came.
    pub jitter_us: u32,
    /// Its highest estimate, in microseconds.
    pub jitter_max_us: u32,
    /// From us to the far side and back, in microseconds: the mean of what its reports say. `None` as long as none says it.
    pub round_trip_us: Option<u32>,
    /// What it tells of what was sent to it.
    pub far: Option<Told>,
    /// Dropped: another source than the latched one.
    pub foreign: u64,
    /// Dropped: no RTP, an unknown payload type, a closed direction, a stray stream, too late or a duplicate.
    pub unusable: u64,
    /// Dropped: a full ring to or from the agent, or too many digits to dial.
    pub overrun: u64,
    /// Dropped: SRTP or SRTCP that is not by the far side's key. Nothing is learnt from it.
    pub unauthenticated: u64,
    /// Dropped: SRTP or SRTCP that came before, or is too old to tell.
    pub replayed: u64,
    /// RTCP packets taken from the far side. They end here: a bridge's reports are its own (RFC 3550 s.7.2).
    pub rtcp: u64,
}

/// What a worker tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Both ports of the pair are ours.
    Bound {
        /// Which one.
        media: MediaKey,
    },
    /// One of the two ports could not be bound; nothing is open.
    BindFailed {
        /// Which one.
        media: MediaKey,
        /// The system's words.
        error: String,
    },
    /// The source of the far side's RTP is known (again).
    Latched {
        /// Which one.
        media: MediaKey,
        /// The source.
        source: SocketAddr,
    },
    /// Nothing came for the leg's silence timeout. Told once.
    Silent {
        /// Which one.
        media: MediaKey,
    },
    /// How the leg does so far: told when it reports by RTCP. Whoever has no time for one of these misses nothing that the next does not
    /// say.
    Measured {
        /// Which one.
        media: MediaKey,
        /// Since its `Bind`.
        counters: Counters,
    },
    /// The worker of the pair has failed and begun anew: no audio goes through it any more. It is to be released as any other.
    Lost {
        /// Which one.
        media: MediaKey,
    },
    /// The pair is closed.
    Released {
        /// Which one.
        media: MediaKey,
        /// What went through it.
        counters: Counters,
    },
}
