//! Runs the migrations while servers of the previous version keep running.
//!
//! If several instances start together, one migrates and the others wait. A migration that cannot lock its table soon
//! releases it and tries again, so that requests are not blocked for long. Migrations of a newer version are accepted.
//! `migrations/README.md` has the rules for new files.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use super::writable;

/// All migrations, compiled into the program.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The connection's name in `pg_stat_activity`.
const NAME: &str = "tableorder-migrate";

/// The advisory lock of the instance that migrates ("tablemig"). It is held until the connection closes.
const LOCK: i64 = 0x7461_626c_656d_6967;

/// The interval at which an instance polls the lock. It must not wait inside PostgreSQL: the wait would hold a snapshot,
/// and a `CREATE INDEX CONCURRENTLY` of the instance with the lock would wait for that snapshot (a deadlock).
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How long a migration waits for a table lock. Meanwhile all other statements on the table wait behind it.
const TABLE_LOCK_TIMEOUT: &str = "2s";

/// The number of attempts to get a table lock, and the pause between them, in which the other statements run.
const ATTEMPTS: u32 = 60;
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The reason why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// PostgreSQL, or a migration, failed.
    #[error(transparent)]
    Failed(#[from] MigrateError),
    /// The database lacks migrations, and `MIGRATE_AT_START=false`.
    #[error(
        "the schema lacks {0} migration(s) of this version; run `tableorder migrate` first (MIGRATE_AT_START=false)"
    )]
    Missing(usize),
}

impl From<sqlx::Error> for MigrationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs the pending `migrations`. Instances that start together run them one after the other. Further migrations in the
/// database, of a newer version, are accepted: by the rules for migrations both versions can run.
///
/// `options` must lead to PostgreSQL itself and not to a pooler: the lock and the settings belong to one connection.
///
/// # Errors
/// If PostgreSQL cannot be reached, a migration fails or was changed after it was run, or a table stays locked for
/// minutes.
pub async fn migrate(migrations: &Migrator, options: &PgConnectOptions) -> Result<(), MigrationError> {
    let mut connection = connect(options).await?;
    if !pending(migrations, &mut connection).await?.is_empty() {
        writable::check(&mut connection).await?;
        lock(&mut connection).await?;
        connection.ensure_migrations_table(&migrations.table_name).await?;
        // Another instance may have run them in the meantime.
        for migration in pending(migrations, &mut connection).await? {
            run(migrations, migration, &mut connection).await?;
        }
    }
    // Closing the connection releases the lock.
    Ok(connection.close().await?)
}

/// Checks that all migrations were run.
///
/// # Errors
/// [`MigrationError::Missing`] if some were not. Other errors if PostgreSQL cannot be reached, or a migration was changed
/// after it was run.
pub async fn check(migrations: &Migrator, options: &PgConnectOptions) -> Result<(), MigrationError> {
    let mut connection = connect(options).await?;
    let missing = pending(migrations, &mut connection).await?.len();
    connection.close().await?;
    if missing == 0 { Ok(()) } else { Err(MigrationError::Missing(missing)) }
}

async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    // Without logging of slow statements, because the log line would contain the whole migration file.
    let mut connection = options.clone().application_name(NAME).disable_statement_logging().connect().await?;
    // A migration may take any time.
    sqlx::query("SET statement_timeout = 0").execute(&mut connection).await?;
    Ok(connection)
}

/// The versions of all migrations that were run on the database, including those of newer programs.
pub async fn applied(migrations: &Migrator, connection: &mut PgConnection) -> Result<Vec<i64>, MigrationError> {
    Ok(list_applied(migrations, connection).await?.into_iter().map(|applied| applied.version).collect())
}

async fn list_applied(
    migrations: &Migrator,
    connection: &mut PgConnection,
) -> Result<Vec<AppliedMigration>, MigrateError> {
    let table = &migrations.table_name;
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(table.as_ref())
        .fetch_one(&mut *connection)
        .await?;
    if exists { connection.list_applied_migrations(table).await } else { Ok(Vec::new()) }
}

