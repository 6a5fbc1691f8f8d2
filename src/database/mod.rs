//! PostgreSQL: the pool, the migrations, what happens when it goes away, and, where none is given, a PostgreSQL
//! of our own.

mod counts;
pub mod embedded;
pub mod migrations;
pub(crate) mod programs;
mod retry;
mod watchdog;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::registry::Registry;
use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection as _, PgConnection, PgPool, Postgres};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

pub use migrations::MIGRATIONS;
pub use retry::retrying;

use self::counts::PoolCounts;
use crate::config::DatabaseConfig;
use crate::error::{AppError, ErrorCode, Result};
use crate::telemetry::request::count_query;

/// A connection idle for longer is tried before it is handed out; a busy pool pays no round trip for that.
const TRUST_IDLE: Duration = Duration::from_secs(2);

/// Statements slower than this are worth a line in the log.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// How often a connection is asked for again where PostgreSQL lets nobody in.
const LOCKED_OUT_PAUSE: Duration = Duration::from_millis(50);

/// How long PostgreSQL may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The pool, and whether PostgreSQL is there at all. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Closed while PostgreSQL is away. What was connected before is never trusted again: once it is back, a new
    /// pool takes the place of this one.
    pool: RwLock<PgPool>,
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
    pub connections: u32,
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
        let pool = PgPoolOptions::new()
            .max_connections(config.max_connections)
            .min_connections(config.min_connections)
            .acquire_timeout(config.acquire_timeout)
            .max_lifetime(config.max_lifetime)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > TRUST_IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        match pool.acquire().await {
            // The pool does not say what it tried in vain.
            Err(timed_out @ sqlx::Error::PoolTimedOut) => {
                let once_more = timeout(PING_TIMEOUT, pool.connect_options().connect()).await;
                once_more.unwrap_or(Err(timed_out))?.close().await?;
            }
            taken => drop(taken?),
        }
        Ok(Self::of(pool))
    }

    fn of(pool: PgPool) -> Self {
        Self(Arc::new(Inner {
            pool: RwLock::new(pool),
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
        PoolState { is_open: !pool.is_closed(), connections: pool.size(), idle: pool.num_idle() }
    }

    /// A pool that connects to nothing, for tests that ask it nothing.
    #[cfg(test)]
    pub(crate) fn unconnected() -> Self {
        Self::of(PgPoolOptions::new().connect_lazy_with(PgConnectOptions::new_without_pgpass()))
    }

    /// The pool of this moment.
    fn pool(&self) -> PgPool {
        self.0.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection for single statements.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when none is to be had in time; at once while PostgreSQL is away.
    pub async fn acquire(&self) -> Result<Connection> {
        Ok(Connection(self.take().await?))
    }

    /// A transaction. Services open and commit them, repositories only borrow the connection.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when no connection is to be had in time; at once while PostgreSQL is away.
    pub async fn begin(&self) -> Result<Transaction> {
        let connection = self.take().await?;
        // In a task of its own, which ends even if the request is given up: sqlx does not roll back a BEGIN that
        // was given up half-way, and the connection's next user would write into a transaction nobody commits
        // (sqlx issue 4393).
        let begun = tokio::spawn(sqlx::Transaction::begin(connection, None)).await.map_err(AppError::internal)??;
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Ok(Transaction(begun))
    }

    async fn take(&self) -> Result<PoolConnection<Postgres>> {
        let (pool, started) = (self.pool(), Instant::now());
        let patience = pool.options().get_acquire_timeout();
        // Boxed, as it is large: it could be that a connection must be opened first.
        let taken = match Box::pin(pool.acquire()).await {
            Err(error) if is_locked_out(&error) => {
                let left = patience.saturating_sub(started.elapsed());
                Box::pin(timeout(left, take_one_that_is_open(&pool))).await.unwrap_or(Err(error))
            }
            taken => taken,
        };
        let in_vain = |error| matches!(error, &sqlx::Error::PoolTimedOut) || is_locked_out(error);
        self.0.counts.waited(started.elapsed(), taken.as_ref().is_err_and(in_vain));
        taken.map_err(refused)
    }

    /// Whether PostgreSQL answers, within a second.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when it does not.
    pub async fn ping(&self) -> Result<()> {
        let ping = async { self.acquire().await?.conn().ping().await.map_err(AppError::from) };
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
        let work = pin!(work);
        let pool = self.pool();
        if pool.is_closed() {
            // Not everything needs the database, and what does is refused when it asks for a connection.
            return Ok(work.await);
        }
        pool.close_event().do_until(work).await.map_err(refused)
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.0.closed.cancel();
        self.pool().close().await;
    }
}

/// A connection, while PostgreSQL lets nobody in: its password was changed a moment ago. Those who are in go on, and one
/// of their connections will do.
async fn take_one_that_is_open(pool: &PgPool) -> sqlx::Result<PoolConnection<Postgres>> {
    loop {
        sleep(LOCKED_OUT_PAUSE).await;
        match pool.acquire().await {
            Err(error) if is_locked_out(&error) => {}
            taken => return taken,
        }
    }
}

/// Whether PostgreSQL is there and does not let this user in.
fn is_locked_out(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(DatabaseError::code);
    state.is_some_and(|state| state.starts_with("28"))
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

/// A connection on loan from the pool.
pub struct Connection(PoolConnection<Postgres>);

impl Connection {
    /// The connection, for one statement of a repository; each call counts as one in the request's log line.
    pub fn conn(&mut self) -> &mut PgConnection {
        count_query();
        &mut self.0
    }
}

/// A transaction; dropped without [`commit`](Self::commit), it is rolled back.
pub struct Transaction(sqlx::Transaction<'static, Postgres>);

impl Transaction {
    /// The connection, for one statement of a repository; each call counts as one in the request's log line.
    pub fn conn(&mut self) -> &mut PgConnection {
        count_query();
        &mut self.0
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// When PostgreSQL did not confirm: the writes may or may not have happened.
    pub async fn commit(self) -> Result<()> {
        Ok(self.0.commit().await?)
    }
}
