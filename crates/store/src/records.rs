//! Call records: a column for each field.

use std::sync::LazyLock;

use b2bua::CallRecord;
use b2bua::record::{AgentSource, CallDirection, CallStatus, EndedBy, Quality};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row, Sqlite};

use crate::{Error, Store};

impl Store {
    /// Writes records in one transaction, each in the place of one with the same id. A finished call's record is
    /// never replaced by that of a call that is up.
    ///
    /// # Errors
    ///
    /// If the database refuses. Nothing is written then.
    pub async fn write(&self, records: &[CallRecord]) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut rest = records;
        while !rest.is_empty() {
            let (rows, sql) = upsert(rest.len());
            let (these, others) = rest.split_at(rows);
            let query = sqlx::query(AssertSqlSafe(sql));
            these.iter().fold(query, bind).execute(&mut *transaction).await?;
            rest = others;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The latest calls, newest first, those that are up among them.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn recent_calls(&self, limit: u32) -> Result<Vec<CallRecord>, Error> {
        self.calls_before(u64::MAX, "", limit).await
    }

    /// The calls that come after this one in [`Store::recent_calls`]: with an earlier INVITE, or one of the same
    /// moment and a smaller id.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn calls_before(&self, invite_at: u64, id: &str, limit: u32) -> Result<Vec<CallRecord>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM call_records WHERE (invite_at, id) < (?, ?) ORDER BY invite_at DESC, id DESC LIMIT ?",
        )
        .bind(integer(invite_at))
        .bind(id)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(record).collect()
    }

    /// So many calls at most whose id, in lower-case hex digits, begins so, the smallest id first.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn calls_beginning(&self, id: &str, limit: u32) -> Result<Vec<CallRecord>, Error> {
        // `g` comes after every hex digit.
        let rows =
            sqlx::query("SELECT * FROM call_records WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id LIMIT ?2")
                .bind(id)
                .bind(limit)
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(record).collect()
    }

    /// Marks the calls that were up when the last process ended, and says how many: `failed`, reason `cut-off`,
    /// ended by `system` at `now_ms`.
    ///
    /// When they ended nobody knows, so nothing is billed, and the duration only says how long they may have
    /// lasted. For the daemon, before its first call.
    ///
    /// # Errors
    ///
    /// If the database refuses.
    pub async fn cut_off(&self, now_ms: u64) -> Result<u64, Error> {
        let done = sqlx::query(
            "UPDATE call_records SET status = 'failed', reason = 'cut-off', ended_by = 'system', \
             ended_at = max(?1, invite_at), duration_ms = max(?1 - invite_at, 0), q850 = 41 \
             WHERE status IS NULL",
        )
        .bind(integer(now_ms))
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }
}

/// The statement for as many of the records as one takes, and how many these are. Each statement is a trip to the thread of the
/// connection and back, which costs more than a row.
fn upsert(records: usize) -> (usize, &'static str) {
    static UPSERTS: LazyLock<[(usize, String); 6]> = LazyLock::new(|| {
        [32, 16, 8, 4, 2, 1].map(|rows| {
            let row = format!("({})", vec!["?"; COLUMNS.split(',').count()].join(", "));
            let values = vec![row; rows].join(", ");
            (rows, format!("INSERT INTO call_records ({COLUMNS}) VALUES {values} {REPLACE}"))
        })
    });
    let [larger @ .., one] = &*UPSERTS;
    let (rows, sql) = larger.iter().find(|(rows, _)| *rows <= records).unwrap_or(one);
    (*rows, sql)
}

