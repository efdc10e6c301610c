//! Call records: a column for each field.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use b2bua::CallRecord;
use b2bua::record::{Quality, Word};

use crate::db::{Row, Transaction, Value};
use crate::{Error, Store};

impl Store {
    /// Writes records in one transaction, each in the place of one with the same id. A finished call's record is
    /// never replaced by that of a call that is up.
    ///
    /// # Errors
    ///
    /// If the database refuses. Nothing is written then.
    pub async fn write<R: Borrow<CallRecord>>(&self, records: &[R]) -> Result<(), Error> {
        self.prepare().await?;
        let mut transaction = self.pool.write().await?;
        let records: Vec<_> = latest(records);
        let mut rest = records.as_slice();
        while !rest.is_empty() {
            let (rows, sql) = upsert(&transaction, rest.len());
            let (these, others) = rest.split_at(rows);
            let mut all = Vec::with_capacity(these.len() * COLUMNS.split(',').count());
            for record in these {
                all.extend(values(record, &self.node));
            }
            transaction.execute(sql, &all).await?;
            rest = others;
        }
        transaction.commit().await
    }

    /// So many calls at most whose id, in lower-case hex digits, begins so, the smallest id first.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn calls_beginning(&self, id: &str, limit: u32) -> Result<Vec<CallRecord>, Error> {
        // `g` comes after every hex digit.
        let sql = "SELECT * FROM call_records WHERE id >= $1 AND id < $1 || 'g' ORDER BY id LIMIT $2";
        let rows = self.pool.fetch(sql, &[id.into(), u64::from(limit).into()]).await?;
        rows.iter().map(record).collect()
    }

    /// The node, another than this, that the call of this id is up at, if there is one.
    ///
    /// # Errors
    ///
    /// If the database refuses.
    pub async fn elsewhere(&self, id: &str) -> Result<Option<String>, Error> {
        let sql = "SELECT node FROM call_records WHERE id = $1 AND status IS NULL AND node <> $2";
        let rows = self.pool.fetch(sql, &[id.into(), Value::from(&*self.node)]).await?;
        rows.first().map(|row| row.text("node")).transpose()
    }

    /// Marks the calls of this node that were up when its last process ended, and says how many: `failed`, reason `cut-off`,
    /// ended by `system`, at the latest at `now_ms`, when this process began.
    ///
    /// When they ended nobody knows, so nothing is billed, and the duration only says how long they may have
    /// lasted: from the answer no longer than `longest`, and in PostgreSQL not beyond the last word of the node, for the machine may have
    /// been gone since. A SQLite file has the calls of one daemon at a time: there all are marked, whatever the name of the node was. In
    /// PostgreSQL those are left that came in since.
    ///
    /// # Errors
    ///
    /// If the database refuses.
    pub async fn cut_off(&self, now_ms: u64, longest: Option<Duration>) -> Result<u64, Error> {
        let longest_ms = longest.map(|longest| u64::try_from(longest.as_millis()).unwrap_or(u64::MAX));
        let mut transaction = self.pool.write().await?;
        let mut values = vec![now_ms.into(), Value::from(longest_ms)];
        let sql = match &transaction {
            Transaction::Sqlite(_) => CUT_OFF,
            Transaction::Postgres(_) => {
                values.push(Value::from(&*self.node));
                CUT_OFF_OF_NODE
            }
        };
        let calls = transaction.execute(sql, &values).await?;
        transaction.commit().await?;
        Ok(calls)
    }
}

/// Of those with the same id the one that counts, for a statement takes each once: the last, but the end of a call is not undone.
fn latest<R: Borrow<CallRecord>>(records: &[R]) -> Vec<&CallRecord> {
    let mut latest: Vec<&CallRecord> = Vec::with_capacity(records.len());
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(records.len());
    for record in records.iter().map(Borrow::borrow) {
        match places.get(record.id.as_str()) {
            Some(place) if record.status.is_none() && latest[*place].status.is_some() => {}
            Some(place) => latest[*place] = record,
            None => {
                places.insert(record.id.as_str(), latest.len());
                latest.push(record);
            }
        }
    }
    latest
}

