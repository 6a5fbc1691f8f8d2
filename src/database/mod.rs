//! PostgreSQL: the connection pool, the watchdog, the migrations, and the embedded PostgreSQL for a server without
//! `DATABASE_URL`.
//!
//! Everything here works for any table. SQL on the tables belongs in `repositories/`; which statements form one
//! transaction is decided in `services/`, with the functions of `work.rs`. A file to imitate: `retry.rs`.

mod connection;
pub mod embedded;
mod metrics;
pub mod migrations;
mod pool;
pub(crate) mod programs;
pub mod retention;
mod retry;
mod watchdog;
mod work;
pub(crate) mod writable;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use moka::sync::Cache;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

pub use connection::Connection;
pub use migrations::MIGRATIONS;
pub use work::NoConnection;

use self::metrics::PoolMetrics;
use self::pool::Pool;
use crate::config::DatabaseConfig;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::StoreId;
use crate::telemetry::metrics::gauge;

/// An unused entry of `store_permits` is dropped after this time.
const STORE_IDLE: Duration = Duration::from_mins(5);

/// When the pool is closed, it waits this long for connections in use.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Time limit for a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// The connection pool and its watchdog. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Closed while PostgreSQL is unavailable. A new pool replaces it afterwards, because the old connections may be broken.
    pool: RwLock<Pool>,
    config: DatabaseConfig,
    /// The number of requests that PostgreSQL has answered. A new answer shows the watchdog that PostgreSQL works.
    answers: AtomicU64,
    /// Limits the concurrent transactions of each store. If an entry is dropped too early, a few more can run.
    store_permits: Cache<Option<StoreId>, Arc<Semaphore>>,
    metrics: PoolMetrics,
    /// Cancelled once the pool is closed for good.
    closed: CancellationToken,
}

/// A snapshot of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Whether PostgreSQL answers and accepts writes.
    pub is_open: bool,
    /// Connections, idle or in use.
    pub connections: usize,
    /// Connections not in use.
    pub idle: usize,
}

impl Database {
    /// Opens the pool and its first connection, so that a wrong address or a standby fails here. The other connections
    /// are opened in the background.
    ///
    /// # Errors
    /// If PostgreSQL cannot be reached, refuses the connection, or refuses writes.
    pub async fn connect(options: PgConnectOptions, config: &DatabaseConfig) -> sqlx::Result<Self> {
        let options = options
            .application_name("tableorder")
            // The statement of a cancelled request keeps running and must not hold its connection for long. The
            // transaction of an instance that lost its network must not hold its locks for long.
            .options([
                ("statement_timeout", format!("{}ms", config.statement_timeout.as_millis())),
                ("idle_in_transaction_session_timeout", format!("{}ms", config.statement_timeout.as_millis())),
            ]);
        let pool = Pool::open(options, config, CancellationToken::new());
        drop(pool.get(Instant::now() + config.acquire_timeout).await?);
        Ok(Self::of(pool, config))
    }

    fn of(pool: Pool, config: &DatabaseConfig) -> Self {
        Self(Arc::new(Inner {
            pool: RwLock::new(pool),
            config: config.clone(),
            answers: AtomicU64::new(0),
            store_permits: Cache::builder().time_to_idle(STORE_IDLE).build(),
            metrics: PoolMetrics::new(),
            closed: CancellationToken::new(),
        }))
    }

    /// Adds the pool's metrics to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.0.metrics.register(registry);
        registry.register_collector(Box::new(self.clone()));
    }

    /// The state of the pool at this moment.
    #[must_use]
    pub fn pool_state(&self) -> PoolState {
        let pool = self.pool();
        let (connections, idle) = pool.size();
        PoolState { is_open: !pool.is_closed(), connections, idle }
    }

    /// For tests that use no database: a pool that is never connected.
    #[cfg(test)]
    pub(crate) fn unconnected() -> Self {
        let config = crate::config::Config::read(|_| None).unwrap().database;
        Self::of(
            Pool::new_unmaintained(PgConnectOptions::new_without_pgpass(), &config, CancellationToken::new()),
            &config,
        )
    }

    /// The current pool.
    fn pool(&self) -> Pool {
        self.0.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks that PostgreSQL answers within a second, and accepts writes.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` if it does not.
    pub async fn check(&self) -> Result<()> {
        let check = self.read(|conn| async move { Ok(writable::check(conn).await?) }.scope_boxed());
        timeout(CHECK_TIMEOUT, check)
            .await
            .map_err(|elapsed| AppError::caused_by(ErrorCode::ServiceUnavailable, elapsed))?
    }

    /// Records that PostgreSQL answered a request.
    fn note_answer(&self) {
        self.0.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of requests that PostgreSQL has answered.
    fn answers(&self) -> u64 {
        self.0.answers.load(Ordering::Relaxed)
    }

    /// Closes every connection and waits at most ten seconds for those in use.
    pub async fn close(&self) {
        self.0.closed.cancel();
        self.pool().close(CLOSE_TIMEOUT).await;
    }
}

/// Replaces `PoolClosed` by a cause that an operator can understand.
fn pool_error(error: sqlx::Error) -> AppError {
    match error {
        sqlx::Error::PoolClosed => AppError::caused_by(
            ErrorCode::ServiceUnavailable,
            "PostgreSQL is unavailable or refuses writes, or the server is stopping",
        ),
        other => other.into(),
    }
}

impl Collector for Database {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let (to, pool) = (&mut encoder, self.pool_state());
        gauge(to, "database_up", "1 if PostgreSQL answers and accepts writes, else 0", u64::from(pool.is_open))?;
        gauge(to, "database_connections", "Connections of the pool, idle or in use", pool.connections)?;
        gauge(to, "database_connections_idle", "Connections of the pool that are not in use", pool.idle)?;
        gauge(
            to,
            "database_connections_limit",
            "The limit of connections (DATABASE_MAX_CONNECTIONS)",
            self.0.config.max_connections,
        )
    }
}
