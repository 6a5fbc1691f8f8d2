use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::error::within;
use super::{BackupError, NoProgress, Pace, Result, create};
use crate::clock::Clock;
use crate::config::BackupConfig;
use crate::database::Database;
use crate::models::BusinessCalendar;
use crate::repositories::backup::{self, LastBackup, Lock};
use crate::repositories::store;
use crate::telemetry::metrics::{counter, gauge};

/// The name in `pg_stat_activity` of the connection that holds the lock.
const NAME: &str = "tableorder-nightly-backup";

/// The last backup is overdue if it is older than this.
const OVERDUE_AFTER: TimeDelta = TimeDelta::days(2);

/// A backup that was recorded this much later than now was recorded with a wrong clock.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// The names of the files: `tableorder-20261129-043012.backup`, with the time at which the backup was started, in UTC.
const NAME_FORMAT: &str = "tableorder-%Y%m%d-%H%M%S.backup";

/// Makes a backup every night. If several instances share one database, one of them makes it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct NightlyBackup(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: BackupConfig,
    database: Database,
    clock: Clock,
    /// The state at the last query.
    seen: Mutex<Seen>,
    failures: AtomicU64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    last: Option<LastBackup>,
    /// The time at which the first store was added. Before, there was nothing to back up.
    since: Option<DateTime<Utc>>,
}

impl NightlyBackup {
    /// Makes backups of `database`.
    #[must_use]
    pub fn new(database: Database, config: BackupConfig, clock: Clock) -> Self {
        Self(Arc::new(Inner { config, database, clock, seen: Mutex::default(), failures: AtomicU64::new(0) }))
    }

    /// Adds the metrics to `registry`, if backups are enabled.
    pub fn register(&self, registry: &mut Registry) {
        if self.0.config.directory.is_some() {
            registry.register_collector(Box::new(self.clone()));
        }
    }

