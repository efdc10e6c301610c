//! Packet threads: what they count that belongs to no leg.

use std::fmt;
use std::sync::Arc;

use ::media::{Mishap, ThreadCounts};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

/// The counts of the packet threads, as they are told.
#[derive(Debug)]
pub(crate) struct Threads(pub(crate) Arc<ThreadCounts>);

impl Collector for Threads {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for mishap in Mishap::ALL {
            let (name, help) = match mishap {
                Mishap::Restart => {
                    ("media_thread_restarts", "Packet threads that failed and began anew; their calls ended")
                }
                Mishap::Unsent => {
                    ("media_unsent", "Packets that the system did not take, or that there was no room for")
                }
                Mishap::Oversize => (
                    "media_oversize",
                    "Datagrams that were dropped as they are longer than any packet of audio",
                ),
                Mishap::Starved => (
                    "media_starved",
                    "Times that a packet thread had no room to receive into, and datagrams waited in their sockets",
                ),
            };
            let counter = ConstCounter::new(self.0.of(mishap));
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        Ok(())
    }
}
