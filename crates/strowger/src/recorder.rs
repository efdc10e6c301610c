//! Call records on their way to the store, the one log line of a finished call, and the word back to the core.

use b2bua::io::{CallKey, Input};
use b2bua::{CallRecord, record::CallStatus};
use store::{Full, Recorder};
use tokio::sync::mpsc;
use tracing::{error, info};

use crate::list::word;
use crate::mask::Numbers;

/// A call's record, as the core hands it out.
pub(crate) type Entry = (CallKey, Box<CallRecord>);

/// Carries records to the store until the core is gone, and returns when the last is on disk. What waits here is bounded by
/// the calls that the core holds, as it forgets none before its record is written.
pub(crate) async fn carry(mut entries: mpsc::UnboundedReceiver<Entry>, recorder: Recorder, numbers: Numbers) {
    while let Some((key, record)) = entries.recv().await {
        if let Some(status) = record.status {
            tell(&record, status, numbers);
        }
        if let Err(Full(key, record)) = recorder.record(key, record).await {
            error!(?key, id = record.id, "the recorder has ended: a call record is lost");
        }
    }
    if let Err(error) = recorder.finish().await {
        error!(%error, "the recorder panicked: call records may be lost");
    }
}

/// Carries the word that a record is on disk to the core.
pub(crate) async fn recorded(mut written: mpsc::UnboundedReceiver<CallKey>, inputs: mpsc::Sender<Input>) {
    while let Some(key) = written.recv().await {
        if inputs.send(Input::Recorded(key)).await.is_err() {
            return;
        }
    }
}

/// A call ends in this one line.
fn tell(record: &CallRecord, status: CallStatus, numbers: Numbers) {
    let from = record.from.as_deref().unwrap_or(&record.from_raw);
    let to = record.to.as_deref().unwrap_or(&record.to_raw);
    info!(
        id = %record.id,
        direction = %word(&record.direction),
        trunk = record.trunk_id.as_deref().map(display),
        agent = record.agent_id.as_deref().map(display),
        from = ?numbers.show(from),
        to = ?numbers.show(to),
        status = %word(&status),
        sip_status = record.sip_status,
        reason = record.reason.as_deref().map(display),
        ended_by = record.ended_by.as_ref().map(word).map(display),
        duration_ms = record.duration_ms,
        billable_s = record.billable_s,
        "call"
    );
}
