//! Counters of the signalling: a fixed number of atomics, counted without an allocation or a lock, told as Prometheus text.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use sip::{Flow, Transport};

use crate::Direction;
use crate::glance::{self, Start};
use crate::label::{MethodLabel, TRANSPORTS, transport_index};

/// What the signalling task counts. Shared by reference; all zero at first.
pub struct Counters {
    /// By direction, transport and method.
    requests: Box<[AtomicU64]>,
    /// By direction, transport, method and status.
    responses: Box<[AtomicU64]>,
    /// By transport.
    malformed: [AtomicU64; TRANSPORTS.len()],
    unwitnessed: AtomicU64,
    hep_sent: AtomicU64,
    hep_dropped: AtomicU64,
    calls: AtomicU64,
    dialogs: AtomicU64,
}

/// What the core holds at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gauges {
    /// Calls that are up, or whose record is not on disk.
    pub calls: usize,
    /// Dialogs, those too whose BYE has no answer.
    pub dialogs: usize,
}

impl Counters {
    /// All zero.
    pub fn new() -> Self {
        let requests = Direction::ALL.len() * TRANSPORTS.len() * MethodLabel::COUNT;
        Self {
            requests: zeros(requests),
            responses: zeros(requests * STATUSES),
            malformed: Default::default(),
            unwitnessed: AtomicU64::new(0),
            hep_sent: AtomicU64::new(0),
            hep_dropped: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            dialogs: AtomicU64::new(0),
        }
    }

    /// A message that passed.
    pub fn message(&self, direction: Direction, flow: Flow, message: &[u8]) {
        match glance::start(message) {
            Start::Request(method) => {
                add(self.requests.get(series(direction, flow.transport, MethodLabel::of(method))));
            }
            Start::Response(status) => {
                let method = MethodLabel::of(glance::cseq_method(message).unwrap_or_default());
                let status = usize::from(status - FIRST_STATUS);
                add(self.responses.get(series(direction, flow.transport, method) * STATUSES + status));
            }
            Start::Nothing => {}
        }
    }

    /// Octets that came and are no SIP.
    pub fn malformed(&self, transport: Transport) {
        add(self.malformed.get(transport_index(transport)));
    }

    /// A message that passed and could not be handed on to be kept or sent to the collector.
    pub fn unwitnessed(&self) {
        add(Some(&self.unwitnessed));
    }

    /// A packet that went to the collector.
    pub fn hep_sent(&self) {
        add(Some(&self.hep_sent));
    }

    /// A packet that could not be sent to the collector.
    pub fn hep_dropped(&self) {
        add(Some(&self.hep_dropped));
    }

    /// What the core holds now.
    pub fn gauge(&self, gauges: Gauges) {
        let store = |atomic: &AtomicU64, value: usize| {
            atomic.store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        store(&self.calls, gauges.calls);
        store(&self.dialogs, gauges.dialogs);
    }

    /// Prometheus' text format, version 0.0.4. Series whose labels are few are told from the first scrape on, at zero; those of a
    /// status once it was seen.
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        self.write(&mut text).ok();
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        head(
            out,
            "strowger_sip_requests_total",
            "counter",
            "SIP requests that passed, retransmissions too.",
        )?;
        for (labels, index) in all_series() {
            writeln!(out, "strowger_sip_requests_total{{{labels}}} {}", read(self.requests.get(index)))?;
        }
        self.write_classes(out)?;
        self.write_codes(out)?;
        head(out, "strowger_sip_malformed_total", "counter", "Messages that came and are no SIP.")?;
        for (transport, count) in TRANSPORTS.iter().zip(&self.malformed) {
            writeln!(out, "strowger_sip_malformed_total{{transport=\"{transport}\"}} {}", read(Some(count)))?;
        }
        let plain = [
            (
                "strowger_trace_dropped_total",
                "counter",
                "Messages that were neither traced nor sent by HEP, for lack of time.",
                &self.unwitnessed,
            ),
            ("strowger_hep_sent_total", "counter", "Packets sent to the HEP collector.", &self.hep_sent),
            (
                "strowger_hep_dropped_total",
                "counter",
                "Packets that could not be sent to the HEP collector.",
                &self.hep_dropped,
            ),
            ("strowger_calls", "gauge", "Calls that are up, or whose record is not on disk.", &self.calls),
            (
                "strowger_sip_dialogs",
                "gauge",
                "SIP dialogs, those too whose BYE has no answer.",
                &self.dialogs,
            ),
        ];
        for (name, kind, help, count) in plain {
            head(out, name, kind, help)?;
            writeln!(out, "{name} {}", read(Some(count)))?;
        }
        Ok(())
    }

    /// By class alone, all of them: for rates and alarms.
    fn write_classes(&self, out: &mut String) -> fmt::Result {
        let name = "strowger_sip_responses_total";
        head(out, name, "counter", "SIP responses that passed, by class, retransmissions too.")?;
        for direction in Direction::ALL {
            for transport in TRANSPORTS {
                for class in 0..STATUSES / 100 {
                    let of_method = |method| series(direction, transport, method) * STATUSES + class * 100;
                    let count: u64 = MethodLabel::all()
                        .flat_map(|method| self.responses.iter().skip(of_method(method)).take(100))
                        .map(|count| read(Some(count)))
                        .sum();
                    writeln!(
                        out,
                        "{name}{{direction=\"{direction}\",transport=\"{transport}\",class=\"{}xx\"}} {count}",
                        class + 1
                    )?;
                }
            }
        }
        Ok(())
    }

