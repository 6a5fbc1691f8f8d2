//! The connections to PostgreSQL.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::app_env::AppEnv;
use super::reader::Reader;
use super::secret::Secret;

/// The interval at which the pool is checked for missing and expired connections.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(30);

/// The database's settings.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`; without it the server runs its own PostgreSQL under the data directory.
    pub url: Option<Secret>,
    /// `DATABASE_LISTENER_URL`: the direct address of the same database if `DATABASE_URL` is a transaction pooler. It is used
    /// for work that needs its own connection: the listener, migrations, backups.
    pub listener_url: Option<Secret>,
    /// Whether a server or command migrates the schema when it starts. If not, it refuses to start on an old schema.
    pub migrate_at_start: bool,
    /// The largest number of connections in the pool.
    pub max_connections: u32,
    /// The pool opens this many connections in advance, and closes idle ones only above this number.
    pub min_connections: u32,
    /// Time limit for the wait for a connection.
    pub acquire_timeout: Duration,
    /// An idle connection older than this is replaced.
    pub max_lifetime: Duration,
    /// The interval at which the pool opens missing connections and replaces expired ones. Not a setting; tests shorten it.
    pub maintenance_interval: Duration,
    /// Time limit for a statement, including its waits for locks.
    pub statement_timeout: Duration,
}

impl DatabaseConfig {
    pub(super) fn read(reader: &mut Reader<'_>, env: AppEnv) -> Self {
        let url = postgres_url(reader, "DATABASE_URL");
        if url.is_none() && env == AppEnv::Production {
            reader.mistake("DATABASE_URL", "", "is required in production");
        }
        let listener_url = postgres_url(reader, "DATABASE_LISTENER_URL");
        if url.is_none() && listener_url.is_some() {
            reader.mistake(
                "DATABASE_LISTENER_URL",
                "(hidden)",
                "requires DATABASE_URL, because it is the direct address of the same database",
            );
        }
        let max_connections = reader.number("DATABASE_MAX_CONNECTIONS", 20, 2, 10_000);
        let min_connections = reader.number("DATABASE_MIN_CONNECTIONS", 10.min(max_connections), 0, 10_000);
        if min_connections > max_connections {
            reader.mistake(
                "DATABASE_MIN_CONNECTIONS",
                min_connections.to_string(),
                format!("must not be above DATABASE_MAX_CONNECTIONS={max_connections}"),
            );
        }
        Self {
            url,
            listener_url,
            migrate_at_start: reader.boolean("MIGRATE_AT_START", true),
            max_connections,
            min_connections,
            acquire_timeout: reader.seconds("DATABASE_ACQUIRE_TIMEOUT_SECONDS", 2, 60),
            max_lifetime: reader.seconds("DATABASE_MAX_LIFETIME_SECONDS", 3600, 7 * 86_400),
            maintenance_interval: MAINTENANCE_INTERVAL,
            statement_timeout: reader.seconds("DATABASE_STATEMENT_TIMEOUT_SECONDS", 10, 3600),
        }
    }
}

fn postgres_url(reader: &mut Reader<'_>, name: &'static str) -> Option<Secret> {
    let url = reader.get(name)?;
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        reader.mistake(name, "(hidden)", "must look like postgres://user:password@host:5432/database");
    } else if url.parse::<PgConnectOptions>().is_err() {
        // The parser's own message may contain the password.
        reader.mistake(
            name,
            "(hidden)",
            "is not a valid address; in a password write / ? # @ : % as %2F %3F %23 %40 %3A %25",
        );
    }
    Some(Secret::new(url))
}
