//! The database: one text of SQL, one way to bind values and to read columns.

use std::sync::Arc;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, SqlStr, Sqlite, SqlitePool};
use sqlx::{SqlSafeStr, Transaction as Begun};

use crate::Error;

/// The connections of a store. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Pool(pub(crate) SqlitePool);

/// What is done as a whole, or not at all: dropped without a commit, it is undone.
pub(crate) struct Transaction(Begun<'static, Sqlite>);

/// What is put in the place of a `$1`. A missing one has a kind too.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Integer(Option<i64>),
    Real(Option<f64>),
    Text(Option<&'a str>),
}

/// One line of an answer.
pub(crate) struct Row(SqliteRow);

impl Pool {
    /// For reading: all that is read in it is of one moment.
    pub(crate) async fn read(&self) -> Result<Transaction, Error> {
        Ok(Transaction(self.0.begin().await?))
    }

    /// For writing. There is one at a time, and those that wait know it from its beginning.
    pub(crate) async fn write(&self) -> Result<Transaction, Error> {
        Ok(Transaction(self.0.begin_with("BEGIN IMMEDIATE").await?))
    }

    pub(crate) async fn fetch(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        Ok(rows(query(sql.into_sql_str(), values).fetch_all(&self.0).await?))
    }

    /// Waits until all connections are closed.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }
}

impl Transaction {
    /// How many rows it changed. The database keeps the prepared statement.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Error> {
        let done = query(sql.into_sql_str(), values).execute(&mut *self.0).await?;
        Ok(done.rows_affected())
    }

    /// The same of a statement that was put together for this once.
    pub(crate) async fn execute_once(&mut self, sql: String, values: &[Value<'_>]) -> Result<u64, Error> {
        let query = query(AssertSqlSafe(Arc::new(sql)).into_sql_str(), values);
        Ok(query.persistent(false).execute(&mut *self.0).await?.rows_affected())
    }

    pub(crate) async fn fetch(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        Ok(rows(query(sql.into_sql_str(), values).fetch_all(&mut *self.0).await?))
    }

    /// The same of a statement that was put together for this once.
    pub(crate) async fn fetch_once(&mut self, sql: String, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let query = query(AssertSqlSafe(Arc::new(sql)).into_sql_str(), values);
        Ok(rows(query.persistent(false).fetch_all(&mut *self.0).await?))
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        Ok(self.0.commit().await?)
    }

    pub(crate) async fn rollback(self) -> Result<(), Error> {
        Ok(self.0.rollback().await?)
    }
}

impl Row {
    pub(crate) fn text(&self, column: &str) -> Result<String, Error> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn optional_text(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn integer(&self, column: &str) -> Result<i64, Error> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn optional_integer(&self, column: &str) -> Result<Option<i64>, Error> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn optional_real(&self, column: &str) -> Result<Option<f64>, Error> {
        Ok(self.0.try_get(column)?)
    }

    /// A count, which the column holds with a sign.
    pub(crate) fn natural(&self, column: &str) -> Result<u64, Error> {
        Ok(u64::try_from(self.integer(column)?).unwrap_or_default())
    }

    pub(crate) fn optional_natural(&self, column: &str) -> Result<Option<u64>, Error> {
        Ok(self.optional_integer(column)?.map(|value| u64::try_from(value).unwrap_or_default()))
    }
}

impl From<u64> for Value<'_> {
    /// Columns are signed. Nothing that we count comes near the end.
    fn from(value: u64) -> Self {
        Self::Integer(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<Option<u64>> for Value<'_> {
    fn from(value: Option<u64>) -> Self {
        value.map_or(Self::Integer(None), Self::from)
    }
}

impl From<Option<f64>> for Value<'_> {
    fn from(value: Option<f64>) -> Self {
        Self::Real(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(value: &'a Option<String>) -> Self {
        Self::Text(value.as_deref())
    }
}

/// `(?, ?), (?, ?)`: so many rows of so many values, each in its own place. Names would be looked for one by one.
pub(crate) fn places(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}

fn query(sql: SqlStr, values: &[Value<'_>]) -> Query<'static, Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Integer(value) => query.bind(*value),
        Value::Real(value) => query.bind(*value),
        Value::Text(value) => query.bind(*value),
    })
}

fn rows(rows: Vec<SqliteRow>) -> Vec<Row> {
    rows.into_iter().map(Row).collect()
}
