//! How calls sounded, leg by leg: from their records, when they end.

use std::fmt;

use b2bua::CallRecord;
use b2bua::record::Quality;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::histogram::Histogram;

/// Of the calls that ended with audio.
#[derive(Debug)]
pub(crate) struct Sound {
    mos: Shapes<2>,
    loss: Shapes<2>,
    jitter: Shapes<2>,
    round_trip: Shapes<1>,
}

/// The histograms of one metric, each with the values of its labels.
#[derive(Debug)]
struct Shapes<const LABELS: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; LABELS],
    series: Vec<([&'static str; LABELS], Histogram)>,
}

impl Sound {
    pub(crate) fn new() -> Self {
        let both = |name, help, buckets: &[f64]| {
            let values = LEGS.into_iter().flat_map(|leg| WAYS.map(|way| [leg, way]));
            Shapes::new(name, help, ["leg", "way"], values, buckets)
        };
        Self {
            mos: both("call_mos", "Mean opinion scores of legs by the E-model, 1 to 4.5", &SCORES),
            loss: both("call_loss_ratio", "Shares of the packets of legs that were lost, 0 to 1", &RATIOS),
            jitter: both("call_jitter_seconds", "The mean jitter of legs", &SECONDS),
            round_trip: Shapes::new(
                "call_round_trip_seconds",
                "The mean time from us to the far side of a leg and back, as its RTCP has it",
                ["leg"],
                LEGS.map(|leg| [leg]),
                &SECONDS,
            ),
        }
    }

    /// A call that has ended.
    pub(crate) fn ended(&self, record: &CallRecord) {
        for (leg, quality) in LEGS.into_iter().zip([record.quality_a, record.quality_b]) {
            if let Some(quality) = quality {
                self.leg(leg, &quality);
            }
        }
    }

    fn leg(&self, leg: &'static str, quality: &Quality) {
        if let Some(mos) = quality.mos {
            self.mos.observe([leg, RECEIVED], mos);
            self.loss.observe([leg, RECEIVED], share(quality.lost, quality.packets + quality.lost));
            self.jitter.observe([leg, RECEIVED], quality.jitter_ms / 1000.0);
        }
        if let (Some(mos), Some(lost)) = (quality.far_mos, quality.far_lost) {
            self.mos.observe([leg, SENT], mos);
            self.loss.observe([leg, SENT], share(lost, quality.sent));
            self.jitter.observe([leg, SENT], quality.far_jitter_ms.unwrap_or_default() / 1000.0);
        }
        if let Some(rtt_ms) = quality.rtt_ms {
            self.round_trip.observe([leg], rtt_ms / 1000.0);
        }
    }
}

impl Collector for Sound {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for shapes in [&self.mos, &self.loss, &self.jitter] {
            shapes.encode(&mut encoder)?;
        }
        self.round_trip.encode(&mut encoder)
    }
}

impl<const LABELS: usize> Shapes<LABELS> {
    fn new(
        name: &'static str,
        help: &'static str,
        labels: [&'static str; LABELS],
        values: impl IntoIterator<Item = [&'static str; LABELS]>,
        buckets: &[f64],
    ) -> Self {
        let shape = |values| (values, Histogram::new(buckets.iter().copied()));
        Self { name, help, labels, series: values.into_iter().map(shape).collect() }
    }

    fn observe(&self, values: [&str; LABELS], value: f64) {
        if let Some((_, shape)) = self.series.iter().find(|(own, _)| *own == values) {
            shape.observe(value);
        }
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, MetricType::Histogram)?;
        for (values, shape) in &self.series {
            let mut pairs = [("", ""); LABELS];
            for (pair, named) in pairs.iter_mut().zip(self.labels.iter().zip(values)) {
                *pair = (*named.0, *named.1);
            }
            shape.encode(metric.encode_family(&pairs)?)?;
        }
        Ok(())
    }
}

fn share(part: u64, all: u64) -> f64 {
    // No leg has more packets.
    let count = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if all == 0 { 0.0 } else { count(part) / count(all) }
}

/// The sides of a call: whoever is outside, as a rule, and the agent.
const LEGS: [&str; 2] = ["a", "b"];
/// As we received it.
const RECEIVED: &str = "received";
/// As the far side says that it received ours.
const SENT: &str = "sent";
const WAYS: [&str; 2] = [RECEIVED, SENT];
/// The bounds of G.109 (2.58, 3.1, 3.6, 4.03, 4.34) among others.
const SCORES: [f64; 10] = [1.5, 2.0, 2.58, 3.1, 3.6, 3.8, 4.03, 4.2, 4.34, 4.5];
const RATIOS: [f64; 9] = [0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
const SECONDS: [f64; 11] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.3, 0.5, 1.0];
