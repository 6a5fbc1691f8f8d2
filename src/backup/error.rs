use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::database::migrations::MigrationError;
use crate::error::AppError;

/// The reason why a backup or a restore failed. The messages are for operators.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// The file exists, and `--force` was not given.
    #[error("{} exists; --force replaces it", .0.display())]
    Exists(PathBuf),
    /// The file is not an archive.
    #[error("{} is not a backup of tableorder", .0.display())]
    NotABackup(PathBuf),
    /// The file was written by `pg_dump` for version 0.1.0.
    #[error(
        "{} was made by tableorder 0.1.0: restore it with that release, then start this one, which migrates the database",
        .0.display()
    )]
    OldFormat(PathBuf),
    /// The file, or the database, comes from a later version of this program.
    #[error("{0} is of a newer tableorder than this one ({version}); update first", version = env!("CARGO_PKG_VERSION"))]
    Newer(&'static str),
    /// The archive is incomplete, was changed, or contradicts itself.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// The database must not be replaced, or has nothing to back up.
    #[error("{0}")]
    Refused(String),
    /// PostgreSQL sent nothing for this time.
    #[error("PostgreSQL did not answer for {} s", .0.as_secs())]
    NoAnswer(Duration),
    /// The schema could not be created.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// PostgreSQL refused a statement.
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    /// A repository's statement failed.
    #[error(transparent)]
    Repository(#[from] AppError),
}

/// Awaits `work` for at most `limit`.
pub(super) async fn within<T, E>(limit: Duration, work: impl Future<Output = Result<T, E>>) -> Result<T, BackupError>
where
    BackupError: From<E>,
{
    Ok(tokio::time::timeout(limit, work).await.map_err(|_| BackupError::NoAnswer(limit))??)
}

impl BackupError {
    /// Adds the file's path to the error of a file operation.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { path, cause }
    }

    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
}
