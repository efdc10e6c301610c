//! The text as a scraper reads it.

use ::sip::{Flow, Transport};
use b2bua::record::{CallDirection, CallRecord, CallStatus, Quality};

use super::*;
use crate::{Direction, Gauges};

fn flow(transport: Transport) -> Flow {
    Flow { transport, local: "127.0.0.1:5060".parse().unwrap(), remote: "127.0.0.1:5070".parse().unwrap() }
}

/// The text of a node whose signalling task has counted so.
fn told(counters: Counters) -> String {
    Metrics::new("0", Arc::new(counters)).text(Standing::default())
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
    let text = told(counters);
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
fn every_series_is_there_at_zero_from_the_start() {
    let text = told(Counters::new());
    assert_eq!(text.matches("strowger_sip_requests_total{").count(), 2 * 4 * 15);
    assert_eq!(text.matches("strowger_sip_responses_total{").count(), 2 * 4 * 6);
    assert_eq!(text.matches("strowger_calls_ended_total{").count(), 2 * 6);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let is_zero = line.ends_with(" 0") || line.ends_with(" 0.0");
        assert!(is_zero || line == "strowger_build_info{version=\"0\"} 1", "{line}");
    }
    for direction in ["inbound", "outbound"] {
        for refusal in numbers::Refusal::ALL {
            let labels = format!("direction=\"{direction}\",reason=\"{}\"", refusal.reason());
            let series = format!("strowger_calls_ended_by_reason_total{{{labels}}}");
            assert_eq!(value(&text, &series), Some(0), "{series}");
        }
    }
    for series in ["strowger_calls ", "strowger_media_lost_total ", "strowger_records_waiting "] {
        assert_eq!(value(&text, series), Some(0), "{series}");
    }
}

#[test]
fn a_call_counts_once_when_its_record_has_an_end() {
    let metrics = Metrics::new("0", Arc::default());
    let mut record = CallRecord { answered_at: Some(1_750), billable_s: 3, ..up() };
    metrics.record(&record);
    record.status = Some(CallStatus::Completed);
    record.reason = Some("normal".into());
    metrics.record(&record);
    record.direction = CallDirection::Outbound;
    record.reason = Some("invented\"} 1\n".into());
    metrics.record(&record);
    let text = metrics.text(Standing::default());
    let of = |series: &str| value(&text, &format!("strowger_{series}"));
    assert_eq!(of("calls_ended_total{direction=\"inbound\",status=\"completed\"}"), Some(1));
    assert_eq!(of("calls_ended_by_reason_total{direction=\"inbound\",reason=\"normal\"}"), Some(1));
    assert_eq!(of("calls_ended_by_reason_total{direction=\"outbound\",reason=\"other\"}"), Some(1));
    assert_eq!(of("call_answered_seconds_total{direction=\"inbound\"}"), Some(3));
    assert_eq!(of("call_setup_seconds_bucket{le=\"0.5\"}"), Some(0));
    assert_eq!(of("call_setup_seconds_bucket{le=\"1.0\"}"), Some(2));
    assert_eq!(of("call_setup_seconds_count"), Some(2));
}

#[test]
fn what_else_happens_counts_in_its_own_series() {
    let metrics = Metrics::new("0", Arc::default());
    metrics.latched();
    let leg = LegCounters {
        received: 7,
        foreign: 2,
        unauthenticated: 3,
        replayed: 4,
        lost: 1,
        ..LegCounters::default()
    };
    metrics.released(&leg);
    for status in [200, 404, 429, 999] {
        metrics.answered(status);
    }
    metrics.routed_by(&Directory::default(), 1_700_000_000);
    let standing = Standing {
        ready: true,
        records_written: 5,
        record_failures: 2,
        untaken: true,
        ..Standing::default()
    };
    let text = metrics.text(standing);
    for (series, expected) in [
        ("media_packets_total{kind=\"received\"}", 7),
        ("media_dropped_total{why=\"foreign\"}", 2),
        ("media_dropped_total{why=\"unauthenticated\"}", 3),
        ("media_dropped_total{why=\"replayed\"}", 4),
        ("media_lost_total", 1),
        ("media_latched_total", 1),
        ("media_legs_ended_total", 1),
        ("admin_requests_total{class=\"2xx\"}", 1),
        ("admin_requests_total{class=\"4xx\"}", 2),
        ("admin_requests_total{class=\"5xx\"}", 1),
        ("directory_loaded_timestamp_seconds", 1_700_000_000),
        ("ready", 1),
        ("draining", 0),
        ("records_written_total", 5),
        ("record_failures_total", 2),
        ("directory_refused", 1),
    ] {
        assert_eq!(value(&text, &format!("strowger_{series} ")), Some(expected), "{series}");
    }
}