    /// Whether backups are enabled and the last one is older than two days.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        let Seen { last, since } = self.seen();
        let now = self.0.clock.now();
        let newest = last.filter(|last| is_plausible(last, now)).map(|last| last.finished_at).max(since);
        self.0.config.directory.is_some() && newest.is_some_and(|newest| now - newest > OVERDUE_AFTER)
    }

    /// Makes a backup whenever one is due; never returns. `options` must lead to PostgreSQL itself and not to a pooler.
    pub async fn run(&self, options: PgConnectOptions) {
        let Some(directory) = &self.0.config.directory else { return std::future::pending().await };
        let mut pause = self.0.config.check_interval;
        loop {
            tokio::time::sleep(pause).await;
            pause = self.0.config.check_interval;
            // The pause does not depend on the clock, which may be set back meanwhile.
            if let Err(error) = self.create_if_due(&options, directory, self.0.clock.now()).await {
                self.0.failures.fetch_add(1, Ordering::Relaxed);
                pause = self.0.config.retry_interval;
                let cause = std::error::Error::source(&error);
                tracing::error!(%error, cause, "the nightly backup failed; trying again in ten minutes");
            }
        }
    }

    async fn create_if_due(&self, options: &PgConnectOptions, directory: &Path, now: DateTime<Utc>) -> Result<()> {
        let Some(due_at) = self.due(now).await? else { return Ok(()) };
        // PostgreSQL releases the lock when this connection ends, also if the process is killed.
        let options_of_lock = options.clone().application_name(NAME).disable_statement_logging();
        let timeout = self.0.config.no_answer_timeout;
        let mut lock = within(timeout, options_of_lock.connect()).await?;
        // Another instance may have made the backup in the meantime.
        if within(timeout, backup::try_lock(&mut lock, Lock::NightlyBackup)).await?
            && self.due(now).await? == Some(due_at)
        {
            self.create(options, directory, due_at).await?;
        }
        // All work is done, so an error here does not matter.
        let _ = within(timeout, lock.close()).await;
        Ok(())
    }

    /// The due time of the backup that is missing at `now`; `None` if no backup is missing.
    async fn due(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        let (first, last) = self
            .0
            .database
            .read(|conn| async move { Ok((store::first(conn).await?, backup::last(conn).await?)) }.scope_boxed())
            .await?;
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Seen { last, since: first.map(|(_, added)| added) };
        let Some((time_zone, since)) = first else { return Ok(None) };
        let calendar = BusinessCalendar { time_zone, day_starts_at: self.0.config.at };
        let due_at = calendar.start_of(calendar.day_of(now)).map(|due| due.to_utc());
        Ok(due_at.filter(|due| since < *due && last.is_none_or(|last| last.due_at < *due || !is_plausible(&last, now))))
    }

    async fn create(&self, options: &PgConnectOptions, directory: &Path, due_at: DateTime<Utc>) -> Result<()> {
        let started = self.0.clock.now();
        create_directory(directory)?;
        delete_unfinished(directory)?;
        let path = directory.join(started.format(NAME_FORMAT).to_string());
        let timeout = self.0.config.no_answer_timeout;
        // Never replace a file: after a restore this night's backup is due again, and the file may have newer data.
        let (manifest, bytes) =
            create(options, &path, false, Pace::Limited, started, timeout, Arc::new(NoProgress)).await?;
        let finished_at = self.0.clock.now();
        let last = LastBackup { due_at, finished_at, bytes: i64::try_from(bytes).unwrap_or(i64::MAX) };
        self.0.database.write(|conn| backup::set_last(conn, last).scope_boxed()).await?;
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).last = Some(last);
        tracing::info!(
            file = %path.display(),
            bytes,
            stores = manifest.rows_of("stores"),
            orders = manifest.rows_of("orders"),
            seconds = (finished_at - started).num_seconds(),
            "nightly backup completed"
        );
        // The backup is complete and recorded, so this is not its failure.
        if let Err(error) = delete_old(directory, self.0.config.kept, &path) {
            tracing::warn!(%error, "old nightly backups could not be deleted");
        }
        Ok(())
    }

    fn seen(&self) -> Seen {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates the directory with access for its owner only, because the files contain password hashes.
fn create_directory(directory: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    created.map_err(BackupError::file(directory))
}

/// Deletes all backups except `newest` and the newest others, `kept` in total. Files with other names are not touched.
fn delete_old(directory: &Path, kept: usize, newest: &Path) -> Result<()> {
    let mut others = files(directory, is_backup)?;
    // A file made with a wrong clock may have a later name than the one that was just made.
    others.retain(|file| file != newest);
    // The names sort by time.
    others.sort_unstable();
    delete(others.iter().take((others.len() + 1).saturating_sub(kept)))
}

/// Whether the clock was right when this backup was recorded, as far as can be seen at `now`.
fn is_plausible(last: &LastBackup, now: DateTime<Utc>) -> bool {
    last.due_at.max(last.finished_at) <= now + CLOCK_TOLERANCE
}

/// Deletes the temporary files of a server that was killed during a backup. No other instance is writing one now, because
/// this one holds the lock.
fn delete_unfinished(directory: &Path) -> Result<()> {
    let is_unfinished = |name: &str| {
        let written = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part"));
        written.and_then(|name| name.rsplit_once('.')).is_some_and(|(name, _)| is_backup(name))
    };
    delete(files(directory, is_unfinished)?.iter())
}

fn is_backup(name: &str) -> bool {
    NaiveDateTime::parse_from_str(name, NAME_FORMAT).is_ok()
}

/// The files in `directory` whose names satisfy `is_ours`.
fn files(directory: &Path, is_ours: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).map_err(BackupError::file(directory))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths.filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(&is_ours)).collect())
}

fn delete<'a>(mut files: impl Iterator<Item = &'a PathBuf>) -> Result<()> {
    files.try_for_each(|file| fs::remove_file(file).map_err(BackupError::file(file)))
}

impl Collector for NightlyBackup {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let to = &mut encoder;
        let (finished, bytes) = self.seen().last.map_or((0, 0), |last| (last.finished_at.timestamp(), last.bytes));
        gauge(
            to,
            "backup_last_success_timestamp_seconds",
            "Time at which the last nightly backup was completed, in seconds since 1970; 0 if there was no backup",
            finished,
        )?;
        gauge(to, "backup_last_bytes", "Size of the last nightly backup's file", bytes)?;
        gauge(
            to,
            "backup_overdue",
            "1 if there was no nightly backup for two days, else 0",
            i64::from(self.is_overdue()),
        )?;
        let failures = self.0.failures.load(Ordering::Relaxed);
        counter(to, "backup_failures", "Nightly backups of this instance that failed", failures)
    }
}
