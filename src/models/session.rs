//! One party's stay at a table.

use chrono::{DateTime, Utc};

use super::{SessionId, TableId};

/// A stay. The row is there from the table's first login; the stay starts with its first order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session's id, which table tokens carry.
    pub id: SessionId,
    /// The table.
    pub table_id: TableId,
    /// That table's number.
    pub table_number: i32,
    /// When its first order was placed.
    pub started_at: Option<DateTime<Utc>>,
    /// When staff completed it.
    pub completed_at: Option<DateTime<Utc>>,
}
