//! The pool of connections: deadpool's, of sqlx's connections.
//!
//! sqlx's own pool asks PostgreSQL whether a connection still works each time one is given back, in a task of its own:
//! a round trip for every request. Here only a connection is asked of which nobody knows it: see [`super::connection`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{self, Manager, Metrics, PoolConfig, PoolError, QueueMode, RecycleError, RecycleResult};
use futures_util::future::join_all;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection as _, PgConnection};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::config::DatabaseConfig;

/// A connection idle for longer is tried before it is handed out; a busy pool pays no round trip for that.
const TRUST_IDLE: Duration = Duration::from_secs(2);

/// Connections beyond the fewest kept are closed after being idle for so long.
const KEEP_IDLE: Duration = Duration::from_mins(10);

/// How often it is looked whether connections are too few, too many or too old.
const LOOK: Duration = Duration::from_secs(30);

/// The first pause before PostgreSQL, which has no connection to give at this moment, is asked again, and the longest:
/// each is twice the one before, or those who wait would keep it busy with refusing them.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// How long PostgreSQL may take to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long PostgreSQL may take to answer on a connection that lay idle.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// How often whoever closes the pool looks whether the last connection was given back.
const LAST_LOOK: Duration = Duration::from_millis(10);

/// A connection on loan; dropped, it is given back as it is.
pub(super) type PooledConnection = managed::Object<PgManager>;

/// Connections to one PostgreSQL. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    slots: managed::Pool<PgManager>,
    /// The fewest connections kept.
    fewest: usize,
}

/// Opens connections, and knows which are good no longer.
pub(super) struct PgManager {
    options: Arc<PgConnectOptions>,
    max_lifetime: Duration,
    /// Cancelled when the pool is closed: then nothing of PostgreSQL is waited for any more.
    pub(super) closed: CancellationToken,
}

/// The options would show the password.
impl fmt::Debug for PgManager {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("PgManager").finish_non_exhaustive()
    }
}

impl Manager for PgManager {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<PgConnection> {
        // Boxed, as it is large and rare.
        self.answered(CONNECT_TIMEOUT, Box::pin(self.options.connect())).await
    }

    async fn recycle(&self, connection: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > self.max_lifetime {
            return Err(RecycleError::message("it is too old"));
        }
        if metrics.last_used() > TRUST_IDLE {
            self.answered(PING_TIMEOUT, Box::pin(connection.ping())).await?;
        }
        Ok(())
    }
}

impl PgManager {
    /// The result of `work`, unless PostgreSQL is silent for too long or the pool is closed.
    async fn answered<T>(&self, limit: Duration, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        let work = self.closed.run_until_cancelled(timeout(limit, work)).await;
        work.unwrap_or(Ok(Err(sqlx::Error::PoolClosed))).unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}

impl Pool {
    /// A pool that has not connected yet, and is looked after until it is closed or nobody has it any more.
    /// Work on its connections is given up when `closed` is cancelled.
    pub(super) fn open(options: PgConnectOptions, config: &DatabaseConfig, closed: CancellationToken) -> Self {
        let pool = Self::unattended(options, config, closed);
        let (slots, fewest) = (pool.slots.weak(), pool.fewest);
        let closed = pool.closed().clone();
        tokio::spawn(async move {
            while let Some(slots) = slots.upgrade() {
                Self { slots, fewest }.look_after().await;
                if closed.run_until_cancelled(sleep(LOOK)).await.is_none() {
                    return;
                }
            }
        });
        pool
    }

    /// A pool that nobody looks after.
    pub(super) fn unattended(options: PgConnectOptions, config: &DatabaseConfig, closed: CancellationToken) -> Self {
        let opener = PgManager { options: Arc::new(options), max_lifetime: config.max_lifetime, closed };
        // The one used last: its memory is at hand, here and in PostgreSQL, and what nobody needs is seen to be idle.
        let mut shape = PoolConfig::new(config.max_connections as usize);
        shape.queue_mode = QueueMode::Lifo;
        let Ok(slots) = managed::Pool::builder(opener).config(shape).build() else {
            unreachable!("only a pool with time limits of its own needs a runtime")
        };
        Self { slots, fewest: config.min_connections as usize }
    }

    /// The address, and how it is connected.
    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.slots.manager().options
    }

    /// A connection, as soon as there is one before `deadline`: an idle one, a new one, or the next that is given back.
    ///
    /// # Errors
    /// When none was to be had in time, the reason PostgreSQL gave last, or `PoolTimedOut`; `PoolClosed` when it is.
    pub(super) async fn take(&self, deadline: Instant) -> sqlx::Result<PooledConnection> {
        let (mut reason, mut pause) = (sqlx::Error::PoolTimedOut, FIRST_PAUSE);
        let trying = async {
            loop {
                match self.slots.get().await {
                    Ok(lent) => return Ok(lent),
                    Err(PoolError::Backend(error)) if passes(&error) => reason = error,
                    Err(PoolError::Backend(error)) => return Err(error),
                    Err(_) => return Err(sqlx::Error::PoolClosed),
                }
                sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        };
        timeout_at(deadline, trying).await.unwrap_or(Err(reason))
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.slots.is_closed()
    }

    /// Cancelled when the pool is closed.
    pub(super) fn closed(&self) -> &CancellationToken {
        &self.slots.manager().closed
    }

    /// Connections, idle or in use, and how many of them are idle.
    pub(super) fn size(&self) -> (usize, usize) {
        let status = self.slots.status();
        (status.size, status.available)
    }

    /// Closes it at once: who waits is refused, idle connections are dropped, the others once they are given back.
    pub(super) fn shut(&self) {
        self.closed().cancel();
        self.slots.close();
    }

    /// Closes it, and waits at most `limit` until the last connection is given back.
    pub(super) async fn close(&self, limit: Duration) {
        let idle = self.slots.retain(|_, _| false).removed;
        self.slots.close();
        say_goodbye(idle).await;
        let given_back = async {
            while self.slots.status().size > 0 {
                sleep(LAST_LOOK).await;
            }
        };
        let _ = timeout(limit, given_back).await;
        self.closed().cancel();
    }

    /// Closes connections that are too old or not needed, and opens those that lack.
    async fn look_after(&self) {
        let mut beyond = self.slots.status().size.saturating_sub(self.fewest);
        let removed = self.slots.retain(|_, metrics| {
            let is_needed = beyond == 0 || metrics.last_used() < KEEP_IDLE;
            let stays = is_needed && metrics.age() <= self.slots.manager().max_lifetime;
            beyond = beyond.saturating_sub(usize::from(!stays));
            stays
        });
        say_goodbye(removed.removed).await;
        let mut held = Vec::new();
        while self.slots.status().size < self.fewest {
            // Idle ones come first, so all are held until there are enough.
            match self.slots.get().await {
                Ok(lent) => held.push(lent),
                Err(_) => return,
            }
        }
    }
}

/// A connection that is only dropped is, to a pooler, a client that died.
async fn say_goodbye(connections: Vec<PgConnection>) {
    join_all(connections.into_iter().map(|connection| timeout(GOODBYE, connection.close()))).await;
}

/// Whether this says that a connection was waited for in vain.
pub(super) fn is_in_vain(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::PoolTimedOut) || passes(error)
}

/// Whether there may be a connection in a moment: PostgreSQL starts, has given all it has, or lets nobody in (its
/// password was changed), while those who are in go on and one of their connections will do.
fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => {
            let state = error.code().unwrap_or_default();
            matches!(state.as_ref(), "53300" | "57P03") || state.starts_with("28")
        }
        _ => false,
    }
}
