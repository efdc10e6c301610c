//! Packets of the legs: each leg's are counted when it ends, so that the packet path shares nothing.

use std::fmt;

use media::command::Counters;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::closed::{Closed, Named};

/// What went through the port pairs that were given back.
#[derive(Debug)]
pub(crate) struct Media {
    packets: Closed<1>,
    dropped: Closed<1>,
    lost: Closed<0>,
    latched: Closed<0>,
    legs: Closed<0>,
}

impl Media {
    pub(crate) fn new() -> Self {
        let alone = |name, help| Closed::new(Named { name, help, labels: [] }, [[]]);
        Self {
            packets: Closed::new(
                Named {
                    name: "media_packets",
                    help: "Packets of legs that ended: RTP received and sent, RTCP received",
                    labels: ["kind"],
                },
                [["received"], ["sent"], ["rtcp"]],
            ),
            dropped: Closed::new(
                Named {
                    name: "media_dropped",
                    help: "Packets that legs which ended have dropped, by why",
                    labels: ["why"],
                },
                [["foreign"], ["unusable"], ["overrun"], ["unauthenticated"], ["replayed"]],
            ),
            lost: alone("media_lost", "Sequence numbers missing of what was received on legs that ended"),
            latched: alone("media_latched", "Times that the source of a leg's audio was learnt"),
            legs: alone("media_legs_ended", "Legs that ended, each with a port pair of its own"),
        }
    }

    pub(crate) fn latched(&self) {
        self.latched.add([], 1);
    }

    pub(crate) fn released(&self, counters: &Counters) {
        let Counters {
            received,
            sent,
            lost,
            jitter_us: _,
            jitter_max_us: _,
            round_trip_us: _,
            far: _,
            foreign,
            unusable,
            overrun,
            unauthenticated,
            replayed,
            rtcp,
        } = *counters;
        for (kind, count) in [("received", received), ("sent", sent), ("rtcp", rtcp)] {
            self.packets.add([kind], count);
        }
        for (why, count) in [
            ("foreign", foreign),
            ("unusable", unusable),
            ("overrun", overrun),
            ("unauthenticated", unauthenticated),
            ("replayed", replayed),
        ] {
            self.dropped.add([why], count);
        }
        self.lost.add([], lost);
        self.legs.add([], 1);
    }
}

impl Collector for Media {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.packets.encode(&mut encoder)?;
        self.dropped.encode(&mut encoder)?;
        for alone in [&self.lost, &self.latched, &self.legs] {
            alone.encode(&mut encoder)?;
        }
        Ok(())
    }
}
