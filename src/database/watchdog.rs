//! The watchdog: checks continuously, on its own connection, whether PostgreSQL answers and accepts writes. A frozen or
//! unreachable PostgreSQL sends no error; without the watchdog each request would wait for its own timeout.

use std::mem;
use std::pin::pin;
use std::sync::PoisonError;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::pool::Pool;
use super::{Database, writable};
use crate::error::is_read_only;

/// The connection's name in `pg_stat_activity`.
const NAME: &str = "tableorder-watchdog";

/// The pause between two checks.
const INTERVAL: Duration = Duration::from_millis(300);

/// PostgreSQL is unavailable when it has answered neither the watchdog nor any request for `SLICES` times `SLICE`.
/// Together with `INTERVAL` this is well below the three seconds within which every request is answered, and far above
/// the time that a busy PostgreSQL needs for a check. The time is counted in slices because this process itself may be
/// suspended or short of CPU time: such a pause counts as one slice only.
const SLICE: Duration = Duration::from_millis(200);
const SLICES: u32 = 9;

/// Time limit for a new connection after one was lost, also well below three seconds.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Time limit for the first connection. It is longer, because PostgreSQL is busiest at the start.
const FIRST_TIMEOUT: Duration = Duration::from_secs(5);

impl Database {
    /// Watches PostgreSQL until the database is closed. While PostgreSQL is unavailable, the pool is closed, so that
    /// every request is refused at once. When it is available again, a new pool is opened.
    pub async fn watch(self) {
        let options = self.pool().options().clone().application_name(NAME).disable_statement_logging();
        tokio::select! {
            () = self.0.closed.cancelled() => {}
            () = check_repeatedly(&self, &options) => {}
        }
    }

    /// Closes the pool, because PostgreSQL is unavailable. Returns whether it was available before.
    fn close_pool(&self, why: &str) -> bool {
        let pool = self.pool();
        if pool.is_closed() {
            return false;
        }
        tracing::error!(
            why,
            "PostgreSQL is unavailable; requests that need it are refused until it is available again"
        );
        pool.close_now();
        true
    }

    /// Replaces the pool, because PostgreSQL is available but closed at least one connection. New work uses the new pool.
    /// Work in progress continues on the old one; both pools share the token that ends their work if PostgreSQL fails.
    fn replace_pool(&self) {
        let mut pool = self.0.pool.write().unwrap_or_else(PoisonError::into_inner);
        if !pool.is_closed() {
            let closed = pool.closed().clone();
            *pool = Pool::open(pool.options().clone(), &self.0.config, closed);
        }
    }

    /// Opens a new pool if the old one is closed, because PostgreSQL is available.
    fn reopen_pool(&self) {
        let mut pool = self.0.pool.write().unwrap_or_else(PoisonError::into_inner);
        if pool.is_closed() && !self.0.closed.is_cancelled() {
            *pool = Pool::open(pool.options().clone(), &self.0.config, CancellationToken::new());
            tracing::info!("PostgreSQL is available again");
        }
    }
}

async fn check_repeatedly(database: &Database, options: &PgConnectOptions) {
    let first = timeout(FIRST_TIMEOUT, writable::connect(options)).await;
    let mut connection = first.ok().and_then(Result::ok);
    let mut read_only = false;
    loop {
        // A new connection may lead to another node than the watchdog's.
        if database.pool().take_connection_lost() {
            connection = None;
        }
        let was_connected = connection.is_some();
        match check(database, &mut connection, options).await {
            Ok(()) => {
                read_only = false;
                database.reopen_pool();
            }
            Err(Outage::Lost(error)) if was_connected => {
                // Perhaps only this connection was closed or refuses writes, or PostgreSQL has already restarted: connect
                // again to check.
                connection = None;
                match timeout(RECONNECT_TIMEOUT, writable::connect(options)).await {
                    Ok(Ok(next)) => {
                        connection = Some(next);
                        database.replace_pool();
                    }
                    // The next check finds the reason.
                    Ok(Err(_)) => {}
                    Err(_) => {
                        database.close_pool(&error.to_string());
                    }
                }
                continue;
            }
            Err(Outage::Lost(error)) => {
                connection = None;
                let was_available = database.close_pool(&error.to_string());
                let was_read_only = mem::replace(&mut read_only, is_read_only(&error));
                if read_only && !was_read_only && !was_available {
                    tracing::error!(why = %error, "PostgreSQL answers again but refuses writes; requests are still refused");
                }
            }
            Err(Outage::Silent) => {
                connection = None;
                database.close_pool("it does not answer");
            }
        }
        sleep(INTERVAL).await;
    }
}

/// The reason why PostgreSQL seems to be unavailable.
enum Outage {
    /// The connection was lost, could not be opened, or refuses writes.
    Lost(sqlx::Error),
    /// There was no answer.
    Silent,
}

/// Checks once whether PostgreSQL answers and accepts writes.
async fn check(
    database: &Database,
    connection: &mut Option<PgConnection>,
    options: &PgConnectOptions,
) -> Result<(), Outage> {
    let mut answer = pin!(check_or_connect(connection, options));
    let (mut silent, mut answers) = (0, database.answers());
    while silent < SLICES {
        match timeout(SLICE, answer.as_mut()).await {
            Ok(Err(error)) if !is_available(&error) => return Err(Outage::Lost(error)),
            Ok(_) => return Ok(()),
            Err(_) if database.answers() == answers => silent += 1,
            Err(_) => (silent, answers) = (0, database.answers()),
        }
    }
    Err(Outage::Silent)
}

async fn check_or_connect(connection: &mut Option<PgConnection>, options: &PgConnectOptions) -> sqlx::Result<()> {
    if let Some(connection) = connection {
        return writable::check(connection).await;
    }
    *connection = Some(writable::connect(options).await?);
    Ok(())
}

/// Whether PostgreSQL still serves open connections, although it refuses the watchdog with this error (the connection limit
/// is reached, or the password was changed). SQLSTATE class 57 means that the server starts, stops or crashed. A read-only
/// server cannot be used.
fn is_available(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    state.is_some_and(|state| !state.starts_with("57")) && !is_read_only(error)
}
