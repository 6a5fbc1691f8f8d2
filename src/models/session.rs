//! Sessions: the time that one party spends at a table.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Money, SessionId, TableId};

/// One party's session at a table. The row is inserted at the first login; the session starts with its first order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session's id, which table tokens carry.
    pub id: SessionId,
    /// The table.
    pub table_id: TableId,
    /// When its first order was placed.
    pub started_at: Option<DateTime<Utc>>,
    /// When a user completed it.
    pub completed_at: Option<DateTime<Utc>>,
}

impl Session {
    /// Whether the party has ordered.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.started_at.is_some()
    }

    /// Whether it is completed.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.completed_at.is_some()
    }
}

/// The totals of a session's orders, without cancelled ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTotals {
    /// The number of orders.
    pub order_count: i64,
    /// The sum of the orders.
    pub total_amount: Money,
    /// The number of orders that are pending or preparing.
    pub unfinished_count: i64,
}

/// A session that was completed. Its JSON is stored for a day in `idempotency_keys`: a new field needs `#[serde(default)]`.
#[derive(Debug, Serialize, Deserialize)]
pub struct CompletedSession {
    /// The session.
    pub id: SessionId,
    /// Its totals.
    pub totals: SessionTotals,
    /// When it was completed.
    pub completed_at: DateTime<Utc>,
}

/// A session that was reopened after it was completed by mistake.
#[derive(Debug)]
pub struct ReopenedSession {
    /// The session.
    pub id: SessionId,
    /// Its table.
    pub table_id: TableId,
    /// The table's number.
    pub table_number: i32,
    /// Its totals so far.
    pub totals: SessionTotals,
}