#[test]
fn the_text_is_of_metrics_each_with_help_and_type_before_it() {
    let counters = Counters::new();
    counters.message(Direction::Out, flow(Transport::Udp), b"SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\n\r\n");
    counters.gauge(Gauges { calls: 3, dialogs: 5 });
    let text = told(counters);
    let (mut family, mut ended) = ("", 0);
    for line in text.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(typed) => family = typed.split(' ').next().unwrap(),
            None if line.starts_with("# HELP ") => {}
            None if line == "# EOF" => ended += 1,
            None => {
                let suffix = line.split(['{', ' ']).next().and_then(|name| name.strip_prefix(family));
                let suffixes = ["", "_total", "_info", "_bucket", "_sum", "_count"];
                assert!(suffix.is_some_and(|suffix| suffixes.contains(&suffix)), "{line}");
            }
        }
    }
    assert_eq!((ended, text.ends_with("# EOF\n")), (1, true));
    assert_eq!((value(&text, "strowger_calls "), value(&text, "strowger_sip_dialogs ")), (Some(3), Some(5)));
}

#[test]
fn the_sound_of_a_call_is_told_by_leg_and_way_when_it_has_ended() {
    let metrics = Metrics::new("0", Arc::default());
    let caller = Quality {
        packets: 99,
        lost: 1,
        jitter_ms: 3.0,
        mos: Some(4.1),
        rtt_ms: Some(40.0),
        sent: 100,
        far_lost: Some(30),
        far_jitter_ms: Some(60.0),
        far_mos: Some(1.8),
        ..Quality::default()
    };
    // Nothing came of that side, and it tells nothing.
    let agent = Quality { sent: 99, ..Quality::default() };
    let mut record = CallRecord { quality_a: Some(caller), quality_b: Some(agent), ..up() };
    metrics.record(&record);
    assert_eq!(
        value(&metrics.text(Standing::default()), "strowger_call_mos_count{leg=\"a\",way=\"sent\"}"),
        Some(0)
    );
    record.status = Some(CallStatus::Completed);
    metrics.record(&record);
    let text = metrics.text(Standing::default());
    for (series, expected) in [
        ("mos_bucket{le=\"4.03\",leg=\"a\",way=\"received\"}", 0),
        ("mos_bucket{le=\"4.2\",leg=\"a\",way=\"received\"}", 1),
        ("mos_bucket{le=\"2.0\",leg=\"a\",way=\"sent\"}", 1),
        ("loss_ratio_bucket{le=\"0.005\",leg=\"a\",way=\"received\"}", 0),
        ("loss_ratio_bucket{le=\"0.01\",leg=\"a\",way=\"received\"}", 1),
        ("loss_ratio_bucket{le=\"0.2\",leg=\"a\",way=\"sent\"}", 0),
        ("loss_ratio_bucket{le=\"0.5\",leg=\"a\",way=\"sent\"}", 1),
        ("jitter_seconds_bucket{le=\"0.005\",leg=\"a\",way=\"received\"}", 1),
        ("jitter_seconds_bucket{le=\"0.05\",leg=\"a\",way=\"sent\"}", 0),
        ("round_trip_seconds_bucket{le=\"0.02\",leg=\"a\"}", 0),
        ("round_trip_seconds_bucket{le=\"0.05\",leg=\"a\"}", 1),
        ("mos_count{leg=\"b\",way=\"received\"}", 0),
        ("mos_count{leg=\"b\",way=\"sent\"}", 0),
        ("round_trip_seconds_count{leg=\"b\"}", 0),
    ] {
        assert_eq!(value(&text, &format!("strowger_call_{series} ")), Some(expected), "{series}\n{text}");
    }
}

/// A call that is up.
fn up() -> CallRecord {
    CallRecord::begin("0".repeat(32), CallDirection::Inbound, 1_000)
}

#[test]
fn what_packet_threads_count_is_told_by_its_name() {
    let metrics = Metrics::new("0", Arc::default());
    let counts = Arc::clone(metrics.packet_threads());
    for (times, mishap) in (1..).zip(::media::Mishap::ALL) {
        (0..times).for_each(|_| counts.add(mishap));
    }
    let text = metrics.text(Standing::default());
    let names = ["media_thread_restarts", "media_unsent", "media_oversize", "media_starved"];
    for (times, name) in (1..).zip(names) {
        assert_eq!(value(&text, &format!("strowger_{name}_total ")), Some(times), "{name}");
    }
}
