//! Looks at all that comes out of a table, and panics where it breaks its word.

use std::collections::VecDeque;
use std::net::SocketAddr;

use media::agent::{MarkId, TapEvent};
use media::{Channel, Event, MediaKey, Outbox, Slot, Taken};

/// Looks at all that comes out.
pub(crate) struct Watcher {
    pub(crate) legs: [Heard; LEGS],
    /// By slot.
    sent: [Sent; LEGS],
    /// What comes out comes of this packet.
    pub(crate) cause: Cause,
    pub(crate) ring: Taken,
    /// Counts the changes of who feeds whom.
    pub(crate) wiring: u32,
    /// Packets and frames since the last look.
    pub(crate) packets: usize,
    pub(crate) frames: usize,
}

#[derive(Clone, Copy)]
pub(crate) enum Cause {
    /// Time, or a command.
    Own,
    /// A packet of a phone, with its count.
    Phone(u32),
    /// Bytes from anywhere.
    Raw,
}

/// What an agent heard.
#[derive(Default)]
pub(crate) struct Heard {
    /// Of the last frame, and of the newest sound in it.
    pub(crate) timestamp_ms: Option<u32>,
    pub(crate) count: u32,
    /// What the phone has sent so far.
    pub(crate) sent: u32,
    pub(crate) mark: Option<u32>,
}

/// What a leg sent.
#[derive(Default)]
struct Sent {
    packets: u64,
    ssrc: Option<u32>,
    recent: VecDeque<Numbers>,
}

#[derive(Clone, Copy)]
struct Numbers {
    sequence: u16,
    timestamp: u32,
    /// The wiring, and the phone's count.
    feed: Option<(u32, u32)>,
}

impl Watcher {
    pub(crate) fn new() -> Self {
        let mut sent: [Sent; LEGS] = Default::default();
        for sent in &mut sent {
            sent.recent.reserve_exact(RECENT + 1);
        }
        Self {
            legs: Default::default(),
            sent,
            cause: Cause::Own,
            ring: Taken::Yes,
            wiring: 0,
            packets: 0,
            frames: 0,
        }
    }

    /// The leg of a slot is closed.
    pub(crate) fn close(&mut self, slot: Slot, sent: u64) {
        let watched = &mut self.sent[slot.index()];
        assert_eq!(sent, watched.packets, "what is sent is counted");
        watched.recent.clear();
        (watched.packets, watched.ssrc) = (0, None);
    }
}

impl Outbox for Watcher {
    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]) {
        if channel == Channel::Rtcp {
            return check_compound(packet);
        }
        assert!(to.port() != 0 && !to.ip().is_unspecified());
        self.packets += 1;
        let sent = &mut self.sent[slot.index()];
        sent.packets += 1;
        let [first, _, s0, s1, t0, t1, t2, t3, ssrc @ ..] =
            *packet.first_chunk::<HEADER>().expect("a header");
        assert_eq!(first, 0x80);
        assert_eq!(
            *sent.ssrc.get_or_insert(u32::from_be_bytes(ssrc)),
            u32::from_be_bytes(ssrc),
            "one stream"
        );
        let feed = match self.cause {
            Cause::Own => None,
            Cause::Phone(count) => Some((self.wiring, count)),
            // Its numbers are its own.
            Cause::Raw => return sent.recent.clear(),
        };
        let numbers = Numbers {
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            feed,
        };
        for before in &sent.recent {
            numbers.check_order(before);
        }
        sent.recent.push_back(numbers);
        if sent.recent.len() > RECENT {
            sent.recent.pop_front();
        }
    }

    fn tap(&mut self, media: MediaKey, event: TapEvent) -> Taken {
        if self.ring == Taken::No {
            return Taken::No;
        }
        let leg = usize::try_from(media.0).expect("small");
        let heard = &mut self.legs[leg];
        match event {
            TapEvent::Audio(frame) => {
                self.frames += 1;
                if let Some(before) = heard.timestamp_ms.replace(frame.timestamp_ms) {
                    assert!(frame.timestamp_ms > before && (frame.timestamp_ms - before) % 20 == 0);
                }
                if leg < WATCHED {
                    frame.samples.iter().for_each(|&sample| heard.listen(sample));
                }
            }
            TapEvent::Mark(MarkId(mark)) => {
                assert!(heard.mark.is_none_or(|before| before < mark), "each mark once, in order");
                heard.mark = Some(mark);
            }
            TapEvent::Digit(_) => {}
        }
        Taken::Yes
    }

    fn event(&mut self, event: Event) {
        assert!(
            matches!(event, Event::Latched { .. } | Event::Silent { .. } | Event::Measured { .. }),
            "{event:?}"
        );
    }
}

impl Numbers {
    /// Whichever of the two packets was made first has the lower number, whatever the order in which they are sent.
    fn check_order(&self, before: &Self) {
        let ahead = self.sequence.wrapping_sub(before.sequence).cast_signed();
        let later = self.timestamp.wrapping_sub(before.timestamp).cast_signed();
        match (self.feed, before.feed) {
            (None, _) => assert!(ahead > 0, "what we make ourselves comes last"),
            (Some((wiring, count)), Some((wiring_before, count_before))) if wiring == wiring_before => {
                assert_eq!(ahead.cmp(&0), count.cmp(&count_before), "numbers tell the order");
            }
            (Some(_), _) => {}
        }
        assert!(later == 0 || (later > 0) == (ahead > 0), "timestamps tell the order");
    }
}

impl Heard {
    /// A sample of the phone: not older than the one before it.
    fn listen(&mut self, sample: u8) {
        if sample >= TAGS {
            return;
        }
        // The newest count that may be meant.
        let newest = self.sent.saturating_sub(1);
        let age = (u32::from(tag(newest)) + u32::from(TAGS) - u32::from(sample)) % u32::from(TAGS);
        let count = newest.checked_sub(age).expect("a packet that was sent");
        assert!(count >= self.count, "packet {count} is heard after {}", self.count);
        self.count = count;
    }
}

/// An RTCP packet: a report first, then who it is from, of the length that they say.
fn check_compound(packet: &[u8]) {
    assert!(matches!(packet, [0x80 | 0x81, 200 | 201, ..]), "{packet:?}");
    let mut rest = packet;
    let mut kinds = 0;
    while let [_, kind, high, low, ..] = *rest {
        kinds = kinds * 10 + usize::from(kind % 10);
        rest = &rest[4 + 4 * usize::from(u16::from_be_bytes([high, low]))..];
    }
    assert!(rest.is_empty() && matches!(kinds, 2 | 12 | 23 | 123), "{packet:?}");
}

/// What the packet sounds like.
pub(crate) fn tag(count: u32) -> u8 {
    u8::try_from(count % u32::from(TAGS)).expect("small")
}

pub(crate) const LEGS: usize = 4;
/// The legs whose order is watched.
pub(crate) const WATCHED: usize = 2;
pub(crate) const HEADER: usize = 12;
/// Sounds that can be told from each other and from silence.
pub(crate) const TAGS: u8 = 250;
/// Packets that are looked back at.
const RECENT: usize = 48;
