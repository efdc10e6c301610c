//! The database, SQLite or PostgreSQL: one text of SQL, one way to bind values and to read columns. All that is between the two is
//! here, in how a store is opened, and in who notices a change.

use std::borrow::Cow;

use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Database, Encode, Row as _, SqlSafeStr, SqlStr, Type};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction as Begun};

use crate::Error;

/// The connections of a store. Clones share them.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// What is done as a whole, or not at all: dropped without a commit, it is undone.
pub(crate) enum Transaction {
    Sqlite(Begun<'static, Sqlite>),
    Postgres(Begun<'static, Postgres>),
}

/// What is put in the place of a `$1`, which both understand. A missing one has a kind too.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Integer(Option<i64>),
    Real(Option<f64>),
    Text(Option<&'a str>),
}

/// One line of an answer.
pub(crate) enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

impl Pool {
    /// For reading: all that is read in it is of one moment.
    pub(crate) async fn read(&self) -> Result<Transaction, Error> {
        Ok(match self {
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin().await?),
            Self::Postgres(pool) => Transaction::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
            ),
        })
    }

    /// For writing. SQLite has one at a time, from its beginning; in PostgreSQL those wait for each other that change the
    /// same row.
    pub(crate) async fn write(&self) -> Result<Transaction, Error> {
        Ok(match self {
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
        })
    }

    pub(crate) async fn fetch(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let sql = sql.into_sql_str();
        Ok(match self {
            Self::Sqlite(pool) => all(query(sql, values).fetch_all(pool).await?, Row::Sqlite),
            Self::Postgres(pool) => all(query(sql, values).fetch_all(pool).await?, Row::Postgres),
        })
    }

    /// Waits until all connections are closed.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Transaction {
    /// How many rows it changed. The database keeps the prepared statement.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Error> {
        let sql = sql.into_sql_str();
        Ok(match self {
            Self::Sqlite(begun) => query(sql, values).execute(&mut **begun).await?.rows_affected(),
            Self::Postgres(begun) => query(sql, values).execute(&mut **begun).await?.rows_affected(),
        })
    }

    /// The same of a statement that was put together for this once.
    pub(crate) async fn execute_once(&mut self, sql: String, values: &[Value<'_>]) -> Result<(), Error> {
        let sql = AssertSqlSafe(sql).into_sql_str();
        match self {
            Self::Sqlite(begun) => {
                query(sql, values).persistent(false).execute(&mut **begun).await?;
            }
            Self::Postgres(begun) => {
                query(sql, values).persistent(false).execute(&mut **begun).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn fetch(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let sql = sql.into_sql_str();
        Ok(match self {
            Self::Sqlite(begun) => all(query(sql, values).fetch_all(&mut **begun).await?, Row::Sqlite),
            Self::Postgres(begun) => all(query(sql, values).fetch_all(&mut **begun).await?, Row::Postgres),
        })
    }

    /// The same of a statement that was put together for this once.
    pub(crate) async fn fetch_once(&mut self, sql: String, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let sql = AssertSqlSafe(sql).into_sql_str();
        Ok(match self {
            Self::Sqlite(begun) => {
                all(query(sql, values).persistent(false).fetch_all(&mut **begun).await?, Row::Sqlite)
            }
            Self::Postgres(begun) => {
                all(query(sql, values).persistent(false).fetch_all(&mut **begun).await?, Row::Postgres)
            }
        })
    }

    /// So many rows of so many values, each in its own place: `($1, $2), ($3, $4)`. SQLite takes such for names, and looks for each among
    /// all; there it is `(?, ?), (?, ?)`.
    pub(crate) fn places(&self, rows: usize, columns: usize) -> String {
        let place = |place: usize| match self {
            Self::Sqlite(_) => "?".to_owned(),
            Self::Postgres(_) => format!("${place}"),
        };
        let row = |row: usize| {
            let places: Vec<_> = (1..=columns).map(|column| place(row * columns + column)).collect();
            format!("({})", places.join(", "))
        };
        (0..rows).map(row).collect::<Vec<_>>().join(", ")
    }

    /// Wakes whoever waits for a change, once it is committed. In SQLite they look often.
    pub(crate) async fn notify(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(begun) => {
                query(NOTIFY.into_sql_str(), &[]).execute(&mut **begun).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(begun) => begun.commit().await?,
            Self::Postgres(begun) => begun.commit().await?,
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(begun) => begun.rollback().await?,
            Self::Postgres(begun) => begun.rollback().await?,
        }
        Ok(())
    }
}

impl Row {
    pub(crate) fn text(&self, column: &str) -> Result<String, Error> {
        self.optional_text(column)?.ok_or_else(|| missing(column))
    }

    pub(crate) fn optional_text(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(crate) fn integer(&self, column: &str) -> Result<i64, Error> {
        self.optional_integer(column)?.ok_or_else(|| missing(column))
    }

    pub(crate) fn optional_integer(&self, column: &str) -> Result<Option<i64>, Error> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(crate) fn optional_real(&self, column: &str) -> Result<Option<f64>, Error> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A count, which the column holds with a sign.
    pub(crate) fn natural(&self, column: &str) -> Result<u64, Error> {
        Ok(u64::try_from(self.integer(column)?).unwrap_or_default())
    }

    pub(crate) fn optional_natural(&self, column: &str) -> Result<Option<u64>, Error> {
        Ok(self.optional_integer(column)?.map(|value| u64::try_from(value).unwrap_or_default()))
    }
}

fn missing(column: &str) -> Error {
    Error::Sql(sqlx::Error::ColumnNotFound(column.to_owned()))
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

fn query<DB>(sql: SqlStr, values: &[Value<'_>]) -> Query<'static, DB, DB::Arguments>
where
    DB: Database,
    Option<i64>: for<'q> Encode<'q, DB> + Type<DB>,
    Option<f64>: for<'q> Encode<'q, DB> + Type<DB>,
    for<'q> Option<Cow<'q, str>>: Encode<'q, DB> + Type<DB>,
{
    values.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Integer(value) => query.bind(*value),
        Value::Real(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.map(writable)),
    })
}

/// PostgreSQL has no texts with NUL, which a peer may well send.
fn writable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

fn all<R>(rows: Vec<R>, of: fn(R) -> Row) -> Vec<Row> {
    rows.into_iter().map(of).collect()
}

/// On which PostgreSQL tells of changes.
pub(crate) const CHANNEL: &str = "strowger_inventory";
const NOTIFY: &str = "NOTIFY strowger_inventory";
