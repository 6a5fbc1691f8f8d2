//! The watchdog: checks continuously, on a connection of its own, whether PostgreSQL answers and takes writes. A frozen
//! or unreachable PostgreSQL refuses nothing and never answers; without the watchdog each request would find out by its
//! own timeout.

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

/// The application name of the watchdog's connection, for operators.
const NAME: &str = "tableorder-watchdog";

/// The pause between two checks.
const INTERVAL: Duration = Duration::from_millis(300);

/// PostgreSQL is unavailable when it has answered neither the watchdog nor any request for `SLICES` times `SLICE`.
/// Together with `INTERVAL` this is well below the three seconds within which every request is answered, and far above
/// the time a busy PostgreSQL needs for a check. The time is counted in slices because this process may itself be
/// suspended or short of CPU time: such a pause then counts as one slice and not as silence of PostgreSQL.
const SLICE: Duration = Duration::from_millis(200);
const SLICES: u32 = 9;

/// Time limit for a new connection after one was lost, also well below three seconds.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Time limit for the first connection. It is longer because PostgreSQL is busiest at the start.
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

    /// PostgreSQL is unavailable. Returns whether it was available before.
    fn close_pool(&self, why: &str) -> bool {
        let pool = self.pool();
        if pool.is_closed() {
            return false;
        }
        tracing::error!(why, "PostgreSQL is away; requests that need it are refused until it is back");
        pool.close_now();
        true
    }

    /// PostgreSQL is available but closed a connection, perhaps all of them. New work gets connections of a new pool.
    /// Work in progress continues on the old ones; both pools share the token that ends it if PostgreSQL fails.
    fn replace_pool(&self) {
        let mut pool = self.0.pool.write().unwrap_or_else(PoisonError::into_inner);
        if !pool.is_closed() {
            let closed = pool.closed().clone();
            *pool = Pool::open(pool.options().clone(), &self.0.config, closed);
        }
    }

    /// PostgreSQL is available.
    fn reopen_pool(&self) {
        let mut pool = self.0.pool.write().unwrap_or_else(PoisonError::into_inner);
        if pool.is_closed() && !self.0.closed.is_cancelled() {
            *pool = Pool::open(pool.options().clone(), &self.0.config, CancellationToken::new());
            tracing::info!("PostgreSQL is back");
        }
    }
}

async fn check_repeatedly(database: &Database, options: &PgConnectOptions) {
    let first = timeout(FIRST_TIMEOUT, writable::connect(options)).await;
    let mut connection = first.ok().and_then(Result::ok);
    let mut only_reads = false;
    loop {
        // The watchdog's connection may lead to another node than new ones do.
        if database.pool().take_suspicion() {
            connection = None;
        }
        let was_connected = connection.is_some();
        match check(database, &mut connection, options).await {
            Ok(()) => {
                only_reads = false;
                database.reopen_pool();
            }
            Err(Outage::Lost(error)) if was_connected => {
                // Perhaps only this connection was closed or takes no writes, or a restart has already ended: connect
                // again to find out.
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
                let only_read = mem::replace(&mut only_reads, is_read_only(&error));
                if only_reads && !only_read && !was_available {
                    tracing::error!(why = %error, "PostgreSQL answers again, but requests are still refused");
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

/// Why PostgreSQL seems to be unavailable.
enum Outage {
    /// The connection was lost, could not be opened, or takes no writes.
    Lost(sqlx::Error),
    /// There was no answer.
    Silent,
}

/// Checks once whether PostgreSQL answers and takes writes.
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

/// Whether this error shows that PostgreSQL still serves open connections, although it refuses the watchdog (its
/// connection limit is reached, or its password was changed). SQLSTATE class 57: the server starts, stops or crashed.
/// One that takes no writes cannot be used.
fn is_available(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    state.is_some_and(|state| !state.starts_with("57")) && !is_read_only(error)
}
