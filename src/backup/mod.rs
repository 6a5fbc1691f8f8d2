//! Backups: everything of one moment in one file, made and restored without PostgreSQL's programs.
//!
//! An archive is a gzip-compressed tar. Its entries are `format` (one line of text), the rows of each table as PostgreSQL's
//! `COPY` writes them, in pieces (`orders/000001`, `orders/000002` …), and `manifest.json`: the schema's version and, for
//! each table, its columns, the number of its rows and a checksum. **No text of a file is executed**: a restore creates the
//! tables by this program's own migrations and hands the rows to `COPY`.
//!
//! [`create`] writes an archive, [`verify`] checks one, [`restore`] loads one, and [`NightlyBackup`] makes one every night.
//! `docs/backup.md` explains them to operators.

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
pub use progress::{Progress, Silent};
pub use restore::{discard_unfinished, restore};

/// The tables of an archive, in the order in which they are written. A new table is added here or to
/// [`EXCLUDED_TABLES`].
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

/// The tables that describe one deployment rather than its stores: a restore begins a new epoch, and counts of failed
/// logins may be lost.
pub const EXCLUDED_TABLES: [&str; 4] = ["_sqlx_migrations", "event_epochs", "last_backup", "login_throttle"];

type Result<T, E = BackupError> = std::result::Result<T, E>;
