//! Changes of single orders, and the locks for them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::{ErrorCode, Result};
use crate::models::{Cancellation, OrderId, OrderStatus, SessionId, StoreId, TableId};
use crate::repositories::expect_one;

/// The session of an order, cancelled or not, and when it was cancelled.
///
/// # Errors
/// `ORDER_NOT_FOUND`.
pub async fn find_cancellation(
    conn: &mut PgConnection,
    store: StoreId,
    order: OrderId,
) -> Result<(SessionId, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(
        r#"SELECT session_id AS "session_id: SessionId", cancelled_at FROM orders WHERE store_id = $1 AND id = $2"#,
        store.0,
        order.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ErrorCode::OrderNotFound)?;
    Ok((row.session_id, row.cancelled_at))
}

/// The session of an order that is not cancelled.
///
/// # Errors
/// `ORDER_NOT_FOUND`.
pub async fn session_of(conn: &mut PgConnection, store: StoreId, order: OrderId) -> Result<SessionId> {
    sqlx::query_scalar!(
        r#"SELECT session_id AS "session_id: SessionId" FROM orders
           WHERE store_id = $1 AND id = $2 AND cancelled_at IS NULL"#,
        store.0,
        order.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| ErrorCode::OrderNotFound.into())
}

/// Reads the status of an order that is not cancelled, and locks the order against concurrent changes.
///
/// # Errors
/// `ORDER_NOT_FOUND`.
pub async fn lock_status(conn: &mut PgConnection, store: StoreId, order: OrderId) -> Result<OrderStatus> {
    sqlx::query_scalar!(
        r#"SELECT status AS "status: OrderStatus" FROM orders
           WHERE store_id = $1 AND id = $2 AND cancelled_at IS NULL FOR NO KEY UPDATE"#,
        store.0,
        order.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| ErrorCode::OrderNotFound.into())
}

/// Writes an order's status.
///
/// # Errors
/// `ORDER_NOT_FOUND`.
pub async fn set_status(
    conn: &mut PgConnection,
    store: StoreId,
    order: OrderId,
    status: OrderStatus,
    now: DateTime<Utc>,
) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE orders SET status = $3, updated_at = $4 WHERE store_id = $1 AND id = $2 AND cancelled_at IS NULL",
        store.0,
        order.0,
        status as OrderStatus,
        now
    )
    .execute(conn)
    .await?;
    expect_one(&result, ErrorCode::OrderNotFound)
}

/// Cancels an order. It disappears from all lists and totals; the row keeps the actor, the time and the reason.
///
/// # Errors
/// `ORDER_NOT_FOUND`.
pub async fn cancel(
    conn: &mut PgConnection,
    store: StoreId,
    order: OrderId,
    cancellation: Cancellation<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE orders SET cancelled_at = $3, cancelled_by = $4, cancel_reason = $5, updated_at = $3
         WHERE store_id = $1 AND id = $2 AND cancelled_at IS NULL",
        store.0,
        order.0,
        now,
        cancellation.by,
        cancellation.reason
    )
    .execute(conn)
    .await?;
    expect_one(&result, ErrorCode::OrderNotFound)
}

/// Reverts the cancellation of an order. Returns whether it was cancelled.
pub async fn restore(conn: &mut PgConnection, store: StoreId, order: OrderId, now: DateTime<Utc>) -> Result<bool> {
    let result = sqlx::query!(
        "UPDATE orders SET cancelled_at = NULL, cancelled_by = NULL, cancel_reason = NULL, updated_at = $3
         WHERE store_id = $1 AND id = $2 AND cancelled_at IS NOT NULL",
        store.0,
        order.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Writes the table's number into its orders that have none, because a release before 0.2.0 placed them. Call it before the
/// table gets another number.
pub async fn store_table_number(conn: &mut PgConnection, store: StoreId, table: TableId, number: i32) -> Result<()> {
    sqlx::query!(
        "UPDATE orders SET table_number = $3
         WHERE store_id = $1 AND table_id = $2 AND cancelled_at IS NULL AND table_number IS NULL",
        store.0,
        table.0,
        number
    )
    .execute(conn)
    .await?;
    Ok(())
}