/// The statement for as many of the records as one takes, and how many these are. Each statement is a trip to the thread of the
/// connection and back, which costs more than a row.
fn upsert(transaction: &Transaction, records: usize) -> (usize, &'static str) {
    static SQLITE: OnceLock<Upserts> = OnceLock::new();
    static POSTGRES: OnceLock<Upserts> = OnceLock::new();
    let upserts = match transaction {
        Transaction::Sqlite(_) => &SQLITE,
        Transaction::Postgres(_) => &POSTGRES,
    };
    let upserts = upserts.get_or_init(|| {
        [32, 16, 8, 4, 2, 1].map(|rows| {
            let places = transaction.places(rows, COLUMNS.split(',').count());
            (rows, format!("INSERT INTO call_records ({COLUMNS}) VALUES {places} {REPLACE}"))
        })
    });
    let [larger @ .., one] = upserts;
    let (rows, sql) = larger.iter().find(|(rows, _)| *rows <= records).unwrap_or(one);
    (*rows, sql)
}

/// By how many records they are for.
type Upserts = [(usize, String); 6];

fn values<'a>(record: &'a CallRecord, node: &'a str) -> Vec<Value<'a>> {
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
        media_encryption_a,
        media_encryption_b,
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
        retry_after_s: _,
        quality_a,
        quality_b,
    } = record;
    let mut values = vec![
        id.into(),
        direction.word().into(),
        trunk_id.into(),
        number.into(),
        agent_id.into(),
        agent_source.map(Word::word).into(),
        from.into(),
        from_raw.into(),
        to.into(),
        to_raw.into(),
        sip_call_id_a.into(),
        sip_call_id_b.into(),
        transport.into(),
        source.into(),
        codec.into(),
        u64::from(*media_encryption).into(),
        media_encryption_a.into(),
        media_encryption_b.into(),
        (*invite_at).into(),
        (*ringing_at).into(),
        (*answered_at).into(),
        (*ended_at).into(),
        (*duration_ms).into(),
        (*billable_s).into(),
        (*agent_active_ms).into(),
        rating.into(),
        status.map(Word::word).into(),
        sip_status.map(u64::from).into(),
        q850.map(u64::from).into(),
        ended_by.map(Word::word).into(),
        reason.into(),
        detail.into(),
        node.into(),
    ];
    values.extend([quality_a, quality_b].into_iter().flat_map(|quality| quality_values(*quality)));
    values
}

fn quality_values(quality: Option<Quality>) -> [Value<'static>; 13] {
    [
        quality.map(|quality| quality.packets).into(),
        quality.map(|quality| quality.lost).into(),
        quality.map(|quality| quality.jitter_ms).into(),
        quality.map(|quality| quality.jitter_max_ms).into(),
        quality.and_then(|quality| quality.mos).into(),
        quality.and_then(|quality| quality.rtt_ms).into(),
        quality.map(|quality| quality.sent).into(),
        quality.and_then(|quality| quality.far_lost).into(),
        quality.and_then(|quality| quality.far_jitter_ms).into(),
        quality.and_then(|quality| quality.far_mos).into(),
        quality.map(|quality| quality.foreign).into(),
        quality.map(|quality| quality.unauthenticated).into(),
        quality.map(|quality| quality.replayed).into(),
    ]
}

