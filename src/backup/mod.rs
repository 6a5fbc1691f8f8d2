//! Backups: a snapshot of the whole database in one file, made and restored without PostgreSQL's programs.
//!
//! An archive is a gzip-compressed tar. Its entries are `format` (one line of text), the rows of each table as PostgreSQL's
//! `COPY` writes them, in pieces (`orders/000001`, `orders/000002` …), and `manifest.json`: the schema's version and, for
//! each table, its columns, the number of its rows and a checksum. **No text from a file is executed**: a restore creates
//! the tables with this program's own migrations and passes the rows to `COPY`.
//!
//! [`create`] writes an archive, [`verify`] checks one, [`prepare_restore`] loads one, and [`NightlyBackup`] makes one every night.
//! `docs/backup.md` explains them to operators. The commands are in `cli/`, the SQL in `repositories/catalogue.rs`. A file
//! to imitate: `target.rs`.

mod archive;
mod dump;
mod error;
mod exclusive;
mod nightly;
mod progress;
mod restore;
mod staging;
mod target;

pub use archive::{Manifest, TableRows, verify};
pub use dump::{Pace, create};
pub use error::BackupError;
pub use exclusive::lock_out_servers;
pub use nightly::NightlyBackup;
pub use progress::{NoProgress, Progress};
pub use restore::{PreparedRestore, RestoreLock, discard_killed_restore, prepare_restore};

/// The tables of an archive, in the order in which they are written. Add a new table here or to [`EXCLUDED_TABLES`].
pub const TABLES: [&str; 14] = [
    "stores",
    "store_streams",
    "users",
    "revoked_tokens",
    "tables",
    "table_sessions",
    "devices",
    "categories",
    "menus",
    "order_counters",
    "orders",
    "order_items",
    "events",
    "audit_log",
];

/// Tables that are not in an archive because they describe the deployment and not its stores. A restore begins a new
/// epoch, and the counts of failed logins and the keys of users' requests may be lost.
pub const EXCLUDED_TABLES: [&str; 6] =
    ["_sqlx_migrations", "event_epochs", "idempotency_keys", "last_backup", "login_throttle", "setup"];

type Result<T, E = BackupError> = std::result::Result<T, E>;