fn bind<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    record: &'q CallRecord,
) -> Query<'q, Sqlite, SqliteArguments> {
    // Taken apart, so that a further field is not forgotten here.
    let CallRecord {
        id,
        direction,
        trunk_id,
        number,
        agent_id,
        agent_source,
        from,
        from_raw,
        to,
        to_raw,
        sip_call_id_a,
        sip_call_id_b,
        transport,
        source,
        codec,
        media_encryption,
        invite_at,
        ringing_at,
        answered_at,
        ended_at,
        duration_ms,
        billable_s,
        agent_active_ms,
        rating,
        status,
        sip_status,
        q850,
        ended_by,
        reason,
        detail,
        quality_a,
        quality_b,
    } = record;
    query
        .bind(id)
        .bind(direction_word(*direction))
        .bind(trunk_id)
        .bind(number)
        .bind(agent_id)
        .bind(agent_source.map(agent_source_word))
        .bind(from)
        .bind(from_raw)
        .bind(to)
        .bind(to_raw)
        .bind(sip_call_id_a)
        .bind(sip_call_id_b)
        .bind(transport)
        .bind(source)
        .bind(codec)
        .bind(media_encryption)
        .bind(integer(*invite_at))
        .bind(ringing_at.map(integer))
        .bind(answered_at.map(integer))
        .bind(ended_at.map(integer))
        .bind(integer(*duration_ms))
        .bind(integer(*billable_s))
        .bind(integer(*agent_active_ms))
        .bind(rating)
        .bind(status.map(status_word))
        .bind(sip_status)
        .bind(q850)
        .bind(ended_by.map(ended_by_word))
        .bind(reason)
        .bind(detail)
        .bind(quality_a.map(|quality| integer(quality.packets)))
        .bind(quality_a.map(|quality| integer(quality.lost)))
        .bind(quality_a.map(|quality| quality.jitter_ms))
        .bind(quality_b.map(|quality| integer(quality.packets)))
        .bind(quality_b.map(|quality| integer(quality.lost)))
        .bind(quality_b.map(|quality| quality.jitter_ms))
}

fn record(row: &SqliteRow) -> Result<CallRecord, Error> {
    Ok(CallRecord {
        id: row.try_get("id")?,
        direction: word(
            row,
            "direction",
            &[CallDirection::Inbound, CallDirection::Outbound],
            direction_word,
        )?,
        trunk_id: row.try_get("trunk_id")?,
        number: row.try_get("number")?,
        agent_id: row.try_get("agent_id")?,
        agent_source: optional_word(row, "agent_source", &AGENT_SOURCES, agent_source_word)?,
        from: row.try_get("from")?,
        from_raw: row.try_get("from_raw")?,
        to: row.try_get("to")?,
        to_raw: row.try_get("to_raw")?,
        sip_call_id_a: row.try_get("sip_call_id_a")?,
        sip_call_id_b: row.try_get("sip_call_id_b")?,
        transport: row.try_get("transport")?,
        source: row.try_get("source")?,
        codec: row.try_get("codec")?,
        media_encryption: row.try_get("media_encryption")?,
        invite_at: natural(row, "invite_at")?,
        ringing_at: optional_natural(row, "ringing_at")?,
        answered_at: optional_natural(row, "answered_at")?,
        ended_at: optional_natural(row, "ended_at")?,
        duration_ms: natural(row, "duration_ms")?,
        billable_s: natural(row, "billable_s")?,
        agent_active_ms: natural(row, "agent_active_ms")?,
        rating: row.try_get("rating")?,
        status: optional_word(row, "status", &STATUSES, status_word)?,
        sip_status: row.try_get("sip_status")?,
        q850: row.try_get("q850")?,
        ended_by: optional_word(row, "ended_by", &ENDERS, ended_by_word)?,
        reason: row.try_get("reason")?,
        detail: row.try_get("detail")?,
        quality_a: quality(row, "quality_a_packets", "quality_a_lost", "quality_a_jitter_ms")?,
        quality_b: quality(row, "quality_b_packets", "quality_b_lost", "quality_b_jitter_ms")?,
    })
}

fn quality(row: &SqliteRow, packets: &str, lost: &str, jitter_ms: &str) -> Result<Option<Quality>, Error> {
    let Some(packets) = optional_natural(row, packets)? else { return Ok(None) };
    let lost = optional_natural(row, lost)?.unwrap_or_default();
    let jitter_ms: Option<f64> = row.try_get(jitter_ms)?;
    Ok(Some(Quality { packets, lost, jitter_ms: jitter_ms.unwrap_or_default() }))
}

/// Columns are signed. Nothing that we count comes near the end.
fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn natural(row: &SqliteRow, column: &str) -> Result<u64, Error> {
    let value: i64 = row.try_get(column)?;
    Ok(u64::try_from(value).unwrap_or_default())
}

fn optional_natural(row: &SqliteRow, column: &str) -> Result<Option<u64>, Error> {
    let value: Option<i64> = row.try_get(column)?;
    Ok(value.map(|value| u64::try_from(value).unwrap_or_default()))
}

