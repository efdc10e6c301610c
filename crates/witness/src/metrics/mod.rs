//! All that `/metrics` tells, in the text that Prometheus reads: every series is there from the start, and no peer chooses a label.

mod calls;
mod closed;
mod media;
mod quality;
mod sip;
mod threads;

use std::fmt;
use std::sync::Arc;

use ::media::ThreadCounts;
use ::media::command::Counters as LegCounters;
use b2bua::CallRecord;
use numbers::Directory;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use self::calls::Calls;
use self::closed::{Closed, Named};
use self::media::Media;
use self::quality::Sound;
use self::threads::Threads;
use crate::Counters;

/// What is counted of a node. Shared by reference; all zero at first.
pub struct Metrics {
    registry: Registry,
    signalling: Arc<Counters>,
    calls: Arc<Calls>,
    media: Arc<Media>,
    sound: Arc<Sound>,
    threads: Arc<ThreadCounts>,
    answers: Arc<Answers>,
    setup: Histogram,
    directory: DirectoryGauges,
}

/// What is read when the text is asked for, as it is kept elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// `/readyz` says yes.
    pub ready: bool,
    /// The node lets its calls end, and takes no others.
    pub draining: bool,
    /// Call records handed on to be written, and not on disk.
    pub records_waiting: u64,
    /// Call records that are on disk, since the start.
    pub records_written: u64,
    /// Attempts to write call records that the store refused, since the start.
    pub record_failures: u64,
    /// What is stored can't be put in force: calls are routed by an inventory before it.
    pub untaken: bool,
}

#[derive(Debug, Default)]
struct DirectoryGauges {
    revision: Gauge,
    loaded_at: Gauge,
    numbers: Gauge,
    agents: Gauge,
    trunks: Gauge,
}

#[derive(Debug)]
struct Answers(Closed<1>);

impl Metrics {
    /// All zero. What the signalling task counts is read from its own counters.
    pub fn new(version: &'static str, signalling: Arc<Counters>) -> Self {
        let mut registry = Registry::with_prefix("strowger");
        let (calls, media) = (Arc::new(Calls::new()), Arc::new(Media::new()));
        let classes = CLASSES.map(|class| [class]);
        let named = Named {
            name: "admin_requests",
            help: "Requests to the HTTP API, by the class of their status",
            labels: ["class"],
        };
        let answers = Arc::new(Answers(Closed::new(named, classes)));
        let (setup, directory) = (Histogram::new(SETUP_BUCKETS), DirectoryGauges::default());
        registry.register("build", "The program", Info::new([("version", version)]));
        let help = "Seconds from the INVITE to the answer, of calls that were answered and have ended";
        registry.register("call_setup_seconds", help, setup.clone());
        directory.register(&mut registry);
        registry.register_collector(Box::new(Arc::clone(&calls)));
        registry.register_collector(Box::new(Arc::clone(&media)));
        let sound = Arc::new(Sound::new());
        registry.register_collector(Box::new(Arc::clone(&sound)));
        let threads: Arc<ThreadCounts> = Arc::default();
        registry.register_collector(Box::new(Threads(Arc::clone(&threads))));
        registry.register_collector(Box::new(Arc::clone(&answers)));
        registry.register_collector(Box::new(Arc::clone(&signalling)));
        Self { registry, signalling, calls, media, sound, threads, answers, setup, directory }
    }

    /// A record, as it goes to the store: that of a call which has ended is counted.
    pub fn record(&self, record: &CallRecord) {
        let Some(status) = record.status else { return };
        self.calls.ended(record, status);
        self.sound.ended(record);
        if let Some(answered) = record.answered_at {
            let ms = u32::try_from(answered.saturating_sub(record.invite_at)).unwrap_or(u32::MAX);
            self.setup.observe(f64::from(ms) / 1000.0);
        }
    }

    /// The source of a leg's audio was learnt.
    pub fn latched(&self) {
        self.media.latched();
    }

    /// A leg has ended, and this went through it.
    pub fn released(&self, counters: &LegCounters) {
        self.media.released(counters);
    }

    /// Where the packet threads count what belongs to no leg.
    pub const fn packet_threads(&self) -> &Arc<ThreadCounts> {
        &self.threads
    }

    /// Calls are routed by this directory from then on, in seconds since 1970.
    pub fn routed_by(&self, directory: &Directory, unix_s: u64) {
        let gauge = |gauge: &Gauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        gauge(&self.directory.revision, directory.revision());
        gauge(&self.directory.loaded_at, unix_s);
        gauge(&self.directory.numbers, count(directory.numbers().len()));
        gauge(&self.directory.agents, count(directory.agents().len()));
        gauge(&self.directory.trunks, count(directory.trunks().len()));
    }

    /// A request to the HTTP API has its answer.
    pub fn answered(&self, status: u16) {
        let class = CLASSES.get(usize::from(status / 100).saturating_sub(1));
        self.answers.0.add([class.copied().unwrap_or("5xx")], 1);
    }

    /// What the signalling task counts.
    pub fn signalling(&self) -> &Counters {
        &self.signalling
    }

    /// All of it, of the type [`CONTENT_TYPE`].
    pub fn text(&self, standing: Standing) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        encode(&mut text, &self.registry).ok();
        let mut own = Registry::with_prefix("strowger");
        own.register_collector(Box::new(standing));
        if let Some(end) = text.rfind(EOF) {
            text.truncate(end);
        }
        encode(&mut text, &own).ok();
        text
    }
}

impl DirectoryGauges {
    fn register(&self, registry: &mut Registry) {
        let gauges = [
            ("directory_revision", "The revision of the inventory that calls are routed by", &self.revision),
            ("directory_loaded_timestamp_seconds", "When it was taken up, since 1970", &self.loaded_at),
            ("directory_numbers", "Numbers in it", &self.numbers),
            ("directory_agents", "Agents in it", &self.agents),
            ("directory_trunks", "Trunks in it", &self.trunks),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
    }
}

impl Collector for Answers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.encode(&mut encoder)
    }
}

impl Collector for Standing {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let gauges = [
            ("ready", "1 while /readyz says that calls are taken", u64::from(self.ready)),
            ("draining", "1 while calls are let end and no others are taken", u64::from(self.draining)),
            ("records_waiting", "Call records that are not on disk", self.records_waiting),
            (
                "directory_refused",
                "1 while the stored inventory can't be taken, and calls are routed by the one before",
                u64::from(self.untaken),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let counters = [
            ("records_written", "Call records that are on disk", self.records_written),
            (
                "record_failures",
                "Attempts to write call records that the store refused; they are made again",
                self.record_failures,
            ),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The last line of the text.
const EOF: &str = "# EOF";
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// A bot answers in tens of milliseconds, a person in seconds.
const SETUP_BUCKETS: [f64; 13] = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0];

#[cfg(test)]
mod tests;
