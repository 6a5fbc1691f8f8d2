//! PostgreSQL: the pool, the migrations and, where none is given, a PostgreSQL of our own.

pub mod embedded;

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection as _, PgConnection, PgPool, Postgres};

use crate::config::DatabaseConfig;
use crate::error::{AppError, ErrorCode, Result};
use crate::telemetry::request::count_query;

/// Every migration, compiled in.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// A connection idle for longer is tried before it is handed out; a busy pool pays no round trip for that.
const TRUST_IDLE: Duration = Duration::from_secs(2);

/// Statements slower than this are worth a line in the log.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// How long PostgreSQL may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The pool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
}

impl Database {
    /// Opens the pool. The first connection is made at once, so a wrong address is told at start.
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
            .connect_with(options)
            .await?;
        Ok(Self { pool })
    }

    /// A pool that connects to nothing, for tests that ask it nothing.
    #[cfg(test)]
    pub(crate) fn unconnected() -> Self {
        Self { pool: PgPoolOptions::new().connect_lazy_with(PgConnectOptions::new_without_pgpass()) }
    }

    /// Brings the schema up to date. Instances that start together wait for one another.
    ///
    /// # Errors
    /// When a migration fails, or the database is ahead of this version in a way it cannot know.
    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        let mut connection = self.pool.acquire().await?.detach();
        // A migration takes as long as it takes.
        sqlx::query("SET statement_timeout = 0").execute(&mut connection).await?;
        MIGRATIONS.run(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// A connection for single statements.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when none is to be had in time.
    pub async fn acquire(&self) -> Result<Connection> {
        Ok(Connection(self.pool.acquire().await?))
    }

    /// A transaction. Services open and commit them, repositories only borrow the connection.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when no connection is to be had in time.
    pub async fn begin(&self) -> Result<Transaction> {
        Ok(Transaction(self.pool.begin().await?))
    }

    /// Whether PostgreSQL answers, within a second.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when it does not.
    pub async fn ping(&self) -> Result<()> {
        let ping = async { self.acquire().await?.conn().ping().await.map_err(AppError::from) };
        tokio::time::timeout(PING_TIMEOUT, ping)
            .await
            .map_err(|elapsed| AppError::caused_by(ErrorCode::ServiceUnavailable, elapsed))?
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A connection on loan from the pool.
pub struct Connection(sqlx::pool::PoolConnection<Postgres>);

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
