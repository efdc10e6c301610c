//! The rows of what calls take.

use numbers::{E164, Load, Subject, Tally, Used};

use crate::Error;
use crate::db::{Row, Transaction, Value};

/// Writes so much of a node, in the place of what was there.
pub(super) async fn write(
    transaction: &mut Transaction,
    node: &str,
    version: u64,
    used: &[Used],
) -> Result<(), Error> {
    for chunk in used.chunks(ROWS_AT_ONCE) {
        let ids: Vec<_> = chunk.iter().map(|used| id(&used.subject)).collect();
        let mut values = Vec::with_capacity(chunk.len() * COLUMNS);
        for (Used { subject, load }, id) in chunk.iter().zip(&ids) {
            let Load { calls, spoken: Tally { day, finished_ms, running, begun_ms } } = *load;
            values.extend([Value::from(node), Value::from(kind(subject)), Value::from(id)]);
            let counts = [u64::from(calls), day, finished_ms, running, begun_ms, version];
            values.extend(counts.map(Value::from));
        }
        let places = transaction.places(chunk.len(), COLUMNS);
        let sql = format!(
            "INSERT INTO live_usage (node, kind, id, calls, day, finished_ms, running, begun_ms, version) VALUES {places} \
             ON CONFLICT (node, kind, id) DO UPDATE SET calls = excluded.calls, day = excluded.day, \
             finished_ms = excluded.finished_ms, running = excluded.running, begun_ms = excluded.begun_ms, \
             version = excluded.version"
        );
        transaction.execute_once(sql, &values).await?;
    }
    Ok(())
}

/// What a row says; nothing of one of a kind that only a later version knows.
pub(super) fn read(row: &Row) -> Result<Option<Used>, Error> {
    let id = row.text("id")?;
    let subject = match row.text("kind")?.as_str() {
        TRUNK => Some(Subject::Trunk(id)),
        NUMBER => E164::parse(&id).ok().map(Subject::Number),
        AGENT => Some(Subject::Agent(id)),
        _ => None,
    };
    let spoken = Tally {
        day: row.natural("day")?,
        finished_ms: row.natural("finished_ms")?,
        running: row.natural("running")?,
        begun_ms: row.natural("begun_ms")?,
    };
    let load = Load { calls: u32::try_from(row.natural("calls")?).unwrap_or(u32::MAX), spoken };
    Ok(subject.map(|subject| Used { subject, load }))
}

const fn kind(subject: &Subject) -> &'static str {
    match subject {
        Subject::Trunk(_) => TRUNK,
        Subject::Number(_) => NUMBER,
        Subject::Agent(_) => AGENT,
    }
}

fn id(subject: &Subject) -> String {
    match subject {
        Subject::Trunk(id) | Subject::Agent(id) => id.clone(),
        Subject::Number(number) => number.to_string(),
    }
}

const TRUNK: &str = "trunk";
const NUMBER: &str = "number";
const AGENT: &str = "agent";
const COLUMNS: usize = 9;
const ROWS_AT_ONCE: usize = 500;
