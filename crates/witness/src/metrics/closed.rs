//! Counters of a closed set of labels: all there from the start, told in one order, counted without a lock or an allocation.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

/// What comes before and within the braces of a metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<const LABELS: usize> {
    /// Without the suffix that counters get.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) labels: [&'static str; LABELS],
}

/// The counters of one metric, each with the values of its labels.
#[derive(Debug)]
pub(crate) struct Closed<const LABELS: usize> {
    named: Named<LABELS>,
    series: Vec<([&'static str; LABELS], AtomicU64)>,
}

impl<const LABELS: usize> Closed<LABELS> {
    pub(crate) fn new(
        named: Named<LABELS>,
        values: impl IntoIterator<Item = [&'static str; LABELS]>,
    ) -> Self {
        Self { named, series: values.into_iter().map(|values| (values, AtomicU64::new(0))).collect() }
    }

    /// Adds to the series of these values; to none, if there is none.
    pub(crate) fn add(&self, values: [&str; LABELS], count: u64) {
        if let Some((_, counted)) = self.series.iter().find(|(own, _)| *own == values) {
            counted.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn knows(&self, values: [&str; LABELS]) -> bool {
        self.series.iter().any(|(own, _)| *own == values)
    }

    pub(crate) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Named { name, help, labels } = self.named;
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (values, count) in &self.series {
            let mut pairs = [("", ""); LABELS];
            for (pair, named) in pairs.iter_mut().zip(labels.iter().zip(values)) {
                *pair = (*named.0, *named.1);
            }
            let count = ConstCounter::new(count.load(Ordering::Relaxed));
            if LABELS == 0 {
                return count.encode(metric);
            }
            count.encode(metric.encode_family(&pairs)?)?;
        }
        Ok(())
    }
}
