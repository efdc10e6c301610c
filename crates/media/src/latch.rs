//! Whom a leg hears and talks to: symmetric RTP (RFC 4961) learned in a window, then locked.
//!
//! What SDP announces wins, at any time: the signalling vouches for it. Otherwise the first consistent source does, and once locked,
//! another one is heard only when the locked one has fallen silent.
//!
//! A far side that announces an address that can't be reached from outside, or the one that its packets come from, is behind a NAT, and is
//! answered where it speaks from. Else its packets may come by another way than ours go: until the window closes, we speak to the
//! announced address.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::packet::Header;

/// What a packet's source is to the leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    /// The one that is heard.
    Known,
    /// The one that is heard from this packet on.
    Taken,
    /// Not the one that is heard.
    Foreign,
}

#[derive(Debug)]
pub(crate) struct Latch {
    announced: SocketAddr,
    /// The one heard before the last change of the announced address.
    former: Option<SocketAddr>,
    /// Where we send until a source is settled.
    meanwhile: SocketAddr,
    heard: Option<Heard>,
    rival: Option<Rival>,
    /// The one that was settled and told last.
    settled: Option<SocketAddr>,
}

#[derive(Debug)]
struct Heard {
    source: SocketAddr,
    packets: u32,
    last: Instant,
    window_ends: Instant,
}

/// A source that may replace the heard one, by packets of one stream in sequence.
#[derive(Debug)]
struct Rival {
    source: SocketAddr,
    ssrc: u32,
    /// Of the next packet.
    sequence: u16,
    packets: u32,
}

/// Whom to believe while the window is open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Rank {
    Former,
    Stranger,
    Announced,
}

impl Latch {
    pub(crate) fn new(announced: SocketAddr) -> Self {
        Self { announced, former: None, meanwhile: announced, heard: None, rival: None, settled: None }
    }

    /// A later description. The same address, or the old way to hold (`0.0.0.0`), changes nothing.
    pub(crate) fn announce(&mut self, announced: SocketAddr) {
        if announced == self.announced || announced.ip().is_unspecified() {
            return;
        }
        // Behind a NAT the announced address never was the one that worked: keep what works until something better is heard.
        self.meanwhile = match self.settled {
            Some(settled) if settled != self.announced => settled,
            Some(_) | None => announced,
        };
        self.announced = announced;
        self.former = self.heard.take().map(|heard| heard.source).or(self.former);
        self.rival = None;
        self.settled = None;
    }

    pub(crate) fn admit(&mut self, now: Instant, source: SocketAddr, header: &Header) -> Admission {
        let rank = self.rank(source);
        let heard_rank = self.heard.as_ref().map(|heard| self.rank(heard.source));
        let Some(heard) = &mut self.heard else { return self.take(now, source) };
        if heard.source == source {
            heard.packets = heard.packets.saturating_add(1);
            heard.last = now;
            self.rival = None;
            return Admission::Known;
        }
        let may_win = now < heard.window_ends || rank == Rank::Announced;
        if may_win && heard_rank < Some(rank) {
            return self.take(now, source);
        }
        let quiet = now.saturating_duration_since(heard.last);
        let is_unsettled = heard.packets < SETTLING && heard_rank < Some(Rank::Announced);
        let needed = if is_unsettled || quiet >= SILENT {
            SETTLING
        } else if quiet >= FALTERING && are_neighbours(heard.source.ip(), source.ip()) {
            NEIGHBOURLY
        } else {
            return Admission::Foreign;
        };
        let (ssrc, sequence) = (header.ssrc, header.sequence.wrapping_add(1));
        let packets = match &self.rival {
            Some(rival) if rival.is_continued_by(source, header) => rival.packets + 1,
            Some(_) | None => 1,
        };
        if packets >= needed {
            return self.take(now, source);
        }
        self.rival = Some(Rival { source, ssrc, sequence, packets });
        Admission::Foreign
    }

    /// The source that has been settled on, once for each.
    pub(crate) fn settle(&mut self, now: Instant) -> Option<SocketAddr> {
        let heard = self.heard.as_ref()?;
        if self.settled == Some(heard.source) {
            return None;
        }
        let settles = match self.rank(heard.source) {
            Rank::Announced => true,
            Rank::Stranger => {
                heard.packets >= SETTLING && (self.is_behind_nat(heard.source) || now >= heard.window_ends)
            }
            Rank::Former => now >= heard.window_ends,
        };
        if !settles {
            return None;
        }
        self.settled = Some(heard.source);
        self.settled
    }

    /// Where to send; `None` while that is nowhere.
    pub(crate) fn target(&self) -> Option<SocketAddr> {
        let target = self.settled.unwrap_or(self.meanwhile);
        (!target.ip().is_unspecified() && target.port() != 0).then_some(target)
    }

    pub(crate) fn hears(&self, source: SocketAddr) -> bool {
        self.heard.as_ref().is_some_and(|heard| heard.source == source)
    }

    /// Whether an address is the far side's, on whatever port.
    pub(crate) fn is_far_side(&self, source: SocketAddr) -> bool {
        let heard = self.heard.as_ref().map(|heard| heard.source.ip());
        source.ip() == self.announced.ip() || Some(source.ip()) == heard
    }

    fn take(&mut self, now: Instant, source: SocketAddr) -> Admission {
        let window_ends = self.heard.as_ref().map_or(now + WINDOW, |heard| heard.window_ends);
        self.heard = Some(Heard { source, packets: 1, last: now, window_ends });
        self.rival = None;
        Admission::Taken
    }

    /// Whether the announced address is none to be spoken to while another one is heard.
    fn is_behind_nat(&self, source: SocketAddr) -> bool {
        let announced = self.announced.ip();
        announced == source.ip() || !is_public(announced)
    }

    fn rank(&self, source: SocketAddr) -> Rank {
        if source == self.announced {
            Rank::Announced
        } else if Some(source) == self.former {
            Rank::Former
        } else {
            Rank::Stranger
        }
    }
}

impl Rival {
    fn is_continued_by(&self, source: SocketAddr, header: &Header) -> bool {
        self.source == source && self.ssrc == header.ssrc && self.sequence == header.sequence
    }
}

/// Whether an address can be reached from anywhere.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let carrier_grade = a == 100 && (64..128).contains(&b);
            let inside = v4.is_private() || v4.is_loopback() || v4.is_link_local() || carrier_grade;
            !inside && a != 0
        }
        IpAddr::V6(v6) => {
            !(v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback() || v6.is_unspecified())
        }
    }
}

/// Whether both addresses are of one network of 256, or of one IPv6 link: a far side that moves its media moves it within its own.
fn are_neighbours(one: IpAddr, other: IpAddr) -> bool {
    match (one.to_canonical(), other.to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.octets()[..3] == other.octets()[..3],
        (IpAddr::V6(one), IpAddr::V6(other)) => one.segments()[..4] == other.segments()[..4],
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// How long a better source may still replace another one, and the announced address be the target, from the first packet on.
const WINDOW: Duration = Duration::from_secs(1);
/// A source that is silent for so long may be replaced.
const SILENT: Duration = Duration::from_secs(3);
/// A source that is silent for so long may be replaced by its neighbour.
const FALTERING: Duration = Duration::from_millis(300);
/// So many packets of a neighbour do so.
const NEIGHBOURLY: u32 = 3;
/// So many packets settle a source that was not announced.
const SETTLING: u32 = 2;
