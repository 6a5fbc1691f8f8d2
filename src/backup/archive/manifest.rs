use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The largest id that a table may have: JSON numbers are exact up to here.
pub(in crate::backup) const MAX_ID: i64 = (1 << 53) - 1;

/// What an archive contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of tableorder that made it.
    pub version: String,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// The epoch of the database it was made of.
    pub epoch: Uuid,
    /// The version of the last migration of that database.
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
    /// How many rows there are.
    pub rows: u64,
    /// Their length in bytes, uncompressed.
    pub bytes: u64,
    /// The SHA-256 of these bytes, in hexadecimal digits.
    pub sha256: String,
    /// The id that was given last; `None` for a table that gives no ids or gave none yet.
    pub last_id: Option<i64>,
}

impl Manifest {
    /// The number of rows of a table; 0 for one that the archive does not contain.
    #[must_use]
    pub fn rows_of(&self, table: &str) -> u64 {
        self.tables.iter().find(|rows| rows.name == table).map_or(0, |rows| rows.rows)
    }

    /// The uncompressed length of all rows, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tables.iter().fold(0, |sum, table| sum.saturating_add(table.bytes))
    }
}