pub(crate) fn record(row: &Row) -> Result<CallRecord, Error> {
    Ok(CallRecord {
        id: row.text("id")?,
        direction: word(row, "direction")?,
        trunk_id: row.optional_text("trunk_id")?,
        number: row.optional_text("number")?,
        agent_id: row.optional_text("agent_id")?,
        agent_source: optional_word(row, "agent_source")?,
        from: row.optional_text("from")?,
        from_raw: row.text("from_raw")?,
        to: row.optional_text("to")?,
        to_raw: row.text("to_raw")?,
        sip_call_id_a: row.text("sip_call_id_a")?,
        sip_call_id_b: row.optional_text("sip_call_id_b")?,
        transport: row.text("transport")?,
        source: row.text("source")?,
        codec: row.optional_text("codec")?,
        media_encryption: row.integer("media_encryption")? != 0,
        media_encryption_a: row.optional_text("media_encryption_a")?,
        media_encryption_b: row.optional_text("media_encryption_b")?,
        invite_at: row.natural("invite_at")?,
        ringing_at: row.optional_natural("ringing_at")?,
        answered_at: row.optional_natural("answered_at")?,
        ended_at: row.optional_natural("ended_at")?,
        duration_ms: row.natural("duration_ms")?,
        billable_s: row.natural("billable_s")?,
        agent_active_ms: row.natural("agent_active_ms")?,
        rating: row.text("rating")?,
        status: optional_word(row, "status")?,
        sip_status: row.optional_natural("sip_status")?.and_then(|code| code.try_into().ok()),
        q850: row.optional_natural("q850")?.and_then(|code| code.try_into().ok()),
        ended_by: optional_word(row, "ended_by")?,
        reason: row.optional_text("reason")?,
        detail: row.optional_text("detail")?,
        retry_after_s: None,
        quality_a: quality(row, "a")?,
        quality_b: quality(row, "b")?,
    })
}

/// Of that leg; none if it has no count of packets. What is not told of an earlier call is zero or none.
fn quality(row: &Row, leg: &str) -> Result<Option<Quality>, Error> {
    let column = |name: &str| format!("quality_{leg}_{name}");
    let natural = |name| row.optional_natural(&column(name));
    let real = |name| row.optional_real(&column(name));
    let Some(packets) = natural("packets")? else { return Ok(None) };
    Ok(Some(Quality {
        packets,
        lost: natural("lost")?.unwrap_or_default(),
        jitter_ms: real("jitter_ms")?.unwrap_or_default(),
        jitter_max_ms: real("jitter_max_ms")?.unwrap_or_default(),
        mos: real("mos")?,
        rtt_ms: real("rtt_ms")?,
        sent: natural("sent")?.unwrap_or_default(),
        far_lost: natural("far_lost")?,
        far_jitter_ms: real("far_jitter_ms")?,
        far_mos: real("far_mos")?,
        foreign: natural("foreign")?.unwrap_or_default(),
        unauthenticated: natural("unauthenticated")?.unwrap_or_default(),
        replayed: natural("replayed")?.unwrap_or_default(),
    }))
}

fn word<T: Word>(row: &Row, column: &'static str) -> Result<T, Error> {
    let text = row.text(column)?;
    T::of(&text).ok_or_else(|| Error::Row {
        table: "call record",
        id: row.text("id").unwrap_or_default(),
        cause: format!("its {column} is `{text}`"),
    })
}

fn optional_word<T: Word>(row: &Row, column: &'static str) -> Result<Option<T>, Error> {
    let text = row.optional_text(column)?;
    text.map(|_| word(row, column)).transpose()
}

/// In the order in which `bind` binds them.
const COLUMNS: &str = "id, direction, trunk_id, number, agent_id, agent_source, \"from\", from_raw, \"to\", to_raw, \
    sip_call_id_a, sip_call_id_b, transport, source, codec, media_encryption, media_encryption_a, media_encryption_b, invite_at, \
    ringing_at, answered_at, ended_at, duration_ms, billable_s, agent_active_ms, rating, status, \
    sip_status, q850, ended_by, reason, detail, node, \
    quality_a_packets, quality_a_lost, quality_a_jitter_ms, quality_a_jitter_max_ms, \
    quality_a_mos, quality_a_rtt_ms, quality_a_sent, \
    quality_a_far_lost, quality_a_far_jitter_ms, quality_a_far_mos, \
    quality_a_foreign, quality_a_unauthenticated, quality_a_replayed, \
    quality_b_packets, quality_b_lost, quality_b_jitter_ms, quality_b_jitter_max_ms, \
    quality_b_mos, quality_b_rtt_ms, quality_b_sent, \
    quality_b_far_lost, quality_b_far_jitter_ms, quality_b_far_mos, \
    quality_b_foreign, quality_b_unauthenticated, quality_b_replayed";

