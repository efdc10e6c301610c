//! Noticing that another process has changed the inventory.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::db::{CHANNEL, Pool};
use crate::{Error, Store};

impl Store {
    /// Waits until the revision is another than `seen`, and returns it. In SQLite it looks four times a second. PostgreSQL tells of a
    /// change; for the case that what it tells is lost with its connection, it is asked once a second too. A store that can't be
    /// read is looked at again, without a word: who uses it has more than one that waits.
    pub async fn changed(&self, seen: u64) -> u64 {
        let mut ear = Ear::on(CHANNEL);
        loop {
            ear.listen(&self.pool).await;
            match timeout(ANSWER, self.look()).await.unwrap_or(Err(Error::Silent)) {
                Ok(revision) if revision != seen => return revision,
                Ok(_) => {}
                Err(error) => debug!(%error, "the revision of the inventory can't be read"),
            }
            ear.wait(&self.pool).await;
        }
    }

    async fn look(&self) -> Result<u64, Error> {
        self.prepare().await?;
        self.revision().await
    }

    /// Makes the tables of a server that could not be reached when the store was opened.
    pub(crate) async fn prepare(&self) -> Result<(), Error> {
        match &self.unprepared {
            Some(server) => server.prepare().await,
            None => Ok(()),
        }
    }
}

/// What hears PostgreSQL tell of a change, while it has a connection.
pub(crate) struct Ear {
    channel: &'static str,
    listener: Option<PgListener>,
}

impl Ear {
    /// Of what is told on this channel.
    pub(crate) const fn on(channel: &'static str) -> Self {
        Self { channel, listener: None }
    }

    /// Before what may have changed is looked at, so that no change falls between.
    pub(crate) async fn listen(&mut self, pool: &Pool) {
        let (Pool::Postgres(pool), None) = (pool, &self.listener) else { return };
        if let Ok(Ok(mut listener)) = timeout(ANSWER, PgListener::connect_with(pool)).await
            && let Ok(Ok(())) = timeout(ANSWER, listener.listen(self.channel)).await
        {
            listener.eager_reconnect(false);
            self.listener = Some(listener);
        }
    }

    /// Until it is time to look.
    pub(crate) async fn wait(&mut self, pool: &Pool) {
        let period = match pool {
            Pool::Sqlite(_) => PERIOD,
            Pool::Postgres(_) => LONG_PERIOD,
        };
        let Some(listener) = &mut self.listener else { return sleep(period).await };
        match timeout(period, listener.try_recv()).await {
            Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
            Err(_) => {}
            // The connection is gone.
            Ok(Ok(None) | Err(_)) => {
                self.listener = None;
                sleep(period).await;
            }
        }
    }
}

const PERIOD: Duration = Duration::from_millis(250);
const LONG_PERIOD: Duration = Duration::from_secs(1);
/// A store that takes longer is taken for gone.
const ANSWER: Duration = Duration::from_secs(5);
