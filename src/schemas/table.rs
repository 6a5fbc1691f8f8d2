//! Tables and the dashboard.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::order::OrderResponse;
use super::validators::non_null;
use crate::error::Language;
use crate::error::Message;
use crate::models::{CompletedSession, DashboardTable, ReopenedSession, SessionId, Table, TableId};
use crate::services::{Dashboard, TableChange};

/// The state of the dashboard.
#[derive(Serialize, ToSchema)]
pub struct DashboardResponse {
    /// The cursor of this state: a stream that resumes from here delivers every later event exactly once.
    #[schema(example = "4f1c2a9be07d:42")]
    pub event_id: String,
    /// The tables, by number.
    pub tables: Vec<DashboardTableResponse>,
}

/// A table on the dashboard.
#[derive(Serialize, ToSchema)]
pub struct DashboardTableResponse {
    /// The table's id.
    pub id: TableId,
    /// The number on the table.
    #[schema(example = 3)]
    pub table_number: i32,
    /// The table's unfinished session, if a tablet has logged in.
    #[schema(required)]
    pub session_id: Option<SessionId>,
    /// When the party's first order was placed.
    #[schema(required)]
    pub started_at: Option<DateTime<Utc>>,
    /// Whether a party is at the table: whether its first order was placed.
    #[schema(example = true)]
    pub is_active: bool,
    /// The total of the session's orders, in the currency's minor unit.
    #[schema(example = 18000)]
    pub total_amount: i64,
    /// The number of the session's orders.
    #[schema(example = 1)]
    pub order_count: i64,
    /// The number of pending orders of the session.
    #[schema(example = 1)]
    pub pending_count: i64,
    /// The number of unfinished orders of the table's sessions that were completed in this business day or the one
    /// before. The other numbers do not include them.
    #[schema(example = 0)]
    pub carried_over_count: i64,
    /// The session's three newest orders, newest first.
    pub latest_orders: Vec<OrderResponse>,
}

impl From<DashboardTable> for DashboardTableResponse {
    fn from(table: DashboardTable) -> Self {
        Self {
            id: table.id,
            table_number: table.table_number,
            session_id: table.session_id,
            started_at: table.started_at,
            is_active: table.started_at.is_some(),
            total_amount: table.total_amount.get(),
            order_count: table.order_count,
            pending_count: table.pending_count,
            carried_over_count: table.carried_over_count,
            latest_orders: table.latest_orders.into_iter().map(OrderResponse::from).collect(),
        }
    }
}

impl From<Dashboard> for DashboardResponse {
    fn from(dashboard: Dashboard) -> Self {
        Self {
            event_id: dashboard.event_id,
            tables: dashboard.tables.into_iter().map(DashboardTableResponse::from).collect(),
        }
    }
}

/// A completed session.
#[derive(Serialize, ToSchema)]
pub struct CompleteTableResponse {
    /// The message for people.
    #[schema(example = "이용이 완료되었습니다.")]
    pub message: &'static str,
    /// The session's id.
    pub session_id: SessionId,
    /// The number of its orders.
    #[schema(example = 2)]
    pub order_count: i64,
    /// The sum of its orders, in the currency's minor unit.
    #[schema(example = 36000)]
    pub total_amount: i64,
    /// The number of orders that are pending or preparing. They stay live until the end of the next business day.
    #[schema(example = 1)]
    pub unfinished_count: i64,
    /// When the session was completed.
    pub completed_at: DateTime<Utc>,
}

impl CompleteTableResponse {
    /// The response for a completed session.
    #[must_use]
    pub fn new(session: &CompletedSession, language: Language) -> Self {
        Self {
            message: Message::Completed.text(language),
            session_id: session.id,
            order_count: session.totals.order_count,
            total_amount: session.totals.total_amount.get(),
            unfinished_count: session.totals.unfinished_count,
            completed_at: session.completed_at,
        }
    }
}

/// The session to complete.
#[derive(Default, Deserialize, Validate, ToSchema)]
pub struct CompleteTableRequest {
    /// The session to complete. With it, a repeated call never completes the next party's session. Without it, the
    /// table's running session is completed.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    pub session_id: Option<SessionId>,
}

/// A reopened session.
#[derive(Serialize, ToSchema)]
pub struct ReopenSessionResponse {
    /// The session's id.
    pub session_id: SessionId,
    /// The table's id.
    pub table_id: TableId,
    /// The number on the table.
    #[schema(example = 3)]
    pub table_number: i32,
    /// The number of its orders.
    #[schema(example = 2)]
    pub order_count: i64,
    /// The sum of its orders, in the currency's minor unit.
    #[schema(example = 36000)]
    pub total_amount: i64,
}

impl From<ReopenedSession> for ReopenSessionResponse {
    fn from(session: ReopenedSession) -> Self {
        Self {
            session_id: session.id,
            table_id: session.table_id,
            table_number: session.table_number,
            order_count: session.totals.order_count,
            total_amount: session.totals.total_amount.get(),
        }
    }
}

/// A table.
#[derive(Serialize, ToSchema)]
pub struct TableResponse {
    /// The table's id.
    pub id: TableId,
    /// The number on the table.
    #[schema(example = 3)]
    pub table_number: i32,
}

impl From<Table> for TableResponse {
    fn from(table: Table) -> Self {
        Self { id: table.id, table_number: table.table_number }
    }
}

/// Tables, by number.
#[derive(Serialize, ToSchema)]
pub struct TableListResponse {
    /// The tables.
    pub tables: Vec<TableResponse>,
}

impl From<Vec<Table>> for TableListResponse {
    fn from(tables: Vec<Table>) -> Self {
        Self { tables: tables.into_iter().map(TableResponse::from).collect() }
    }
}

/// A table to add.
#[derive(Deserialize, Validate, ToSchema)]
pub struct CreateTableRequest {
    /// The number on the table.
    #[validate(range(min = 1, max = 100_000))]
    #[schema(minimum = 1, maximum = 100_000, example = 6)]
    pub table_number: i32,
    /// The tablet's password.
    #[validate(length(min = 4, max = 128))]
    #[schema(min_length = 4, max_length = 128, example = "1234")]
    pub password: String,
}

/// A change of a table. Absent fields keep their values.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UpdateTableRequest {
    /// The number on the table.
    #[serde(default, deserialize_with = "non_null")]
    #[validate(range(min = 1, max = 100_000))]
    #[schema(nullable = false, minimum = 1, maximum = 100_000, example = 7)]
    pub table_number: Option<i32>,
    /// The tablet's password. A new password revokes the tablet's tokens.
    #[serde(default, deserialize_with = "non_null")]
    #[validate(length(min = 4, max = 128))]
    #[schema(nullable = false, min_length = 4, max_length = 128, example = "5678")]
    pub password: Option<String>,
}

impl From<UpdateTableRequest> for TableChange {
    fn from(request: UpdateTableRequest) -> Self {
        Self { table_number: request.table_number, password: request.password }
    }
}
