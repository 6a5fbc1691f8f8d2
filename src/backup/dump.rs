use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

use super::archive::{ArchiveWriter, PIECE, read, run_at_low_priority};
use super::error::within;
use super::target::Target;
use super::{BackupError, Manifest, NoProgress, Progress, Result, TABLES};
use crate::database::migrations::{self, MIGRATIONS};
use crate::repositories::catalogue::{self, Table};
use crate::repositories::event;

/// The connection's name in `pg_stat_activity`.
const NAME: &str = "tableorder-backup";

/// The pause of a backup with limited pace after each piece, which limits the rate to 2 MiB of rows per second.
const WRITE_PAUSE: Duration = Duration::from_millis(16);

/// The pause of a verification with limited pace after each piece, several times as long as reading the piece.
const READ_PAUSE: Duration = Duration::from_millis(3);

/// The speed of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as possible.
    Unlimited,
    /// With a pause after each piece, so that the backup hardly slows down requests.
    Limited,
}

/// Writes a snapshot of the database to `path`, while servers run, and verifies the file. Returns the manifest and the
/// length of the file in bytes. `timeout` limits each wait for PostgreSQL.
///
/// `options` must lead to PostgreSQL itself and not to a pooler, because a snapshot belongs to one connection.
///
/// # Errors
/// If the database is not a database of tableorder, or a newer version migrated it; if the file exists and `replace` is
/// false; if PostgreSQL or the file system fails, or PostgreSQL does not answer in time. After an error there is no file.
pub async fn create(
    options: &PgConnectOptions,
    path: &Path,
    replace: bool,
    pace: Pace,
    now: DateTime<Utc>,
    timeout: Duration,
    progress: Arc<dyn Progress>,
) -> Result<(Manifest, u64)> {
    let options = options.clone().application_name(NAME).disable_statement_logging();
    let mut connection = within(timeout, options.connect()).await?;
    if !within(timeout, catalogue::contents(&mut connection)).await?.is_ours {
        return Err(BackupError::Refused("the database has no tables of tableorder".to_owned()));
    }
    let target = Target::new(path, replace)?;
    // The text that `COPY` writes must not depend on the settings of a role or a server.
    within(
        timeout,
        connection.execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
             SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
             SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL TimeZone = 'UTC';
             SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1",
        ),
    )
    .await?;
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: now,
        epoch: within(timeout, event::epoch(&mut connection)).await?,
        migration: within(timeout, last_migration(&mut connection)).await?,
        tables: Vec::new(),
    };
    let writer = ArchiveWriter::start(target.handle()?, path);
    let manifest = copy_tables(&mut connection, writer, manifest, pace, timeout, &*progress).await?;
    // All rows are read, so an error here does not matter.
    let _ = within(timeout, connection.close()).await;

    progress.step("verifying");
    let written = read_again(target.temporary_path(), pace).await?;
    if written != manifest {
        return Err(BackupError::damaged("the file differs from the data that was written"));
    }
    Ok((manifest, target.complete()?))
}

/// The database's last migration. Refuses a database with a migration that this program does not have, because that
/// migration may have added a table.
async fn last_migration(conn: &mut PgConnection) -> Result<i64> {
    let applied = migrations::applied(&MIGRATIONS, conn).await?;
    let known = |version: &i64| MIGRATIONS.iter().any(|migration| migration.version == *version);
    if !applied.iter().all(known) {
        return Err(BackupError::Newer("the database"));
    }
    applied.into_iter().max().ok_or_else(|| BackupError::Refused("the database was not migrated".to_owned()))
}

/// The manifest of the file, after all of it was read and compared with it.
async fn read_again(path: &Path, pace: Pace) -> Result<Manifest> {
    let path = path.to_owned();
    run_at_low_priority(move || {
        read(&path, &NoProgress, |_| {
            if pace == Pace::Limited {
                thread::sleep(READ_PAUSE);
            }
            Ok(())
        })
    })
    .await
}

async fn copy_tables(
    conn: &mut PgConnection,
    mut writer: ArchiveWriter,
    manifest: Manifest,
    pace: Pace,
    timeout: Duration,
    progress: &dyn Progress,
) -> Result<Manifest> {
    let existing = within(timeout, catalogue::tables(conn, catalogue::PUBLIC)).await?;
    progress.begin(existing.iter().map(|table| table.size).sum());
    let mut position = 0;
    for name in TABLES {
        let Some(table) = existing.iter().find(|table| table.name == name) else { continue };
        progress.step(name);
        let last_id = if table.gives_ids {
            within(timeout, catalogue::last_id(conn, catalogue::PUBLIC, name)).await?
        } else {
            None
        };
        writer.table(name, table.columns.clone(), last_id).await?;
        copy_rows(conn, &mut writer, table, pace, timeout, |bytes| progress.at(position + bytes.min(table.size)))
            .await?;
        position += table.size;
        progress.at(position);
    }
    writer.finish(manifest).await
}

async fn copy_rows(
    conn: &mut PgConnection,
    writer: &mut ArchiveWriter,
    table: &Table,
    pace: Pace,
    timeout: Duration,
    at: impl Fn(u64),
) -> Result<()> {
    let copy = format!("COPY {}.{} TO STDOUT", catalogue::PUBLIC, table.copied());
    let mut rows = within(timeout, conn.copy_out_raw(&copy)).await?;
    let (mut piece, mut bytes) = (Vec::with_capacity(PIECE), 0);
    // Each message of the protocol is one row.
    while let Some(row) = within(timeout, rows.try_next()).await? {
        piece.extend_from_slice(&row);
        if piece.len() >= PIECE {
            bytes += piece.len() as u64;
            at(bytes);
            writer.rows(std::mem::replace(&mut piece, Vec::with_capacity(PIECE))).await?;
            if pace == Pace::Limited {
                tokio::time::sleep(WRITE_PAUSE).await;
            }
        }
    }
    if piece.is_empty() { Ok(()) } else { writer.rows(piece).await }
}
