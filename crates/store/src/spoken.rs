//! What the day's outbound calls have spoken, as their records tell it: for a start, at which the core knows of no call.

use b2bua::io::Input;
use numbers::{E164, Spoke, Spoken};

use crate::db::Pool;
use crate::{Error, Store};

impl Store {
    /// What answered outbound calls of this node that began before `before_ms`, and are over, have spoken in the day that began at
    /// `midnight_ms`; times are milliseconds since 1970. A SQLite file has the calls of one daemon at a time: there all count,
    /// whatever the name of the node was.
    ///
    /// # Errors
    ///
    /// If the database refuses.
    pub async fn spoken(&self, midnight_ms: u64, before_ms: u64) -> Result<Vec<Spoke>, Error> {
        let node = match &self.pool {
            Pool::Sqlite(_) => None,
            Pool::Postgres(_) => Some(&*self.node),
        };
        let rows = self.pool.fetch(SPOKEN, &[midnight_ms.into(), before_ms.into(), node.into()]).await?;
        let mut spoke = Vec::with_capacity(rows.len());
        for row in rows {
            // A record has no other number than one of the inventory.
            let Ok(number) = E164::parse(&row.text("number")?) else { continue };
            spoke.push(Spoke {
                trunk_id: row.text("trunk_id")?,
                number,
                spoken_ms: row.natural("spoken_ms")?,
            });
        }
        Ok(spoke)
    }

    /// The same of the running day, for the core: in pieces that do not keep it from its calls.
    pub(crate) async fn spoken_today(&self, before_ms: u64) -> Result<Vec<Input>, Error> {
        let midnight_ms = Spoken::midnight(crate::audit::now_ms());
        let spoke = self.spoken(midnight_ms, before_ms).await?;
        Ok(spoke.chunks(PIECE).map(|spoke| Input::Spoken { midnight_ms, spoke: spoke.to_vec() }).collect())
    }
}

const PIECE: usize = 1_000;

const SPOKEN: &str = "SELECT trunk_id, number, \
    CAST(SUM(ended_at - CASE WHEN answered_at > $1 THEN answered_at ELSE $1 END) AS BIGINT) AS spoken_ms \
FROM call_records \
WHERE direction = 'outbound' AND answered_at IS NOT NULL AND ended_at > $1 AND invite_at < $2 \
    AND trunk_id IS NOT NULL AND number IS NOT NULL AND ($3 IS NULL OR node = $3) \
GROUP BY trunk_id, number ORDER BY trunk_id, number";
