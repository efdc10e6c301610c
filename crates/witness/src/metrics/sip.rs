//! What the signalling task counts, told series by series.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::Direction;
use crate::counters::{Counters, FIRST_STATUS, STATUSES, read, series};
use crate::label::{MethodLabel, TRANSPORTS};

impl Collector for Counters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_requests(&mut encoder)?;
        self.encode_classes(&mut encoder)?;
        self.encode_codes(&mut encoder)?;
        self.encode_malformed(&mut encoder)?;
        let counters = [
            (
                "trace_dropped",
                "Messages that were neither traced nor sent by HEP, for lack of time",
                &self.unwitnessed,
            ),
            ("hep_sent", "Packets sent to the HEP collector", &self.hep_sent),
            ("hep_dropped", "Packets that could not be sent to the HEP collector", &self.hep_dropped),
        ];
        for (name, help, count) in counters {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(read(Some(count))).encode(metric)?;
        }
        let gauges = [
            ("calls", "Calls that are up, or whose record is not on disk", &self.calls),
            ("sip_dialogs", "SIP dialogs, those too whose BYE has no answer", &self.dialogs),
        ];
        for (name, help, count) in gauges {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(read(Some(count))).unwrap_or(i64::MAX)).encode(metric)?;
        }
        Ok(())
    }
}

impl Counters {
    fn encode_requests(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "SIP requests that passed, retransmissions too";
        let mut metric = encoder.encode_descriptor("sip_requests", help, None, MetricType::Counter)?;
        for (labels, index) in all_series() {
            let count = ConstCounter::new(read(self.requests.get(index)));
            count.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// By class alone, all of them: for rates and alarms.
    fn encode_classes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "SIP responses that passed, by class, retransmissions too";
        let mut metric = encoder.encode_descriptor("sip_responses", help, None, MetricType::Counter)?;
        for direction in Direction::ALL {
            for transport in TRANSPORTS {
                for class in 0..STATUSES / 100 {
                    let of_method = |method| series(direction, transport, method) * STATUSES + class * 100;
                    let count: u64 = MethodLabel::all()
                        .flat_map(|method| self.responses.iter().skip(of_method(method)).take(100))
                        .map(|count| read(Some(count)))
                        .sum();
                    let labels = [
                        ("direction", direction.to_string()),
                        ("transport", transport.to_string()),
                        ("class", format!("{}xx", class + 1)),
                    ];
                    ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }

    /// By method and status, those that were seen.
    fn encode_codes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "SIP responses that passed, by method and status, once seen";
        let mut metric = encoder.encode_descriptor("sip_statuses", help, None, MetricType::Counter)?;
        for (labels, index) in all_series() {
            for (offset, count) in self.responses.iter().skip(index * STATUSES).take(STATUSES).enumerate() {
                let count = read(Some(count));
                if count > 0 {
                    let code = (offset + usize::from(FIRST_STATUS)).to_string();
                    let labels: Vec<_> = labels.iter().cloned().chain([("code", code)]).collect();
                    ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }

    fn encode_malformed(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Messages that came and are no SIP";
        let mut metric = encoder.encode_descriptor("sip_malformed", help, None, MetricType::Counter)?;
        for (transport, count) in TRANSPORTS.iter().zip(&self.malformed) {
            let labels = [("transport", transport.to_string())];
            ConstCounter::new(read(Some(count))).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// The labels of each series of requests, with its place.
fn all_series() -> impl Iterator<Item = ([(&'static str, String); 3], usize)> {
    Direction::ALL.into_iter().flat_map(|direction| {
        TRANSPORTS.into_iter().flat_map(move |transport| {
            MethodLabel::all().map(move |method| {
                let labels = [
                    ("direction", direction.to_string()),
                    ("transport", transport.to_string()),
                    ("method", method.word().to_owned()),
                ];
                (labels, series(direction, transport, method))
            })
        })
    })
}
