//! `call show`: one call's record, from the daemon or, where none answers, from the store; or its SIP, from the daemon that keeps it.

use admin::{Method, Wanted};
use b2bua::CallRecord;
use serde_json::Value;
use store::Store;

use crate::calendar::{duration, utc};
use crate::cli::{CallHangup, CallShow, Form};
use crate::commands::{self, printable};
use crate::config::Config;
use crate::daemon::Daemon;
use crate::failure::Failure;
use crate::owned::is_absent;

/// Prints it.
///
/// # Errors
/// No such call, no trace of it, no daemon to ask.
pub(crate) async fn show(call: &CallShow) -> Result<(), Failure> {
    if call.ladder { ladder(call).await } else { record(call).await }
}

/// Ends it.
///
/// # Errors
/// No such call is up, no daemon to ask.
pub(crate) async fn hangup(call: &CallHangup) -> Result<(), Failure> {
    let path = format!("{}/hangup", record_path(&call.id));
    let record = Daemon::find(&call.asking.daemon)?.ask(&Wanted::of(Method::Post, &path)).await?;
    commands::tell(call.asking.telling.form, &record, || format!("call {} is ended", call.id))
}

async fn record(call: &CallShow) -> Result<(), Failure> {
    let asked = async { Daemon::find(&call.asking.daemon)?.ask(&Wanted::get(&record_path(&call.id))).await };
    let record = match asked.await {
        Err(failure) if is_absent(&failure, &call.asking.daemon) => stored(call).await?,
        asked => asked?,
    };
    commands::tell(call.asking.telling.form, &record, || page(&record))
}

async fn ladder(call: &CallShow) -> Result<(), Failure> {
    let daemon = Daemon::find(&call.asking.daemon)?;
    let trace = format!("{}/trace", record_path(&call.id));
    if call.asking.telling.form == Form::Json {
        return commands::write_out(&format!("{:#}", daemon.ask(&Wanted::get(&trace)).await?));
    }
    let record = daemon.ask(&Wanted::get(&record_path(&call.id))).await?;
    let drawn = daemon.send(&Wanted::get(&format!("{trace}?format=ladder"))).await?;
    commands::write_out(&format!(
        "{}\n\n{}",
        headline(&record),
        String::from_utf8_lossy(&drawn.body).trim_end()
    ))
}

/// The record of the store.
async fn stored(call: &CallShow) -> Result<Value, Failure> {
    let config = Config::load(call.asking.daemon.config.path.as_deref())?;
    let store = Store::open_existing(&config.store_url()).await?;
    let found = store.calls_beginning(&call.id, 2).await;
    store.close().await;
    let found: [CallRecord; 1] = found?.try_into().map_err(|found: Vec<_>| unclear(&call.id, found.len()))?;
    let [record] = found;
    Ok(serde_json::to_value(record)?)
}

fn unclear(id: &str, found: usize) -> Failure {
    if found == 0 {
        return Failure::Absent(format!("no call has the id {id}; `strowger call list` shows the latest"));
    }
    Failure::Ambiguous(format!("more than one call has an id that begins with {id}; give more of it"))
}

fn record_path(id: &str) -> String {
    format!("/v1/calls/{id}")
}

/// `call 3f9c…: +12125550199 to +14155550100, completed (normal), 3.2 s`.
fn headline(record: &Value) -> String {
    let id = text(record, "id").unwrap_or_default();
    let party =
        |known: &str, raw: &str| text(record, known).or_else(|| text(record, raw)).unwrap_or_default();
    let (from, to) = (party("from", "from_raw"), party("to", "to_raw"));
    format!("call {id}\n{from} to {to}: {}", fate(record))
}

/// What became of it.
fn fate(record: &Value) -> String {
    let Some(status) = text(record, "status") else { return "up".to_owned() };
    let reason = text(record, "reason").map(|reason| format!(" ({reason})")).unwrap_or_default();
    let ender = text(record, "ended_by").map(|ender| format!(", ended by {ender}")).unwrap_or_default();
    format!("{status}{reason}{ender}, {}", short(number(record, "duration_ms").unwrap_or_default()))
}

