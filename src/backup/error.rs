use std::io;
use std::path::{Path, PathBuf};

use crate::database::migrations::MigrationError;
use crate::error::AppError;

/// Why a backup or a restore failed. Each message is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system reported.
        cause: io::Error,
    },
    /// The file exists, and replacing it was not asked for.
    #[error("{} exists; --force replaces it", .0.display())]
    Exists(PathBuf),
    /// The file is no archive.
    #[error("{} is not a backup of tableorder", .0.display())]
    NotABackup(PathBuf),
    /// The file was written by `pg_dump` for version 0.1.0.
    #[error(
        "{} was made by tableorder 0.1.0: restore it with that release, then start this one, which migrates the database",
        .0.display()
    )]
    OldFormat(PathBuf),
    /// The file, or the database, is of a later version of this program.
    #[error("{0} is of a newer tableorder than this one ({version}): update first", version = env!("CARGO_PKG_VERSION"))]
    Newer(&'static str),
    /// The archive is incomplete, was altered, or contradicts itself.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// The database must not be replaced, or holds nothing to back up.
    #[error("{0}")]
    Refused(String),
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
