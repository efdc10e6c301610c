//! The one line of the log that a finished call is.

use b2bua::CallRecord;
use tracing::info;

use crate::list::word;
use crate::mask::Numbers;

/// Writes it, at the call's end; nothing for a call that is up.
pub(crate) fn tell(record: &CallRecord, numbers: Numbers) {
    let Some(status) = record.status else { return };
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
        detail = record.detail.as_deref().map(|detail| display(numbers.show_uris(detail).into_owned())),
        ended_by = record.ended_by.as_ref().map(word).map(display),
        duration_ms = record.duration_ms,
        billable_s = record.billable_s,
        "call"
    );
}