const REPLACE: &str = "ON CONFLICT (id) DO UPDATE SET \
    direction = excluded.direction, trunk_id = excluded.trunk_id, number = excluded.number, \
    agent_id = excluded.agent_id, agent_source = excluded.agent_source, \"from\" = excluded.\"from\", \
    from_raw = excluded.from_raw, \"to\" = excluded.\"to\", to_raw = excluded.to_raw, \
    sip_call_id_a = excluded.sip_call_id_a, sip_call_id_b = excluded.sip_call_id_b, \
    transport = excluded.transport, source = excluded.source, codec = excluded.codec, \
    media_encryption = excluded.media_encryption, media_encryption_a = excluded.media_encryption_a, \
    media_encryption_b = excluded.media_encryption_b, invite_at = excluded.invite_at, \
    ringing_at = excluded.ringing_at, answered_at = excluded.answered_at, \
    ended_at = excluded.ended_at, duration_ms = excluded.duration_ms, \
    billable_s = excluded.billable_s, agent_active_ms = excluded.agent_active_ms, \
    rating = excluded.rating, status = excluded.status, sip_status = excluded.sip_status, \
    q850 = excluded.q850, ended_by = excluded.ended_by, reason = excluded.reason, detail = excluded.detail, \
    node = excluded.node, \
    quality_a_packets = excluded.quality_a_packets, quality_a_lost = excluded.quality_a_lost, \
    quality_a_jitter_ms = excluded.quality_a_jitter_ms, quality_a_jitter_max_ms = excluded.quality_a_jitter_max_ms, \
    quality_a_mos = excluded.quality_a_mos, quality_a_rtt_ms = excluded.quality_a_rtt_ms, \
    quality_a_sent = excluded.quality_a_sent, quality_a_far_lost = excluded.quality_a_far_lost, \
    quality_a_far_jitter_ms = excluded.quality_a_far_jitter_ms, quality_a_far_mos = excluded.quality_a_far_mos, \
    quality_a_foreign = excluded.quality_a_foreign, quality_a_unauthenticated = excluded.quality_a_unauthenticated, \
    quality_a_replayed = excluded.quality_a_replayed, \
    quality_b_packets = excluded.quality_b_packets, quality_b_lost = excluded.quality_b_lost, \
    quality_b_jitter_ms = excluded.quality_b_jitter_ms, quality_b_jitter_max_ms = excluded.quality_b_jitter_max_ms, \
    quality_b_mos = excluded.quality_b_mos, quality_b_rtt_ms = excluded.quality_b_rtt_ms, \
    quality_b_sent = excluded.quality_b_sent, quality_b_far_lost = excluded.quality_b_far_lost, \
    quality_b_far_jitter_ms = excluded.quality_b_far_jitter_ms, quality_b_far_mos = excluded.quality_b_far_mos, \
    quality_b_foreign = excluded.quality_b_foreign, quality_b_unauthenticated = excluded.quality_b_unauthenticated, \
    quality_b_replayed = excluded.quality_b_replayed \
WHERE call_records.status IS NULL OR excluded.status IS NOT NULL";

const CUT_OFF: &str = "UPDATE call_records SET status = 'failed', reason = 'cut-off', ended_by = 'system', \
    ended_at = MAX(invite_at, MIN($1, COALESCE(answered_at + $2, $1))), \
    duration_ms = MAX(invite_at, MIN($1, COALESCE(answered_at + $2, $1))) - invite_at, q850 = 41 \
WHERE status IS NULL";

/// Here NULL is left out by `LEAST` and `GREATEST`.
const CUT_OFF_OF_NODE: &str = "UPDATE call_records SET status = 'failed', reason = 'cut-off', ended_by = 'system', \
    ended_at = GREATEST(invite_at, answered_at, LEAST(last.heard, answered_at + $2)), \
    duration_ms = GREATEST(invite_at, answered_at, LEAST(last.heard, answered_at + $2)) - invite_at, q850 = 41 \
FROM (SELECT LEAST($1, (SELECT heard_at FROM live_nodes WHERE node = $3)) AS heard) AS last \
WHERE status IS NULL AND node = $3 AND invite_at < $1";
