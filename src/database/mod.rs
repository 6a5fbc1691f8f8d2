//! PostgreSQL: the pool, the migrations, what happens when it goes away, and, where none is given, a PostgreSQL
//! of our own.

mod connection;
mod counts;
pub mod embedded;
pub mod migrations;
mod pool;
pub(crate) mod programs;
mod retry;
mod watchdog;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::registry::Registry;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection as _};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

pub use connection::{Connection, Transaction};
pub use migrations::MIGRATIONS;
pub use retry::retrying;

use self::counts::PoolCounts;
use self::pool::Pool;
use crate::config::DatabaseConfig;
use crate::error::{AppError, ErrorCode, Result};

/// Statements slower than this are worth a line in the log.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// How long PostgreSQL may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The pool, and whether PostgreSQL is there at all. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Closed while PostgreSQL is away. What was connected before is never trusted again: once it is back, a new
    /// pool takes the place of this one.
    pool: RwLock<Pool>,
    config: DatabaseConfig,
    /// How many transactions were begun, each of which says that PostgreSQL was there to answer.
    begun: AtomicU64,
    counts: PoolCounts,
    /// Cancelled once the pool is closed for good.
    closed: CancellationToken,
}

/// How the pool is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Whether PostgreSQL answers.
    pub is_open: bool,
    /// Connections, idle or in use.
    pub connections: usize,
    /// Connections that nobody uses.
    pub idle: usize,
}

impl Database {
    /// Opens the pool. The first connection is made at once, so a wrong address is told at start; the others are
    /// made meanwhile.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached or refuses.
    pub async fn connect(options: PgConnectOptions, config: &DatabaseConfig) -> sqlx::Result<Self> {
        let options = options
            .application_name("tableorder")
            .log_statements(log::LevelFilter::Off)
            .log_slow_statements(log::LevelFilter::Warn, SLOW_STATEMENT)
            // A request that was given up leaves its statement running: it must not hold a connection for long,
            // nor may a transaction whose instance was cut off hold its locks.
            .options([
                ("statement_timeout", format!("{}ms", config.statement_timeout.as_millis())),
                ("idle_in_transaction_session_timeout", format!("{}ms", config.statement_timeout.as_millis())),
            ]);
        let pool = Pool::open(options, config);
        drop(pool.take(Instant::now()).await?);
        Ok(Self::of(pool, config))
    }

    fn of(pool: Pool, config: &DatabaseConfig) -> Self {
        Self(Arc::new(Inner {
            pool: RwLock::new(pool),
            config: config.clone(),
            begun: AtomicU64::new(0),
            counts: PoolCounts::new(),
            closed: CancellationToken::new(),
        }))
    }

    /// Adds what is counted here to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.0.counts.register(registry);
    }

    /// How the pool is at this moment.
    #[must_use]
    pub fn pool_state(&self) -> PoolState {
        let pool = self.pool();
        let (connections, idle) = pool.size();
        PoolState { is_open: !pool.is_closed(), connections, idle }
    }

    /// A pool that connects to nothing, for tests that ask it nothing.
    #[cfg(test)]
    pub(crate) fn unconnected() -> Self {
        let config = crate::config::Config::read(|_| None).unwrap().database;
        Self::of(Pool::unattended(PgConnectOptions::new_without_pgpass(), &config), &config)
    }

    /// The pool of this moment.
    fn pool(&self) -> Pool {
        self.0.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection for single statements.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when none is to be had in time; at once while PostgreSQL is away.
    pub async fn acquire(&self) -> Result<Connection> {
        self.acquire_since(Instant::now()).await
    }

    /// As [`acquire`](Self::acquire), for whoever has been waiting `since` then: the time that is left is less by that.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub async fn acquire_since(&self, since: Instant) -> Result<Connection> {
        let (pool, started) = (self.pool(), Instant::now());
        let taken = pool.take(since).await;
        self.0.counts.waited(started.elapsed(), taken.as_ref().is_err_and(pool::is_in_vain));
        taken.map(Connection::of).map_err(refused)
    }

    /// A transaction. Services open and commit them, repositories only borrow the connection.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when no connection is to be had in time; at once while PostgreSQL is away.
    pub async fn begin(&self) -> Result<Transaction> {
        let begun = Transaction::begin(self.acquire().await?).await?;
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Ok(begun)
    }

    /// Whether PostgreSQL answers, within a second.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when it does not.
    pub async fn ping(&self) -> Result<()> {
        let ping = async {
            let mut connection = self.acquire().await?;
            connection.conn().ping().await?;
            connection.done();
            Ok(())
        };
        timeout(PING_TIMEOUT, ping)
            .await
            .map_err(|elapsed| AppError::caused_by(ErrorCode::ServiceUnavailable, elapsed))?
    }

    /// How many transactions were begun so far.
    fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Does `work` for as long as PostgreSQL is there: when it goes away meanwhile, the work is given up at once,
    /// whatever statement it waits for.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when it was given up.
    pub async fn while_there<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let pool = self.pool();
        if pool.is_closed() {
            // Not everything needs the database, and what does is refused when it asks for a connection.
            return Ok(work.await);
        }
        pool.closed().run_until_cancelled(work).await.ok_or(sqlx::Error::PoolClosed).map_err(refused)
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.0.closed.cancel();
        self.pool().close().await;
    }
}

/// Says in the log what a closed pool means here.
fn refused(error: sqlx::Error) -> AppError {
    match error {
        sqlx::Error::PoolClosed => {
            AppError::caused_by(ErrorCode::ServiceUnavailable, "PostgreSQL is away, or the server is stopping")
        }
        other => other.into(),
    }
}
