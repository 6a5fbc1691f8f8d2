//! PostgreSQL: the pool, the migrations, what happens when it goes away, and, where none is given, a PostgreSQL
//! of our own.

mod connection;
mod counts;
pub mod embedded;
pub mod migrations;
mod pool;
pub(crate) mod programs;
pub mod retention;
mod retry;
mod watchdog;
mod work;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use moka::sync::Cache;
use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection as _};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

pub use connection::Connection;
pub use migrations::MIGRATIONS;
pub use work::NoConnection;

use self::counts::PoolCounts;
use self::pool::Pool;
use crate::config::DatabaseConfig;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::StoreId;

/// Statements slower than this are worth a line in the log.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// A store without a transaction for so long needs no entry in `store_permits`.
const STORE_IDLE: Duration = Duration::from_mins(5);

/// How long work under way may take to end when the pool is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long PostgreSQL may take to answer a ping.
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
    /// How often PostgreSQL has answered a request: a sign for the watchdog that it is there.
    answers: AtomicU64,
    /// How many transactions each store may have under way. An entry that is dropped too early lets a few more in.
    store_permits: Cache<Option<StoreId>, Arc<Semaphore>>,
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
        let pool = Pool::open(options, config, CancellationToken::new());
        drop(pool.take(Instant::now() + config.acquire_timeout).await?);
        Ok(Self::of(pool, config))
    }

    fn of(pool: Pool, config: &DatabaseConfig) -> Self {
        Self(Arc::new(Inner {
            pool: RwLock::new(pool),
            config: config.clone(),
            answers: AtomicU64::new(0),
            store_permits: Cache::builder().time_to_idle(STORE_IDLE).build(),
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
        Self::of(Pool::unattended(PgConnectOptions::new_without_pgpass(), &config, CancellationToken::new()), &config)
    }

    /// The pool of this moment.
    fn pool(&self) -> Pool {
        self.0.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether PostgreSQL answers, within a second.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when it does not.
    pub async fn ping(&self) -> Result<()> {
        let ping = self.read(|conn| async move { Ok(conn.ping().await?) }.scope_boxed());
        timeout(PING_TIMEOUT, ping)
            .await
            .map_err(|elapsed| AppError::caused_by(ErrorCode::ServiceUnavailable, elapsed))?
    }

    /// PostgreSQL answered.
    fn note_answer(&self) {
        self.0.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// How often PostgreSQL has answered a request so far.
    fn answers(&self) -> u64 {
        self.0.answers.load(Ordering::Relaxed)
    }

    /// Closes every connection, and waits ten seconds at most for those in use.
    pub async fn close(&self) {
        self.0.closed.cancel();
        self.pool().close(CLOSE_TIMEOUT).await;
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