fn word<T: Copy>(
    row: &SqliteRow,
    column: &'static str,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Result<T, Error> {
    let text: String = row.try_get(column)?;
    let found = all.iter().copied().find(|value| word(*value) == text);
    found.ok_or_else(|| Error::Row {
        table: "call record",
        id: row.try_get("id").unwrap_or_default(),
        cause: format!("its {column} is `{text}`"),
    })
}

fn optional_word<T: Copy>(
    row: &SqliteRow,
    column: &'static str,
    all: &[T],
    of: fn(T) -> &'static str,
) -> Result<Option<T>, Error> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|_| word(row, column, all, of)).transpose()
}

const fn direction_word(direction: CallDirection) -> &'static str {
    match direction {
        CallDirection::Inbound => "inbound",
        CallDirection::Outbound => "outbound",
    }
}

const fn agent_source_word(source: AgentSource) -> &'static str {
    match source {
        AgentSource::Assigned => "assigned",
        AgentSource::Default => "default",
    }
}

const fn status_word(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Completed => "completed",
        CallStatus::Busy => "busy",
        CallStatus::NoAnswer => "no-answer",
        CallStatus::Canceled => "canceled",
        CallStatus::Failed => "failed",
        CallStatus::Refused => "refused",
    }
}

const fn ended_by_word(ended_by: EndedBy) -> &'static str {
    match ended_by {
        EndedBy::Caller => "caller",
        EndedBy::Agent => "agent",
        EndedBy::Callee => "callee",
        EndedBy::Carrier => "carrier",
        EndedBy::Policy => "policy",
        EndedBy::System => "system",
    }
}

const AGENT_SOURCES: [AgentSource; 2] = [AgentSource::Assigned, AgentSource::Default];
const STATUSES: [CallStatus; 6] = [
    CallStatus::Completed,
    CallStatus::Busy,
    CallStatus::NoAnswer,
    CallStatus::Canceled,
    CallStatus::Failed,
    CallStatus::Refused,
];
const ENDERS: [EndedBy; 6] =
    [EndedBy::Caller, EndedBy::Agent, EndedBy::Callee, EndedBy::Carrier, EndedBy::Policy, EndedBy::System];

/// In the order in which `bind` binds them.
const COLUMNS: &str = "id, direction, trunk_id, number, agent_id, agent_source, \"from\", from_raw, \"to\", to_raw, \
    sip_call_id_a, sip_call_id_b, transport, source, codec, media_encryption, invite_at, \
    ringing_at, answered_at, ended_at, duration_ms, billable_s, agent_active_ms, rating, status, \
    sip_status, q850, ended_by, reason, detail, quality_a_packets, quality_a_lost, quality_a_jitter_ms, \
    quality_b_packets, quality_b_lost, quality_b_jitter_ms";

const REPLACE: &str = "ON CONFLICT (id) DO UPDATE SET \
    direction = excluded.direction, trunk_id = excluded.trunk_id, number = excluded.number, \
    agent_id = excluded.agent_id, agent_source = excluded.agent_source, \"from\" = excluded.\"from\", \
    from_raw = excluded.from_raw, \"to\" = excluded.\"to\", to_raw = excluded.to_raw, \
    sip_call_id_a = excluded.sip_call_id_a, sip_call_id_b = excluded.sip_call_id_b, \
    transport = excluded.transport, source = excluded.source, codec = excluded.codec, \
    media_encryption = excluded.media_encryption, invite_at = excluded.invite_at, \
    ringing_at = excluded.ringing_at, answered_at = excluded.answered_at, \
    ended_at = excluded.ended_at, duration_ms = excluded.duration_ms, \
    billable_s = excluded.billable_s, agent_active_ms = excluded.agent_active_ms, \
    rating = excluded.rating, status = excluded.status, sip_status = excluded.sip_status, \
    q850 = excluded.q850, ended_by = excluded.ended_by, reason = excluded.reason, detail = excluded.detail, \
    quality_a_packets = excluded.quality_a_packets, quality_a_lost = excluded.quality_a_lost, \
    quality_a_jitter_ms = excluded.quality_a_jitter_ms, \
    quality_b_packets = excluded.quality_b_packets, quality_b_lost = excluded.quality_b_lost, \
    quality_b_jitter_ms = excluded.quality_b_jitter_ms \
WHERE call_records.status IS NULL OR excluded.status IS NOT NULL";
