//! The nightly backup.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveTime;

use super::reader::Reader;

/// The interval at which the server checks whether a backup is due.
const CHECK_INTERVAL: Duration = Duration::from_mins(1);

/// A backup fails if PostgreSQL sends nothing for this long, because the connection may be dead. A statement may wait for a
/// lock, for example of a migration.
pub const NO_ANSWER_TIMEOUT: Duration = Duration::from_mins(5);

/// The time between a failure and the next attempt.
const RETRY_INTERVAL: Duration = Duration::from_mins(10);

/// The nightly backup's settings.
#[derive(Debug, Clone)]
pub struct BackupConfig {
    /// `BACKUP_DIRECTORY`: the directory of the files; `None` disables backups.
    pub directory: Option<PathBuf>,
    /// The time of day, in the time zone of the first store.
    pub at: NaiveTime,
    /// The number of files that are kept.
    pub kept: usize,
    /// The interval at which the server checks whether a backup is due. Not a setting; tests shorten it.
    pub check_interval: Duration,
    /// The time between a failure and the next attempt. Not a setting; tests shorten it.
    pub retry_interval: Duration,
    /// A backup fails if PostgreSQL sends nothing for this long. Not a setting; tests shorten it.
    pub no_answer_timeout: Duration,
}

impl BackupConfig {
    /// `embedded_in` is the data directory of a server with an embedded database, for which backups are on by default.
    pub(super) fn read(reader: &mut Reader<'_>, embedded_in: Option<&Path>) -> Self {
        let directory = match reader.get("BACKUP_DIRECTORY") {
            Some(word) if word == "off" => None,
            Some(directory) => Some(directory.into()),
            None => embedded_in.map(|data| data.join("backups")),
        };
        Self {
            directory,
            at: reader.time_of_day("BACKUP_AT", "04:30"),
            kept: reader.number("BACKUPS_KEPT", 14, 1, 10_000),
            check_interval: CHECK_INTERVAL,
            retry_interval: RETRY_INTERVAL,
            no_answer_timeout: NO_ANSWER_TIMEOUT,
        }
    }
}
