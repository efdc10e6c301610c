//! What a request that makes a call was answered, so that the same request, sent again, makes no second one.

use sha2::{Digest, Sha256};

use crate::audit::now_ms;
use crate::db::Value;
use crate::keys::hex;
use crate::{Error, Store};

/// An answer that was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// What is known of a request's idempotency key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Known {
    /// Nothing: it is taken down, and the request is to be carried out, then [`Store::remember`]ed or [`Store::forget`]ten.
    First,
    /// The same request is being carried out, or was when the daemon ended.
    UnderWay,
    /// The same request was answered so.
    Answered(Answer),
    /// Another request has it.
    Another,
}

impl Store {
    /// Looks an idempotency key up, and takes it down if it is not known. `owner` is whose it is, such as the id of the API key; `request`
    /// is all that makes the request what it is.
    ///
    /// Keys are known for 24 hours, 10,000 of each owner.
    ///
    /// # Errors
    ///
    /// If there are too many, or the database refuses.
    pub async fn idempotent(&self, owner: &str, key: &str, request: &[u8]) -> Result<Known, Error> {
        let (now, hash) = (now_ms(), hex(&Sha256::digest(request)));
        let mut transaction = self.pool.write().await?;
        let sql = "DELETE FROM idempotency WHERE at_ms < $1";
        transaction.execute(sql, &[now.saturating_sub(KEPT_MS).into()]).await?;
        let sql = "INSERT INTO idempotency (owner, name, hash, at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (owner, name) DO NOTHING";
        let added =
            transaction.execute(sql, &[owner.into(), key.into(), Value::from(&hash), now.into()]).await?;
        if added > 0 {
            let sql = "SELECT count(*) AS count FROM idempotency WHERE owner = $1";
            let count = transaction.fetch(sql, &[owner.into()]).await?;
            if count.first().map_or(Ok(0), |row| row.natural("count"))? > MOST {
                transaction.rollback().await?;
                return Err(Error::IdempotencyFull);
            }
            transaction.commit().await?;
            return Ok(Known::First);
        }
        let sql = "SELECT hash, status, body FROM idempotency WHERE owner = $1 AND name = $2";
        let rows = transaction.fetch(sql, &[owner.into(), key.into()]).await?;
        transaction.commit().await?;
        let Some(row) = rows.first() else { return Ok(Known::UnderWay) };
        if row.text("hash")? != hash {
            return Ok(Known::Another);
        }
        let status = row.optional_natural("status")?.and_then(|status| u16::try_from(status).ok());
        Ok(match (status, row.optional_text("body")?) {
            (Some(status), Some(body)) => Known::Answered(Answer { status, body }),
            (Some(_) | None, _) => Known::UnderWay,
        })
    }

    /// Keeps the answer to a request that was the first.
    ///
    /// # Errors
    ///
    /// If the database refuses.
    pub async fn remember(&self, owner: &str, key: &str, answer: &Answer) -> Result<(), Error> {
        let mut transaction = self.pool.write().await?;
        let sql = "UPDATE idempotency SET status = $3, body = $4 WHERE owner = $1 AND name = $2";
        let status = u64::from(answer.status);
        transaction
            .execute(sql, &[owner.into(), key.into(), status.into(), Value::from(&answer.body)])
            .await?;
        transaction.commit().await
    }

    /// Drops the key of a request that was the first and has done nothing.
    ///
    /// # Errors
    ///
    /// If the database refuses.
    pub async fn forget(&self, owner: &str, key: &str) -> Result<(), Error> {
        let mut transaction = self.pool.write().await?;
        let sql = "DELETE FROM idempotency WHERE owner = $1 AND name = $2 AND status IS NULL";
        transaction.execute(sql, &[owner.into(), key.into()]).await?;
        transaction.commit().await
    }
}

const KEPT_MS: u64 = 24 * 60 * 60 * 1_000;
const MOST: u64 = 10_000;
