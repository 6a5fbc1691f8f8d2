//! The watchdog: looks whether PostgreSQL answers, on a connection of its own, so that no request has to find
//! out by waiting. A frozen PostgreSQL, or one behind a cut cable, refuses nothing: it only never answers.

use std::pin::pin;
use std::sync::PoisonError;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Database;
use super::pool::Pool;

/// What the watchdog's connection is called, so that an operator can tell it from the others.
const NAME: &str = "tableorder-watchdog";

/// How often it looks.
const INTERVAL: Duration = Duration::from_millis(300);

/// How long PostgreSQL may be silent: `SLICES` times this, in which it answers neither the watchdog nor anybody's
/// request. With the interval that is well below the three seconds in which every request is answered, and far
/// above what a busy PostgreSQL takes for an empty message. (Counted in slices, as a process that was itself
/// asleep or starved would otherwise take that for PostgreSQL's silence; this way it costs one slice.)
const SLICE: Duration = Duration::from_millis(200);
const SLICES: u32 = 9;

/// How long another connection may take where one was lost: well within the three seconds, too.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the first connection may take.
const FIRST_TIMEOUT: Duration = Duration::from_secs(5);

impl Database {
    /// Watches over PostgreSQL until the pool is closed for good: while it is away, the pool is closed, which
    /// refuses every request at once; when it is back, a new pool is opened.
    pub async fn watch(self) {
        let options = self.pool().options().clone().application_name(NAME);
        tokio::select! {
            () = self.0.closed.cancelled() => {}
            () = keep_looking(&self, &options) => {}
        }
    }

    /// PostgreSQL is away.
    fn shut(&self, why: &str) {
        let pool = self.pool();
        if pool.is_closed() {
            return;
        }
        tracing::error!(why, "PostgreSQL is away; requests that need it are refused until it is back");
        pool.shut();
    }

    /// PostgreSQL is there, though it dropped a connection, and maybe all: the next ones are new. Work under way goes on,
    /// and is given up with the new pool should PostgreSQL go away.
    fn renew(&self) {
        let mut pool = self.0.pool.write().unwrap_or_else(PoisonError::into_inner);
        if !pool.is_closed() {
            let closed = pool.closed().clone();
            *pool = Pool::open(pool.options().clone(), &self.0.config, closed);
        }
    }

    /// PostgreSQL is there.
    fn open(&self) {
        let mut pool = self.0.pool.write().unwrap_or_else(PoisonError::into_inner);
        if pool.is_closed() && !self.0.closed.is_cancelled() {
            *pool = Pool::open(pool.options().clone(), &self.0.config, CancellationToken::new());
            tracing::info!("PostgreSQL is back");
        }
    }
}

async fn keep_looking(database: &Database, options: &PgConnectOptions) {
    // The first one may take its time: PostgreSQL was there a moment ago, and is busiest at the start.
    let first = timeout(FIRST_TIMEOUT, options.connect()).await;
    let mut connection = first.ok().and_then(Result::ok);
    loop {
        let had_one = connection.is_some();
        match look(database, &mut connection, options).await {
            Ok(()) => database.open(),
            Err(Absence::Lost(why)) if had_one => {
                // It may be this one connection alone, or a restart that is over: the next one tells.
                connection = None;
                match timeout(RECONNECT_TIMEOUT, options.connect()).await {
                    Ok(Ok(next)) => {
                        connection = Some(next);
                        database.renew();
                    }
                    // Nobody else is let in. Whoever is in goes on.
                    Ok(Err(error)) if is_answer(&error) => {}
                    _ => database.shut(&why),
                }
                continue;
            }
            Err(Absence::Lost(why)) => {
                connection = None;
                database.shut(&why);
            }
            Err(Absence::Silent) => {
                connection = None;
                database.shut("it does not answer");
            }
        }
        sleep(INTERVAL).await;
    }
}

/// How PostgreSQL shows that it is not there.
enum Absence {
    /// The connection is lost, or none is to be had.
    Lost(String),
    /// It says nothing.
    Silent,
}

/// Whether PostgreSQL answers.
async fn look(
    database: &Database,
    connection: &mut Option<PgConnection>,
    options: &PgConnectOptions,
) -> Result<(), Absence> {
    let mut asked = pin!(ask(connection, options));
    let (mut silent, mut heard) = (0, database.answers());
    while silent < SLICES {
        match timeout(SLICE, asked.as_mut()).await {
            Ok(Err(error)) if !is_answer(&error) => return Err(Absence::Lost(error.to_string())),
            Ok(_) => return Ok(()),
            Err(_) if database.answers() == heard => silent += 1,
            Err(_) => (silent, heard) = (0, database.answers()),
        }
    }
    Err(Absence::Silent)
}

async fn ask(connection: &mut Option<PgConnection>, options: &PgConnectOptions) -> sqlx::Result<()> {
    if let Some(connection) = connection {
        return connection.ping().await;
    }
    *connection = Some(options.connect().await?);
    Ok(())
}

/// Whether PostgreSQL, though it does not let the watchdog in (it has no connection left to give, or another
/// password by now), is there for those who are in. Class 57 is a server that starts, stops or crashed.
fn is_answer(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    state.is_some_and(|state| !state.starts_with("57"))
}
