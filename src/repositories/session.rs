//! Table sessions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::{ErrorCode, Result};
use crate::models::{CompletedSession, Money, Session, SessionId, SessionTotals, StoreId, TableId};
use crate::repositories::expect_one;

/// Selects sessions. `$tail` filters or locks them.
macro_rules! select_sessions {
    ($tail:literal, $($bind:expr),*) => {
        sqlx::query_as!(
            Session,
            r#"SELECT id AS "id: SessionId", table_id AS "table_id: TableId", started_at, completed_at
               FROM table_sessions WHERE store_id = $1 "# + $tail,
            $($bind),*
        )
    };
}

/// The session.
pub async fn find(conn: &mut PgConnection, store: StoreId, session: SessionId) -> Result<Option<Session>> {
    Ok(select_sessions!("AND id = $2", store.0, session.0).fetch_optional(conn).await?)
}

/// The table's unfinished session.
pub async fn find_unfinished(conn: &mut PgConnection, store: StoreId, table: TableId) -> Result<Option<Session>> {
    Ok(select_sessions!("AND table_id = $2 AND completed_at IS NULL", store.0, table.0).fetch_optional(conn).await?)
}

/// Reads the session and locks it against completion. Changes of its orders can run concurrently.
///
/// # Errors
/// `SESSION_NOT_FOUND`.
pub async fn lock_shared(conn: &mut PgConnection, store: StoreId, session: SessionId) -> Result<Session> {
    let session = select_sessions!("AND id = $2 FOR SHARE", store.0, session.0).fetch_optional(conn).await?;
    session.ok_or_else(|| ErrorCode::SessionNotFound.into())
}

/// Reads the session and locks it against new orders and changes of its orders.
///
/// # Errors
/// `SESSION_NOT_FOUND`.
pub async fn lock(conn: &mut PgConnection, store: StoreId, session: SessionId) -> Result<Session> {
    let session = select_sessions!("AND id = $2 FOR NO KEY UPDATE", store.0, session.0).fetch_optional(conn).await?;
    session.ok_or_else(|| ErrorCode::SessionNotFound.into())
}

/// Reads the table's unfinished session and locks it against new orders and changes of its orders.
pub async fn lock_unfinished(conn: &mut PgConnection, store: StoreId, table: TableId) -> Result<Option<Session>> {
    let sessions = select_sessions!("AND table_id = $2 AND completed_at IS NULL FOR NO KEY UPDATE", store.0, table.0);
    Ok(sessions.fetch_optional(conn).await?)
}

/// Adds an unfinished session. Returns `None` if the table already has one.
pub async fn insert_unfinished(
    conn: &mut PgConnection,
    store: StoreId,
    table: TableId,
    now: DateTime<Utc>,
) -> Result<Option<SessionId>> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO table_sessions (store_id, table_id, created_at) VALUES ($1, $2, $3)
           ON CONFLICT (store_id, table_id) WHERE completed_at IS NULL DO NOTHING
           RETURNING id AS "id: SessionId""#,
        store.0,
        table.0,
        now
    )
    .fetch_optional(conn)
    .await?)
}

/// The completion times of these sessions. Unfinished sessions are left out.
pub async fn completion_times(
    conn: &mut PgConnection,
    store: StoreId,
    sessions: &[SessionId],
) -> Result<HashMap<SessionId, DateTime<Utc>>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: SessionId", completed_at AS "completed_at!" FROM table_sessions
           WHERE store_id = $1 AND id = ANY($2) AND completed_at IS NOT NULL"#,
        store.0,
        sessions as &[SessionId]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.completed_at)).collect())
}

/// Deletes a session without any order.
///
/// # Errors
/// `SESSION_NOT_FOUND`.
pub async fn remove_unstarted(conn: &mut PgConnection, store: StoreId, session: SessionId) -> Result<()> {
    let result = sqlx::query!(
        "DELETE FROM table_sessions WHERE store_id = $1 AND id = $2 AND started_at IS NULL",
        store.0,
        session.0
    )
    .execute(conn)
    .await?;
    expect_one(&result, ErrorCode::SessionNotFound)
}

/// Completes a session with these totals.
///
/// # Errors
/// `SESSION_NOT_FOUND`.
pub async fn complete(
    conn: &mut PgConnection,
    store: StoreId,
    session: SessionId,
    totals: SessionTotals,
    now: DateTime<Utc>,
) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE table_sessions SET completed_at = $3, order_count = $4, total_amount = $5, unfinished_count = $6
         WHERE store_id = $1 AND id = $2 AND completed_at IS NULL",
        store.0,
        session.0,
        now,
        totals.order_count,
        totals.total_amount.get(),
        totals.unfinished_count
    )
    .execute(conn)
    .await?;
    expect_one(&result, ErrorCode::SessionNotFound)
}

/// The table's completed session and its totals. `None` if it is not a completed session of the table, or if a release
/// before 0.2.0 completed it.
pub async fn find_completed(
    conn: &mut PgConnection,
    store: StoreId,
    table: TableId,
    session: SessionId,
) -> Result<Option<CompletedSession>> {
    let row = sqlx::query!(
        r#"SELECT completed_at AS "completed_at!", order_count AS "order_count!",
                  total_amount AS "total_amount!: Money", unfinished_count AS "unfinished_count!"
           FROM table_sessions
           WHERE store_id = $1 AND id = $2 AND table_id = $3 AND completed_at IS NOT NULL AND order_count IS NOT NULL"#,
        store.0,
        session.0,
        table.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| CompletedSession {
        id: session,
        totals: SessionTotals {
            order_count: row.order_count,
            total_amount: row.total_amount,
            unfinished_count: row.unfinished_count,
        },
        completed_at: row.completed_at,
    }))
}

/// Whether another session of the table was completed after `session`.
pub async fn has_later(conn: &mut PgConnection, store: StoreId, session: &Session) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM table_sessions
           WHERE store_id = $1 AND table_id = $2 AND completed_at >= $3 AND id <> $4) AS "exists!""#,
        store.0,
        session.table_id.0,
        session.completed_at,
        session.id.0
    )
    .fetch_one(conn)
    .await?)
}

/// Reverts the completion of a session. Its table must not have an unfinished session.
///
/// # Errors
/// `SESSION_NOT_FOUND`.
pub async fn reopen(conn: &mut PgConnection, store: StoreId, session: SessionId) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE table_sessions
         SET completed_at = NULL, order_count = NULL, total_amount = NULL, unfinished_count = NULL
         WHERE store_id = $1 AND id = $2 AND completed_at IS NOT NULL",
        store.0,
        session.0
    )
    .execute(conn)
    .await?;
    expect_one(&result, ErrorCode::SessionNotFound)
}
