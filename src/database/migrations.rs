//! The migrations, and how they are run beside servers that go on: one at a time however many instances start
//! together, never in the way of everybody else for long, and by an older program without complaint about what a
//! newer one added.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use super::writable;

/// Every migration, compiled in.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// What the connection that migrates is called, so that an operator can tell it from the others.
const NAME: &str = "tableorder-migrate";

/// The advisory lock that whoever migrates holds, for as long as its session lasts ("tablemig").
const LOCK: i64 = 0x7461_626c_656d_6967;

/// How often it is looked whether the lock is free. (Waiting for it inside PostgreSQL would keep a snapshot, for which
/// a `CREATE INDEX CONCURRENTLY` of whoever has the lock would wait in turn.)
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How long a migration may wait for a table: meanwhile everybody else who wants the table waits behind it.
const TABLE_TIMEOUT: &str = "2s";

/// How often a migration that did not get its table is tried, and the rest between, in which everybody else goes on.
const TRIES: u32 = 60;
const REST: Duration = Duration::from_secs(1);

/// Why the schema is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// PostgreSQL, or a migration, failed.
    #[error(transparent)]
    Failed(#[from] MigrateError),
    /// The database lacks migrations, and this is not the moment to run them.
    #[error(
        "the schema lacks {0} migration(s) of this version: run `tableorder migrate` first (MIGRATE_AT_START=false)"
    )]
    Missing(usize),
}

impl From<sqlx::Error> for MigrationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Brings the schema up to date with `migrations`. Whoever starts together takes turns. What the database has seen
/// beyond them, of a newer version, is no mistake: that one kept to the rules, so both can run.
///
/// `options` must lead to PostgreSQL itself: the lock, and the settings made here, belong to a session.
///
/// # Errors
/// When PostgreSQL cannot be reached, a migration fails or was changed after it was run, or a table could not be had
/// for minutes.
pub async fn migrate(migrations: &Migrator, options: &PgConnectOptions) -> Result<(), MigrationError> {
    let mut connection = connect(options).await?;
    if !pending(migrations, &mut connection).await?.is_empty() {
        writable::check(&mut connection).await?;
        lock(&mut connection).await?;
        connection.ensure_migrations_table(&migrations.table_name).await?;
        // Another may have run them meanwhile.
        for migration in pending(migrations, &mut connection).await? {
            run(migrations, migration, &mut connection).await?;
        }
    }
    // The lock goes with the session.
    Ok(connection.close().await?)
}

/// Checks that the database has seen every migration.
///
/// # Errors
/// [`MigrationError::Missing`] when it has not; when PostgreSQL cannot be reached, or a migration was changed after it
/// was run.
pub async fn check(migrations: &Migrator, options: &PgConnectOptions) -> Result<(), MigrationError> {
    let mut connection = connect(options).await?;
    let missing = pending(migrations, &mut connection).await?.len();
    connection.close().await?;
    if missing == 0 { Ok(()) } else { Err(MigrationError::Missing(missing)) }
}

async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    // Neither is a slow one worth a line: it would hold the whole file.
    let mut connection = options.clone().application_name(NAME).disable_statement_logging().connect().await?;
    // A migration takes as long as it takes.
    sqlx::query("SET statement_timeout = 0").execute(&mut connection).await?;
    Ok(connection)
}

/// The versions of the migrations that the database has, those of newer programs included.
///
/// # Errors
/// When PostgreSQL fails.
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

/// The migrations the database has not seen yet, oldest first.
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

async fn lock(connection: &mut PgConnection) -> sqlx::Result<()> {
    let mut waited = false;
    while !sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut *connection).await? {
        if !waited {
            tracing::info!("another instance is migrating the schema; waiting for it");
            waited = true;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Runs one migration, again for as long as somebody has its table.
async fn run(
    migrations: &Migrator,
    migration: &Migration,
    connection: &mut PgConnection,
) -> Result<(), MigrationError> {
    // A statement that is CONCURRENTLY beside others holds nobody up, and has to wait for who came before.
    let timeout = if migration.no_tx { "0" } else { TABLE_TIMEOUT };
    sqlx::query(AssertSqlSafe(format!("SET lock_timeout = '{timeout}'"))).execute(&mut *connection).await?;
    for _ in 1..TRIES {
        remove_half_built_index(migration, connection).await?;
        match connection.apply(&migrations.table_name, migration).await {
            Err(error) if is_in_the_way(&error) => {
                tracing::warn!(
                    version = migration.version,
                    "a migration waits for a table that is in use; trying again"
                );
                tokio::time::sleep(REST).await;
            }
            done => return done.map(|_| ()).map_err(Into::into),
        }
    }
    connection.apply(&migrations.table_name, migration).await?;
    Ok(())
}

/// An index whose concurrent building was interrupted is left behind, invalid and in the way of the next try. Nobody
/// else is building it: that takes the lock.
async fn remove_half_built_index(migration: &Migration, connection: &mut PgConnection) -> sqlx::Result<()> {
    let Some(index) = index_built_concurrently(migration.sql.as_str()) else { return Ok(()) };
    let half_built = "SELECT indexrelid::regclass::text FROM pg_index
                      WHERE indexrelid = to_regclass($1) AND NOT indisvalid";
    if let Some(index) =
        sqlx::query_scalar::<_, String>(half_built).bind(index).fetch_optional(&mut *connection).await?
    {
        // A distributed database may have got no further than some of its shards.
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

/// Whether a migration failed only because somebody had its table, or had to give way to somebody.
fn is_in_the_way(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else { return false };
    let state = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(state.as_deref(), Some("55P03" | "40P01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_index_that_is_built_concurrently_is_known() {
        let sql = "-- no-transaction\n-- An index for the kitchen.\nCREATE UNIQUE INDEX CONCURRENTLY orders_kitchen_idx\nON orders (store_id)";
        assert_eq!(index_built_concurrently("CREATE INDEX orders_kitchen_idx ON orders (store_id)"), None);
        assert_eq!(index_built_concurrently("CREATE INDEX CONCURRENTLY a ON b (c)"), Some("a"));
        assert_eq!(index_built_concurrently(sql), Some("orders_kitchen_idx"));
    }
}
