//! Tables, and their state on the dashboard.

use chrono::{DateTime, Utc};

use super::{Money, Order, SessionId, TableId};

/// A table with its tablet.
#[derive(Debug, Clone)]
pub struct Table {
    /// The table's id.
    pub id: TableId,
    /// The number on the table: 1 to 100,000.
    pub table_number: i32,
    /// The tablet's password, as a PHC string.
    pub password_hash: String,
    /// Tokens with an older version are revoked.
    pub token_version: i32,
}

/// A table as the dashboard shows it.
#[derive(Debug, Clone)]
pub struct DashboardTable {
    /// The table's id.
    pub id: TableId,
    /// The number on the table.
    pub table_number: i32,
    /// The table's unfinished session, whether it has started or not.
    pub session_id: Option<SessionId>,
    /// When that session started.
    pub started_at: Option<DateTime<Utc>>,
    /// The sum of its orders.
    pub total_amount: Money,
    /// The number of its orders.
    pub order_count: i64,
    /// The number of its pending orders.
    pub pending_count: i64,
    /// The number of unfinished live orders of the table's completed sessions.
    pub carried_over_count: i64,
    /// Its newest orders, newest first.
    pub latest_orders: Vec<Order>,
}