/// The migrations that were not run yet, oldest first.
async fn pending<'a>(
    migrations: &'a Migrator,
    connection: &mut PgConnection,
) -> Result<Vec<&'a Migration>, MigrateError> {
    let applied = list_applied(migrations, connection).await?;
    let applied: HashMap<_, _> = applied.into_iter().map(|seen| (seen.version, seen.checksum)).collect();
    let mut pending = Vec::new();
    for migration in migrations.iter() {
        match applied.get(&migration.version) {
            None => pending.push(migration),
            Some(checksum) if *checksum == migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version)),
        }
    }
    Ok(pending)
}

/// Waits until no other program migrates the database, and makes those that start wait until `connection` closes.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn lock(connection: &mut PgConnection) -> sqlx::Result<()> {
    let mut waited = false;
    while !sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut *connection).await? {
        if !waited {
            tracing::info!("another instance is migrating the schema; waiting for it");
            waited = true;
        }
        tokio::time::sleep(LOCK_POLL_INTERVAL).await;
    }
    Ok(())
}

/// Runs one migration, and retries it while its table is locked.
async fn run(
    migrations: &Migrator,
    migration: &Migration,
    connection: &mut PgConnection,
) -> Result<(), MigrationError> {
    // A CONCURRENTLY statement blocks no other statement, and must wait for all transactions that began before it.
    let timeout = if migration.no_tx { "0" } else { TABLE_LOCK_TIMEOUT };
    sqlx::query(AssertSqlSafe(format!("SET lock_timeout = '{timeout}'"))).execute(&mut *connection).await?;
    for _ in 1..ATTEMPTS {
        drop_invalid_index(migration, connection).await?;
        match connection.apply(&migrations.table_name, migration).await {
            Err(error) if is_lock_conflict(&error) => {
                tracing::warn!(
                    version = migration.version,
                    "a migration waits for a table that is in use; trying again"
                );
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            done => return done.map(|_| ()).map_err(Into::into),
        }
    }
    connection.apply(&migrations.table_name, migration).await?;
    Ok(())
}

/// Drops the invalid index that an interrupted `CREATE INDEX CONCURRENTLY` left, because it makes the next attempt fail. No
/// other instance is building it: this one holds the lock.
async fn drop_invalid_index(migration: &Migration, connection: &mut PgConnection) -> sqlx::Result<()> {
    let Some(index) = index_built_concurrently(migration.sql.as_str()) else { return Ok(()) };
    let find_invalid = "SELECT indexrelid::regclass::text FROM pg_index
                      WHERE indexrelid = to_regclass($1) AND NOT indisvalid";
    if let Some(index) =
        sqlx::query_scalar::<_, String>(find_invalid).bind(index).fetch_optional(&mut *connection).await?
    {
        // IF EXISTS: in a distributed database the index may exist on some shards only.
        let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {index}");
        sqlx::query(AssertSqlSafe(drop)).execute(connection).await?;
    }
    Ok(())
}

fn index_built_concurrently(sql: &str) -> Option<&str> {
    let code = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    let mut words = code.flat_map(str::split_whitespace).skip_while(|word| !word.eq_ignore_ascii_case("index"));
    words.next()?;
    words.next()?.eq_ignore_ascii_case("concurrently").then(|| words.next()).flatten()
}

/// Whether a migration failed because of a lock timeout or a deadlock, so that it can be tried again.
fn is_lock_conflict(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else { return false };
    let state = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(state.as_deref(), Some("55P03" | "40P01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_concurrently_built_index_is_found() {
        let sql = "-- no-transaction\n-- An index for the kitchen.\nCREATE UNIQUE INDEX CONCURRENTLY orders_kitchen_idx\nON orders (store_id)";
        assert_eq!(index_built_concurrently("CREATE INDEX orders_kitchen_idx ON orders (store_id)"), None);
        assert_eq!(index_built_concurrently("CREATE INDEX CONCURRENTLY a ON b (c)"), Some("a"));
        assert_eq!(index_built_concurrently(sql), Some("orders_kitchen_idx"));
    }
}