/// The record as a page: a line for each thing that is known.
fn page(record: &Value) -> String {
    let began = number(record, "invite_at");
    let moment = |key: &str| {
        let (began, at) = (began?, number(record, key)?);
        Some(format!("{}  +{}", stamp(at), short(at.saturating_sub(began))))
    };
    let party = |known: &str, raw: &str| match (text(record, known), text(record, raw)) {
        (Some(known), Some(raw)) if raw.contains(known.trim_start_matches('+')) => Some(known),
        (Some(known), Some(raw)) => Some(format!("{known}, as {raw}")),
        (known, raw) => known.or(raw),
    };
    let source = text(record, "source")
        .map(|source| format!("{source} by {}", text(record, "transport").unwrap_or_default()));
    let agent = text(record, "agent_id").map(|agent| match text(record, "agent_source").as_deref() {
        Some("default") => format!("{agent} (the default agent)"),
        Some("named") => format!("{agent} (as asked for)"),
        Some(_) | None => agent,
    });
    let codes = [("SIP", "sip_status"), ("Q.850", "q850")]
        .into_iter()
        .filter_map(|(name, key)| number(record, key).map(|code| format!("{name} {code}")))
        .collect::<Vec<_>>()
        .join(", ");
    let billed = number(record, "billable_s").map(|seconds| format!("{seconds} s"));
    let lines = [
        ("call", text(record, "id")),
        ("direction", text(record, "direction")),
        ("status", Some(fate(record))),
        ("detail", text(record, "detail")),
        ("codes", Some(codes).filter(|codes| !codes.is_empty())),
        ("from", party("from", "from_raw")),
        ("to", party("to", "to_raw")),
        ("source", source),
        ("trunk", text(record, "trunk_id")),
        ("number", text(record, "number")),
        ("agent", agent),
        ("codec", text(record, "codec")),
        ("encrypted", text(record, "media_encryption_a").map(|suite| format!("{suite}  caller"))),
        ("", text(record, "media_encryption_b").map(|suite| format!("{suite}  agent"))),
        ("invited", began.map(stamp)),
        ("ringing", moment("ringing_at")),
        ("answered", moment("answered_at")),
        ("ended", moment("ended_at")),
        ("billable", billed),
        ("heard", heard(&record["quality_a"]).map(|heard| format!("{heard} from the caller"))),
        ("", heard(&record["quality_b"]).map(|heard| format!("{heard} from the agent"))),
        ("told", told(&record["quality_a"]).map(|told| format!("{told} by the caller, of what it was sent"))),
        ("", told(&record["quality_b"]).map(|told| format!("{told} by the agent, of what it was sent"))),
        ("dropped", dropped(&record["quality_a"]).map(|dropped| format!("{dropped} at the caller's port"))),
        ("", dropped(&record["quality_b"]).map(|dropped| format!("{dropped} at the agent's port"))),
        ("Call-ID", text(record, "sip_call_id_a").map(|id| format!("{id}  caller"))),
        ("", text(record, "sip_call_id_b").map(|id| format!("{id}  agent"))),
    ];
    let lines = lines.into_iter().filter_map(|(name, value)| Some(format!("{name:<10}{}", value?)));
    lines.collect::<Vec<_>>().join("\n")
}

fn heard(quality: &Value) -> Option<String> {
    let packets = number(quality, "packets")?;
    let lost = number(quality, "lost").unwrap_or_default();
    let jitter = quality["jitter_ms"].as_f64().unwrap_or_default();
    let score = score(quality, "mos");
    Some(format!("{packets} packets, {lost} lost, {jitter:.1} ms jitter{score}"))
}