    /// By method and status, those that were seen.
    fn write_codes(&self, out: &mut String) -> fmt::Result {
        let name = "strowger_sip_statuses_total";
        head(out, name, "counter", "SIP responses that passed, by method and status, once seen.")?;
        for (labels, index) in all_series() {
            for (offset, count) in self.responses.iter().skip(index * STATUSES).take(STATUSES).enumerate() {
                let count = read(Some(count));
                if count > 0 {
                    let code = offset + usize::from(FIRST_STATUS);
                    writeln!(out, "{name}{{{labels},code=\"{code}\"}} {count}")?;
                }
            }
        }
        Ok(())
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

/// The labels of each series of requests, with its place.
fn all_series() -> impl Iterator<Item = (String, usize)> {
    Direction::ALL.into_iter().flat_map(|direction| {
        TRANSPORTS.into_iter().flat_map(move |transport| {
            MethodLabel::all().map(move |method| {
                let word = method.word();
                let labels = format!("direction=\"{direction}\",transport=\"{transport}\",method=\"{word}\"");
                (labels, series(direction, transport, method))
            })
        })
    })
}

const fn series(direction: Direction, transport: Transport, method: MethodLabel) -> usize {
    let direction = match direction {
        Direction::In => 0,
        Direction::Out => 1,
    };
    (direction * TRANSPORTS.len() + transport_index(transport)) * MethodLabel::COUNT + method.index()
}

fn zeros(count: usize) -> Box<[AtomicU64]> {
    std::iter::repeat_with(|| AtomicU64::new(0)).take(count).collect()
}

fn add(count: Option<&AtomicU64>) {
    if let Some(count) = count {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

fn read(count: Option<&AtomicU64>) -> u64 {
    count.map_or(0, |count| count.load(Ordering::Relaxed))
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters").finish_non_exhaustive()
    }
}

const FIRST_STATUS: u16 = 100;
const STATUSES: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(transport: Transport) -> Flow {
        Flow {
            transport,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "127.0.0.1:5070".parse().unwrap(),
        }
    }

    fn value(text: &str, series: &str) -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    #[test]
    fn each_message_counts_once_in_the_series_of_its_labels() {
        let counters = Counters::new();
        counters.message(Direction::In, flow(Transport::Udp), b"INVITE sip:a@b SIP/2.0\r\n\r\n");
        counters.message(Direction::In, flow(Transport::Udp), b"INVITE sip:a@b SIP/2.0\r\n\r\n");
        counters.message(Direction::In, flow(Transport::Udp), b"FETCH sip:a@b SIP/2.0\r\n\r\n");
        counters.message(
            Direction::Out,
            flow(Transport::Tls),
            b"SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\n\r\n",
        );
        counters.message(Direction::Out, flow(Transport::Tls), b"SIP/2.0 699 x\r\n\r\n");
        counters.message(Direction::In, flow(Transport::Udp), b"\r\n\r\n");
        counters.malformed(Transport::Ws);
        let text = counters.prometheus();
        let of = |series: &str| value(&text, series);
        let requests = |labels: &str| of(&format!("strowger_sip_requests_total{{{labels}}}"));
        assert_eq!(requests("direction=\"in\",transport=\"udp\",method=\"INVITE\""), Some(2));
        assert_eq!(requests("direction=\"in\",transport=\"udp\",method=\"other\""), Some(1));
        assert_eq!(requests("direction=\"out\",transport=\"udp\",method=\"INVITE\""), Some(0));
        let responses = |labels: &str| of(&format!("strowger_sip_responses_total{{{labels}}}"));
        assert_eq!(responses("direction=\"out\",transport=\"tls\",class=\"4xx\""), Some(1));
        assert_eq!(responses("direction=\"out\",transport=\"tls\",class=\"6xx\""), Some(1));
        let statuses = |labels: &str| of(&format!("strowger_sip_statuses_total{{{labels}}}"));
        assert_eq!(statuses("direction=\"out\",transport=\"tls\",method=\"INVITE\",code=\"486\""), Some(1));
        assert_eq!(statuses("direction=\"out\",transport=\"tls\",method=\"other\",code=\"699\""), Some(1));
        assert_eq!(text.matches("strowger_sip_statuses_total{").count(), 2);
        assert_eq!(of("strowger_sip_malformed_total{transport=\"ws\"}"), Some(1));
        let counted: u64 = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("strowger_sip_requests_total{")?.rsplit(' ').next()?.parse::<u64>().ok()
            })
            .sum();
        assert_eq!(counted, 3);
    }

    #[test]
    fn every_series_of_few_labels_is_there_at_zero() {
        let text = Counters::new().prometheus();
        assert_eq!(text.matches("strowger_sip_requests_total{").count(), 2 * 4 * 15);
        assert_eq!(text.matches("strowger_sip_responses_total{").count(), 2 * 4 * 6);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.ends_with(" 0"), "{line}");
        }
        for series in ["strowger_calls ", "strowger_trace_dropped_total ", "strowger_hep_dropped_total "] {
            assert_eq!(value(&text, series), Some(0), "{series}");
        }
    }

    #[test]
    fn the_text_is_of_metrics_each_with_help_and_type_before_it() {
        let counters = Counters::new();
        counters.message(Direction::Out, flow(Transport::Udp), b"SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\n\r\n");
        counters.gauge(Gauges { calls: 3, dialogs: 5 });
        let text = counters.prometheus();
        let mut told = "";
        for line in text.lines() {
            match line.strip_prefix("# TYPE ") {
                Some(typed) => told = typed.split(' ').next().unwrap(),
                None if line.starts_with("# HELP ") => {}
                None => assert_eq!(line.split(['{', ' ']).next(), Some(told), "{line}"),
            }
        }
        assert_eq!(
            (value(&text, "strowger_calls "), value(&text, "strowger_sip_dialogs ")),
            (Some(3), Some(5))
        );
    }
}
