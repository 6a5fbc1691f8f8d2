use std::path::Path;
use std::sync::Arc;

use chrono_tz::Tz;
use sqlx::error::DatabaseError;
use sqlx::migrate::{Migration, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tokio::sync::mpsc;

use super::archive::{MAX_ID, Rows, read, run_at_low_priority};
use super::exclusive::{lock_out_servers, refuse_while_connected};
use super::{BackupError, Manifest, Progress, Result, TABLES, TableRows, staging};
use crate::database::migrations::{self, MIGRATIONS};
use crate::repositories::backup::{self, Lock};
use crate::repositories::catalogue::{self, Table};
use crate::repositories::store;
use crate::security::password::is_too_costly;

/// The connection's name in `pg_stat_activity`.
const NAME: &str = "tableorder-restore";

/// The name of the connection that holds the lock. A restore is refused while a connection is named `tableorder…`.
const LOCK_NAME: &str = "lock-of-tableorder-restore";

/// The number of pieces that may wait for PostgreSQL.
const QUEUE: usize = 4;

/// The right to use the staging schema. One restore at a time has it, until its process ends.
#[derive(Debug)]
pub struct RestoreLock(PgConnection);

impl RestoreLock {
    /// Takes the lock. `options` must lead to PostgreSQL itself and not to a pooler.
    ///
    /// # Errors
    /// If another restore holds the lock, or PostgreSQL fails.
    pub async fn acquire(options: &PgConnectOptions) -> Result<Self> {
        let mut connection = connect_for_lock(options).await?;
        if !backup::try_lock(&mut connection, Lock::Restore).await? {
            return Err(BackupError::Refused("another restore into this database is running".to_owned()));
        }
        Ok(Self(connection))
    }

    /// Removes the rows that a failed or interrupted restore has loaded.
    ///
    /// # Errors
    /// If PostgreSQL fails. The next restore, or the next start of a server, then removes the rows.
    pub async fn discard_unfinished(mut self) -> Result<()> {
        staging::discard(&mut self.0).await?;
        Ok(self.0.close().await?)
    }
}

/// Opens the connection that takes the lock and may drop the staging schema. It does not wait long for table locks: the
/// connection of a killed restore may finish its last statement first.
async fn connect_for_lock(options: &PgConnectOptions) -> Result<PgConnection> {
    let mut connection = options.clone().application_name(LOCK_NAME).disable_statement_logging().connect().await?;
    connection.execute("SET lock_timeout = '5s'").await?;
    Ok(connection)
}

/// Removes the rows that a killed restore has loaded, which would fill the disk. Returns whether there were any. Does nothing
/// while a restore is running.
///
/// `options` must lead to PostgreSQL itself and not to a pooler.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn discard_killed_restore(options: &PgConnectOptions) -> Result<bool> {
    let mut connection = connect_for_lock(options).await?;
    let exists = staging::exists(&mut connection).await? && backup::try_lock(&mut connection, Lock::Restore).await?;
    if exists {
        staging::discard(&mut connection).await?;
    }
    connection.close().await?;
    Ok(exists)
}

/// A restore that only lacks its commit.
#[derive(Debug)]
pub struct PreparedRestore(PgConnection);

impl PreparedRestore {
    /// Commits the transaction that replaces the tables.
    ///
    /// # Errors
    /// If PostgreSQL fails. Then the tables may or may not be replaced, as after an interruption.
    pub async fn commit(&mut self) -> Result<()> {
        self.0.execute("COMMIT").await?;
        Ok(())
    }

    /// Collects the statistics that query plans need, after [`commit`](Self::commit). If this fails, PostgreSQL collects them
    /// later by itself.
    ///
    /// # Errors
    /// If PostgreSQL fails.
    pub async fn analyze(mut self) -> Result<()> {
        self.0.execute("ANALYZE").await?;
        // Nothing is left to do, so an error here does not matter.
        let _ = self.0.close().await;
        Ok(())
    }
}

