//! A session: one party's stay at a table.

use chrono::{DateTime, Utc};

use super::{Money, SessionId, TableId};

/// One party's stay at a table. The row is made at the table's first login; the session starts with its first order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session's id, which table tokens carry.
    pub id: SessionId,
    /// The table.
    pub table_id: TableId,
    /// When its first order was placed.
    pub started_at: Option<DateTime<Utc>>,
    /// When staff completed it.
    pub completed_at: Option<DateTime<Utc>>,
}

impl Session {
    /// Whether the party has ordered.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.started_at.is_some()
    }

    /// Whether staff have completed it.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.completed_at.is_some()
    }
}

/// What a session's orders come to; cancelled ones are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTotals {
    /// How many orders it has.
    pub order_count: i64,
    /// Their sum.
    pub total_amount: Money,
    /// How many of them are pending or preparing.
    pub unfinished_count: i64,
}

/// A session that was completed.
#[derive(Debug)]
pub struct CompletedSession {
    /// The session.
    pub id: SessionId,
    /// What it came to.
    pub totals: SessionTotals,
    /// When it was completed.
    pub completed_at: DateTime<Utc>,
}

/// A session that goes on after it was completed by mistake.
#[derive(Debug)]
pub struct ReopenedSession {
    /// The session.
    pub id: SessionId,
    /// Its table.
    pub table_id: TableId,
    /// The table's number.
    pub table_number: i32,
    /// What it comes to so far.
    pub totals: SessionTotals,
}
