use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The largest id of a row. Larger numbers are not exact in JSON.
pub(in crate::backup) const MAX_ID: i64 = (1 << 53) - 1;

/// The bytes that the database stores for a row in addition to its text: its header, index entries and free space.
const BYTES_PER_ROW: u64 = 200;

/// The largest write-ahead log, with PostgreSQL's default settings, in bytes.
const MAX_WAL: u64 = 3 << 29;

/// The contents of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of tableorder that wrote the archive.
    pub version: String,
    /// The start of the backup.
    pub created_at: DateTime<Utc>,
    /// The epoch of the database.
    pub epoch: Uuid,
    /// The version of the database's last migration.
    pub migration: i64,
    /// The tables, in the order of their rows in the file.
    pub tables: Vec<TableRows>,
}

/// The rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRows {
    /// The table's name.
    pub name: String,
    /// The columns of each row.
    pub columns: Vec<String>,
    /// The number of rows.
    pub rows: u64,
    /// The uncompressed length of the rows, in bytes.
    pub bytes: u64,
    /// The SHA-256 of these bytes, in hexadecimal digits.
    pub sha256: String,
    /// The last value of the id sequence; `None` if the table has no sequence or the sequence was not used yet.
    pub last_id: Option<i64>,
}

impl Manifest {
    /// The number of rows of a table; 0 if the archive does not contain the table.
    #[must_use]
    pub fn rows_of(&self, table: &str) -> u64 {
        self.tables.iter().find(|rows| rows.name == table).map_or(0, |rows| rows.rows)
    }

    /// The disk space that a restore needs, in bytes: an estimate that is rather too large.
    #[must_use]
    pub fn restored_bytes(&self) -> u64 {
        let rows = self.tables.iter().fold(0_u64, |sum, table| sum.saturating_add(table.rows));
        let stored = self.bytes().saturating_add(rows.saturating_mul(BYTES_PER_ROW));
        stored.saturating_add(stored.min(MAX_WAL))
    }

    /// The uncompressed length of all rows, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tables.iter().fold(0, |sum, table| sum.saturating_add(table.bytes))
    }
}
