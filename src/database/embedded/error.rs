//! Why the embedded PostgreSQL did not start.

use std::io;
use std::path::{Path, PathBuf};

/// Why the embedded PostgreSQL did not start. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Another server, or a command that started PostgreSQL for itself, uses the same directory.
    #[error(
        "{} is in use by another tableorder, a server or a command that is at work; stop it or wait for it, or give \
         this one its own DATA_DIR",
        .0.display()
    )]
    InUse(PathBuf),
    /// Another process uses the directory and is still making the database.
    #[error("another tableorder is just making the database in {}; try again in a moment", .0.display())]
    BeingMade(PathBuf),
    /// PostgreSQL is not installed and could not be downloaded.
    #[error(
        "no PostgreSQL {wanted} was found on this machine and it could not be downloaded ({cause}).\n\
         Install it and start again:\n  Debian, Ubuntu   apt install postgresql\n  \
         Fedora           dnf install postgresql-server\n  macOS            brew install postgresql@17\n\
         or set DATABASE_URL to a PostgreSQL that runs elsewhere"
    )]
    NoBinaries {
        /// The versions that can be used.
        wanted: String,
        /// Why the download failed.
        cause: String,
    },
    /// PostgreSQL refuses to run as root, and there is no other user.
    #[error("PostgreSQL cannot run as root, and this machine has neither a `postgres` nor a `nobody` user")]
    NoUnprivilegedUser,
    /// PostgreSQL's user cannot enter the directory of its files.
    #[error(
        "PostgreSQL runs as `{user}` here, who cannot reach {}; set DATA_DIR to a place everybody can reach, \
         like /var/lib/tableorder",
        path.display()
    )]
    Unreachable {
        /// The user that PostgreSQL runs as.
        user: String,
        /// What that user cannot enter.
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
    /// It runs but does not accept connections.
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

/// Makes an I/O error of `path` an [`EmbeddedError`].
pub(super) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError + use<> {
    let path = path.to_owned();
    move |cause| EmbeddedError::File { path, cause }
}
