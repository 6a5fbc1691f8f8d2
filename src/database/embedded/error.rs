//! Errors of the embedded PostgreSQL.

use std::io;
use std::path::{Path, PathBuf};

/// The reason why the embedded PostgreSQL did not start. The messages are for operators and name the remedy.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// A server, or a command that started PostgreSQL itself, uses the same directory.
    #[error(
        "{} is in use by another tableorder (a server or a command); stop it or wait until it ends, or set another \
         DATA_DIR for this one",
        .0.display()
    )]
    InUse(PathBuf),
    /// Another process uses the directory and is still creating the database.
    #[error("another tableorder is creating the database in {}; try again in a moment", .0.display())]
    BeingCreated(PathBuf),
    /// PostgreSQL is not installed and could not be downloaded.
    #[error(
        "no PostgreSQL {wanted} was found on this machine and it could not be downloaded ({cause}).\n\
         Install it and start again:\n  Debian, Ubuntu   apt install postgresql\n  \
         Fedora           dnf install postgresql-server\n  macOS            brew install postgresql@17\n\
         or set DATABASE_URL to a PostgreSQL that runs elsewhere"
    )]
    NoBinaries {
        /// The usable versions.
        wanted: String,
        /// The error of the download.
        cause: String,
    },
    /// PostgreSQL refuses to run as root, and there is no other user.
    #[error("PostgreSQL cannot run as root; create a system user `postgres`, or run the server as another user")]
    NoUnprivilegedUser,
    /// PostgreSQL's user cannot enter the directory of its files.
    #[error(
        "PostgreSQL runs as the user `{user}`, who cannot access {}; set DATA_DIR to a directory that this user can \
         access, such as /var/lib/tableorder",
        path.display()
    )]
    Unreachable {
        /// The user that PostgreSQL runs as.
        user: String,
        /// The path that this user cannot access.
        path: PathBuf,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {output}")]
    Program {
        /// The program.
        program: &'static str,
        /// The end of its output.
        output: String,
    },
    /// PostgreSQL runs but does not accept connections.
    #[error("PostgreSQL did not accept connections: {0}")]
    NotReady(String),
    /// A file could not be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: io::Error,
    },
}

pub(super) type Result<T, E = EmbeddedError> = std::result::Result<T, E>;

/// Converts an I/O error of `path` to an [`EmbeddedError`].
pub(super) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError + use<> {
    let path = path.to_owned();
    move |cause| EmbeddedError::File { path, cause }
}
