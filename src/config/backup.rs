//! The nightly backup.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveTime;

use super::reader::Reader;

/// How often the server looks whether a backup is due.
const CHECK_INTERVAL: Duration = Duration::from_mins(1);

/// The nightly backup's settings.
#[derive(Debug, Clone)]
pub struct BackupConfig {
    /// `BACKUP_DIRECTORY`: where the files are; `None` makes no backups.
    pub directory: Option<PathBuf>,
    /// The time of day, in the time zone of the first store.
    pub at: NaiveTime,
    /// How many files are kept.
    pub kept: usize,
    /// How often the server looks whether a backup is due. Not a setting; tests shorten it.
    pub check_interval: Duration,
}

impl BackupConfig {
    /// `embedded_in` is the data directory of a server with an embedded database: it has backups unless they are turned off.
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
        }
    }
}