/// Loads the archive `path` into the database, with a new epoch, and migrates the schema to this version. The existing
/// tables are replaced at the end, in one transaction, which the caller commits. Until then nothing changes.
///
/// `manifest` is what [`verify`](super::verify) returned for the archive. `options` must lead to PostgreSQL itself and not to
/// a pooler.
///
/// # Errors
/// If the archive has changed since, or this version cannot restore it; if the database has tables of another program, or has
/// stores and `overwrite` is false; if a server is connected; if PostgreSQL fails. Call
/// [`discard_unfinished`](RestoreLock::discard_unfinished) after an error.
pub async fn prepare_restore(
    _lock: &RestoreLock,
    options: &PgConnectOptions,
    path: &Path,
    manifest: &Manifest,
    overwrite: bool,
    progress: Arc<dyn Progress>,
) -> Result<PreparedRestore> {
    let until = migrations_of(manifest)?;
    let mut connection = options.clone().application_name(NAME).disable_statement_logging().connect().await?;
    let conn = &mut connection;
    conn.execute(
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '10s';
         SET client_min_messages = error; SET synchronous_commit = off; SET maintenance_work_mem = '128MB'",
    )
    .await?;
    let contents = catalogue::contents(conn).await?;
    check_replaceable(conn, contents, overwrite).await?;

    let staging_options = staging::options(options);
    staging::create(conn).await?;
    // The migrations also create a new epoch.
    migrations::migrate(&until, &staging_options).await?;
    let indexes = staging::drop_indexes(conn).await?;
    load(conn, path, manifest, Arc::clone(&progress)).await?;
    progress.step("indexes and constraints");
    staging::create_indexes(conn, indexes).await?;
    migrations::migrate(&MIGRATIONS, &staging_options).await?;
    check_values(conn).await?;

    // A server that starts on an empty database would otherwise create its tables until the commit.
    migrations::lock(conn).await?;
    conn.execute("BEGIN; SET LOCAL synchronous_commit = on").await?;
    // The database may have changed while the rows were loaded.
    let contents = catalogue::contents(conn).await?;
    if contents.is_ours {
        lock_out_servers(conn).await?;
    }
    check_replaceable(conn, contents, overwrite).await?;
    staging::replace_public(conn).await?;
    Ok(PreparedRestore(connection))
}

/// The migrations of the database that the archive was made from.
fn migrations_of(manifest: &Manifest) -> Result<Migrator> {
    if !MIGRATIONS.iter().any(|migration| migration.version == manifest.migration) {
        return Err(BackupError::Newer("the backup"));
    }
    let applied: Vec<Migration> =
        MIGRATIONS.iter().filter(|migration| migration.version <= manifest.migration).cloned().collect();
    Ok(Migrator { migrations: applied.into(), ..Migrator::DEFAULT })
}

async fn check_replaceable(conn: &mut PgConnection, contents: catalogue::Contents, overwrite: bool) -> Result<()> {
    let refused = |why: &str| Err(BackupError::Refused(why.to_owned()));
    if contents.is_any && !contents.is_ours {
        return refused("the database has tables of another program; restore into a separate database");
    }
    refuse_while_connected(conn).await?;
    if contents.is_ours && !overwrite && store::any(conn).await? {
        return refused("the database is not empty; --force replaces everything in it");
    }
    Ok(())
}

/// Copies the rows into the tables of the staging schema.
async fn load(conn: &mut PgConnection, path: &Path, manifest: &Manifest, progress: Arc<dyn Progress>) -> Result<()> {
    let tables = check_tables(conn, manifest).await?;
    let (sender, mut receiver) = mpsc::channel::<Rows>(QUEUE);
    let path = path.to_owned();
    let reading = tokio::spawn(run_at_low_priority(move || {
        read(&path, &*progress, |rows| {
            sender.blocking_send(rows).map_err(|_| BackupError::Refused("the restore was cancelled".to_owned()))
        })
    }));
    let mut next = receiver.recv().await;
    for (table, rows) in tables {
        copy_rows(conn, &table, rows, &mut next, &mut receiver).await?;
        if table.gives_ids {
            continue_ids(conn, &table, rows.last_id).await?;
        }
    }
    let unchanged = reading.await.map_err(|error| BackupError::Refused(error.to_string()))?? == *manifest;
    if unchanged { Ok(()) } else { Err(BackupError::damaged("the file changed while it was read")) }
}