/// What the far side says by RTCP that it heard.
fn told(quality: &Value) -> Option<String> {
    let lost = number(quality, "far_lost")?;
    let sent = number(quality, "sent").unwrap_or_default();
    let jitter = quality["far_jitter_ms"].as_f64().unwrap_or_default();
    let round_trip = quality["rtt_ms"].as_f64().map(|ms| format!(", {ms:.0} ms round trip"));
    let score = score(quality, "far_mos");
    Some(format!(
        "{sent} packets, {lost} lost, {jitter:.1} ms jitter{}{score}",
        round_trip.unwrap_or_default()
    ))
}

/// What others sent, if they did.
fn dropped(quality: &Value) -> Option<String> {
    let [foreign, unauthenticated, replayed] =
        ["foreign", "unauthenticated", "replayed"].map(|key| number(quality, key).unwrap_or_default());
    let some = foreign + unauthenticated + replayed > 0;
    some.then(|| format!("{foreign} packets foreign, {unauthenticated} unauthenticated, {replayed} replayed"))
}

fn score(quality: &Value, key: &str) -> String {
    quality[key].as_f64().map_or_else(String::new, |mos| format!(", MOS {mos:.2}"))
}

/// `28 ms`, or as other durations.
fn short(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { duration(ms) }
}

/// `2026-11-21 11:58:27.123 UTC`.
fn stamp(ms: u64) -> String {
    format!("{}.{:03} UTC", utc(ms), ms % 1000)
}

fn text(record: &Value, key: &str) -> Option<String> {
    record[key].as_str().filter(|text| !text.is_empty()).map(printable)
}

fn number(record: &Value, key: &str) -> Option<u64> {
    record[key].as_u64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_tells_what_is_known_and_leaves_out_the_rest() {
        let record = json!({
            "id": "3f9c21d8", "direction": "inbound", "status": "completed", "reason": "normal", "ended_by": "caller",
            "from": "+12125550199", "from_raw": "sip:+12125550199@192.0.2.7", "to": null, "to_raw": "\u{1b}[2Jnobody",
            "invite_at": 1_709_251_199_123_u64, "ringing_at": 1_709_251_199_151_u64, "answered_at": 1_709_251_201_323_u64, "duration_ms": 3_240,
            "sip_status": 200, "q850": 16, "billable_s": 2, "quality_a": {"packets": 150, "lost": 1, "jitter_ms": 0.25,
                "mos": 4.31, "rtt_ms": 61.6, "sent": 149, "far_lost": 2, "far_jitter_ms": 1.25, "far_mos": 4.2,
                "foreign": 20, "unauthenticated": 0, "replayed": 3},
            "sip_call_id_a": "a@b", "source": "192.0.2.7:5060", "transport": "udp", "agent_id": "echo", "agent_source": "default",
        });
        let expected = "\
call      3f9c21d8
direction inbound
status    completed (normal), ended by caller, 3.2 s
codes     SIP 200, Q.850 16
from      +12125550199
to        ?[2Jnobody
source    192.0.2.7:5060 by udp
agent     echo (the default agent)
invited   2024-02-29 23:59:59.123 UTC
ringing   2024-02-29 23:59:59.151 UTC  +28 ms
answered  2024-03-01 00:00:01.323 UTC  +2.2 s
billable  2 s
heard     150 packets, 1 lost, 0.2 ms jitter, MOS 4.31 from the caller
told      149 packets, 2 lost, 1.2 ms jitter, 62 ms round trip, MOS 4.20 by the caller, of what it was sent
dropped   20 packets foreign, 0 unauthenticated, 3 replayed at the caller's port
Call-ID   a@b  caller";
        assert_eq!(page(&record), expected);
    }

    #[test]
    fn a_call_without_a_status_is_up() {
        let record = json!({"id": "3f", "from_raw": "a", "to_raw": "b", "duration_ms": 0});
        assert_eq!(headline(&record), "call 3f\na to b: up");
    }
}
