//! Looking through the calls: newest first, page by page, those that were asked for.

use b2bua::CallRecord;
use b2bua::record::{CallDirection, CallStatus, Word};

use crate::db::Value;
use crate::records::record;
use crate::{Error, Store};

/// Which calls are wanted; all by default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Of this number of ours, as in the record.
    pub number: Option<String>,
    /// By this trunk.
    pub trunk_id: Option<String>,
    /// Of this agent.
    pub agent_id: Option<String>,
    /// In or out.
    pub direction: Option<CallDirection>,
    /// Up, or ended so.
    pub state: Option<State>,
    /// With an INVITE of this moment or later, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// With an INVITE before this moment.
    pub until_ms: Option<u64>,
}

/// How far a call is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is its own word")]
pub enum State {
    Up,
    Ended(CallStatus),
}

/// The place of a call among all: the moment of its INVITE, and its id.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is as in the record")]
pub struct Cursor {
    pub invite_at: u64,
    pub id: String,
}

impl From<&CallRecord> for Cursor {
    fn from(record: &CallRecord) -> Self {
        Self { invite_at: record.invite_at, id: record.id.clone() }
    }
}

impl Store {
    /// The latest calls, newest first, those that are up among them.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn recent_calls(&self, limit: u32) -> Result<Vec<CallRecord>, Error> {
        self.records(&Filter::default(), None, limit).await
    }

    /// So many of the wanted calls at most, newest first, beginning behind `before`: with an earlier INVITE, or one of the
    /// same moment and a smaller id.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn records(
        &self,
        filter: &Filter,
        before: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<CallRecord>, Error> {
        let Filter { number, trunk_id, agent_id, direction, state, since_ms, until_ms } = filter;
        let mut wanted = Wanted::default();
        if let Some(Cursor { invite_at, id }) = before {
            wanted.both("(invite_at, id) < ", (*invite_at).into(), id.into());
        }
        if let Some(number) = number {
            wanted.one("number = ", number.into());
        }
        if let Some(trunk_id) = trunk_id {
            wanted.one("trunk_id = ", trunk_id.into());
        }
        if let Some(agent_id) = agent_id {
            wanted.one("agent_id = ", agent_id.into());
        }
        if let Some(direction) = direction {
            wanted.one("direction = ", direction.word().into());
        }
        match state {
            None => {}
            Some(State::Up) => wanted.conditions.push("status IS NULL".to_owned()),
            Some(State::Ended(status)) => wanted.one("status = ", status.word().into()),
        }
        if let Some(since_ms) = since_ms {
            wanted.one("invite_at >= ", (*since_ms).into());
        }
        if let Some(until_ms) = until_ms {
            wanted.one("invite_at < ", (*until_ms).into());
        }
        let (sql, values) = wanted.query(limit);
        let mut transaction = self.pool.read().await?;
        let rows = transaction.fetch_once(sql, &values).await?;
        transaction.rollback().await?;
        rows.iter().map(record).collect()
    }
}

/// The conditions, and what stands in their places.
#[derive(Default)]
struct Wanted<'a> {
    conditions: Vec<String>,
    values: Vec<Value<'a>>,
}

impl<'a> Wanted<'a> {
    fn one(&mut self, condition: &str, value: Value<'a>) {
        self.values.push(value);
        self.conditions.push(format!("{condition}${}", self.values.len()));
    }

    fn both(&mut self, condition: &str, one: Value<'a>, other: Value<'a>) {
        self.values.extend([one, other]);
        let last = self.values.len();
        self.conditions.push(format!("{condition}(${}, ${last})", last - 1));
    }

    fn query(mut self, limit: u32) -> (String, Vec<Value<'a>>) {
        let conditions = match self.conditions.as_slice() {
            [] => String::new(),
            conditions => format!("WHERE {} ", conditions.join(" AND ")),
        };
        self.values.push(u64::from(limit).into());
        let limit = self.values.len();
        let sql =
            format!("SELECT * FROM call_records {conditions}ORDER BY invite_at DESC, id DESC LIMIT ${limit}");
        (sql, self.values)
    }
}