/// The tables of the archive, with the columns in the archive's order. Fails unless tables and columns are exactly those
/// of the staging schema.
async fn check_tables<'a>(conn: &mut PgConnection, manifest: &'a Manifest) -> Result<Vec<(Table, &'a TableRows)>> {
    let existing = catalogue::tables(conn, staging::SCHEMA).await?;
    let expected = TABLES.iter().filter(|name| existing.iter().any(|table| table.name == **name));
    if !expected.copied().eq(manifest.tables.iter().map(|rows| rows.name.as_str())) {
        return Err(BackupError::damaged("its tables are not the tables of its version"));
    }
    let sorted = |columns: &[String]| {
        let mut columns = columns.to_vec();
        columns.sort_unstable();
        columns
    };
    let mut tables = Vec::new();
    for rows in &manifest.tables {
        let table = existing.iter().find(|table| table.name == rows.name);
        let table = table.filter(|table| sorted(&table.columns) == sorted(&rows.columns));
        let table = table.ok_or_else(|| BackupError::damaged(format!("the columns of {} are unknown", rows.name)))?;
        tables.push((Table { columns: rows.columns.clone(), ..table.clone() }, rows));
    }
    Ok(tables)
}

/// Copies the rows of one table. `next` is the first piece that was not copied yet.
async fn copy_rows(
    conn: &mut PgConnection,
    table: &Table,
    expected: &TableRows,
    next: &mut Option<Rows>,
    receiver: &mut mpsc::Receiver<Rows>,
) -> Result<()> {
    let unusable = |error: sqlx::Error| {
        let state = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default();
        // A value does not fit its type, or violates a constraint.
        if state.starts_with("22") || state.starts_with("23") {
            return BackupError::damaged(format!("the rows of {}: {error}", table.name));
        }
        error.into()
    };
    let statement = format!("COPY {}.{} FROM STDIN", staging::SCHEMA, table.copied());
    let mut copy = conn.copy_in_raw(&statement).await?;
    while let Some(rows) = next.take_if(|rows| rows.table == table.name) {
        copy.send(rows.text).await.map_err(unusable)?;
        *next = receiver.recv().await;
    }
    let copied = copy.finish().await.map_err(unusable)?;
    if copied == expected.rows {
        Ok(())
    } else {
        Err(BackupError::damaged(format!("rows of {} are missing", table.name)))
    }
}

/// Refuses values in the staging schema that PostgreSQL accepts, but with which a server would fail or abort.
async fn check_values(conn: &mut PgConnection) -> Result<()> {
    let time_zones = backup::time_zones(conn).await?;
    if let Some(unknown) = time_zones.iter().find(|name| name.parse::<Tz>().is_err()) {
        return Err(BackupError::damaged(format!("the time zone {unknown:?} of a store is unknown")));
    }
    if backup::password_hashes(conn).await?.iter().any(|hash| is_too_costly(hash)) {
        return Err(BackupError::damaged("the verification of a password would take too much memory or time"));
    }
    Ok(())
}

/// Sets the id sequence of the table, so that new ids are larger than the ids of its rows and than `last`, the last value
/// of the sequence at the time of the backup.
async fn continue_ids(conn: &mut PgConnection, table: &Table, last: Option<i64>) -> Result<()> {
    let largest = catalogue::largest_id(conn, staging::SCHEMA, &table.name).await?;
    let Some(last) = last.max(largest) else { return Ok(()) };
    if !(1..=MAX_ID).contains(&last) {
        return Err(BackupError::damaged(format!("the ids of {} cannot be continued", table.name)));
    }
    Ok(catalogue::set_last_id(conn, staging::SCHEMA, &table.name, last).await?)
}
