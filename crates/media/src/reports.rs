//! When a leg reports, what it tells, and to whom (RFC 3550 s.6.2, s.6.3). Two take part in a call, so that the least interval counts.
//!
//! The NTP time of a sender report counts from the leg's beginning: s.6.4.1 allows a clock of the system's own, and nothing else is to be
//! synchronised with a call's only stream.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::dice::Dice;
use crate::egress::Egress;
use crate::ingress::Ingress;
use crate::quality::{FarSide, Told};
use crate::rtcp::{Block, CNAME, Compound, SenderInfo, SenderReport};

#[derive(Debug)]
pub(crate) struct Reports {
    epoch: Instant,
    dice: Dice,
    cname: [u8; CNAME],
    /// The next one; none before the far side is known.
    next: Option<Instant>,
    /// Whether the far side knows of us.
    known: Known,
    packets: u32,
    octets: u32,
    /// `packets` at the last report, and at the one before it.
    told: [u32; 2],
    /// Where the far side's reports come from.
    source: Option<SocketAddr>,
    theirs: Option<(Instant, SenderReport)>,
    /// What they say of our stream.
    far: FarSide,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    NotYet,
    Yes,
}

impl Reports {
    pub(crate) fn new(epoch: Instant, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut cname = [0; CNAME];
        for letter in &mut cname {
            let bits = dice.roll() >> 58;
            *letter = BASE64[usize::try_from(bits).unwrap_or(0)];
        }
        Self {
            epoch,
            dice,
            cname,
            next: None,
            known: Known::NotYet,
            packets: 0,
            octets: 0,
            told: [0; 2],
            source: None,
            theirs: None,
            far: FarSide::default(),
        }
    }

    /// The far side is known.
    pub(crate) fn begin(&mut self, now: Instant) {
        if self.next.is_none() {
            self.next = Some(now + self.interval() / 2);
        }
    }

    /// The far side has moved.
    pub(crate) fn forget_source(&mut self) {
        self.source = None;
    }

    /// An RTP packet with so much payload was sent.
    pub(crate) fn sent(&mut self, payload: usize) {
        self.known = Known::Yes;
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(payload).unwrap_or(0));
    }

    /// A report of the far side, which may be about our stream.
    pub(crate) fn take(&mut self, now: Instant, ours: u32, packet: &[u8]) {
        if let Some(report) = SenderReport::read(packet) {
            self.theirs = Some((now, report));
        }
        if self.packets > 0
            && let Some(block) = Block::about(ours, packet)
        {
            self.far.take(self.packets, middle(self.ntp(now)), &block);
        }
    }

    /// What the far side tells of what was sent to it.
    pub(crate) fn told(&self) -> Option<Told> {
        self.far.told()
    }

    /// The mean, in microseconds.
    pub(crate) fn round_trip_us(&self) -> Option<u32> {
        self.far.round_trip_us()
    }

    /// The far side's reports come from here, to our RTCP port: there it can be reached, whatever NAT is between.
    pub(crate) fn comes_from(&mut self, source: SocketAddr) {
        self.source = Some(source);
    }

    pub(crate) fn source(&self) -> Option<SocketAddr> {
        self.source
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Whether a report is due; the next one is then set.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.next.is_some_and(|next| next <= now);
        if is_due {
            self.next = Some(now + self.interval());
        }
        is_due
    }

    pub(crate) fn report(&mut self, now: Instant, egress: &Egress, ingress: &mut Ingress) -> Compound {
        self.known = Known::Yes;
        let [last, before] = self.told;
        self.told = [self.packets, last];
        let sender = (self.packets != before).then(|| SenderInfo {
            ntp: self.ntp(now),
            timestamp: egress.timestamp(now),
            packets: self.packets,
            octets: self.octets,
        });
        let block = ingress.reception().map(|reception| {
            let (last_report, delay) = match self.theirs {
                Some((at, report)) if report.ssrc == reception.ssrc => {
                    (report.ntp_middle, ticks(now.saturating_duration_since(at)))
                }
                Some(_) | None => (0, 0),
            };
            Block { reception, last_report, delay }
        });
        Compound::new(egress.ssrc(), sender, block, &self.cname)
    }

    /// The last report, to a far side that knows of us (RFC 3550 s.6.3.7).
    pub(crate) fn goodbye(
        &mut self,
        now: Instant,
        egress: &Egress,
        ingress: &mut Ingress,
    ) -> Option<Compound> {
        match self.known {
            Known::Yes => Some(self.report(now, egress, ingress).bye(egress.ssrc())),
            Known::NotYet => None,
        }
    }

    /// Half to one and a half of the least interval, made up for timer reconsideration as RFC 3550 s.6.3.1 says.
    fn interval(&mut self) -> Duration {
        let permille = 500 + u32::try_from(self.dice.roll() % 1001).unwrap_or(0);
        LEAST_INTERVAL * permille / 1218
    }

    fn ntp(&self, now: Instant) -> u64 {
        // From one second on, as zero means that there is no report.
        let since = now.saturating_duration_since(self.epoch) + Duration::from_secs(1);
        (since.as_secs() << 32) | ((u64::from(since.subsec_nanos()) << 32) / 1_000_000_000)
    }
}

/// The 32 bits in the middle of an NTP time.
fn middle(ntp: u64) -> u32 {
    let [_, _, n2, n3, n4, n5, _, _] = ntp.to_be_bytes();
    u32::from_be_bytes([n2, n3, n4, n5])
}

/// In 1/65,536 s.
fn ticks(duration: Duration) -> u32 {
    u32::try_from(duration.as_nanos() * 65_536 / 1_000_000_000).unwrap_or(u32::MAX)
}

/// RFC 3550 s.6.2.
const LEAST_INTERVAL: Duration = Duration::from_secs(5);
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
