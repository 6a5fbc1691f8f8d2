//! The events table, and the row of each store with its seq and versions (`store_streams`).

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{ErrorCode, Result};
use crate::models::{Audience, Event, EventKind, NewEvent, SessionId, StoreId, StorePosition, StreamHead};
use crate::repositories::expect_one;

/// The deployment's epoch. Cursors of another epoch are invalid.
pub async fn epoch(conn: &mut PgConnection) -> Result<Uuid> {
    Ok(sqlx::query_scalar!("SELECT epoch FROM event_epochs").fetch_one(conn).await?)
}

/// Replaces the epoch.
pub async fn set_epoch(conn: &mut PgConnection, epoch: Uuid) -> Result<()> {
    let result = sqlx::query!("UPDATE event_epochs SET epoch = $1", epoch).execute(conn).await?;
    expect_one(&result, ErrorCode::InternalError)
}

/// Locks the epoch until the end of the transaction. A server that starts waits for it, because it reads the epoch first.
pub async fn lock_epoch(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("LOCK TABLE public.event_epochs IN ACCESS EXCLUSIVE MODE").execute(conn).await?;
    Ok(())
}

/// Takes the store's next seq. Call it as late as possible in a transaction, because the store's other transactions wait
/// here until the commit. This wait also makes the commit order the same as the seq order.
///
/// # Errors
/// `STORE_NOT_FOUND`.
pub async fn next_seq(conn: &mut PgConnection, store: StoreId) -> Result<i64> {
    sqlx::query_scalar!(
        "UPDATE store_streams SET event_seq = event_seq + 1 WHERE store_id = $1 RETURNING event_seq",
        store.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| ErrorCode::StoreNotFound.into())
}

/// Like [`next_seq`], and also increments the store's menu version.
///
/// # Errors
/// `STORE_NOT_FOUND`.
pub async fn next_seq_and_menu_version(conn: &mut PgConnection, store: StoreId) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        "UPDATE store_streams SET event_seq = event_seq + 1, menu_version = menu_version + 1
         WHERE store_id = $1 RETURNING event_seq, menu_version",
        store.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ErrorCode::StoreNotFound)?;
    Ok((row.event_seq, row.menu_version))
}

/// Locks the store's row. Other transactions that append an event, or lock the row as well, wait for this one.
///
/// # Errors
/// `STORE_NOT_FOUND`.
pub async fn lock_store(conn: &mut PgConnection, store: StoreId) -> Result<()> {
    sqlx::query!("SELECT store_id FROM store_streams WHERE store_id = $1 FOR NO KEY UPDATE", store.0)
        .fetch_optional(conn)
        .await?
        .map(drop)
        .ok_or_else(|| ErrorCode::StoreNotFound.into())
}

/// Increments the store's access version, because a token of the store was revoked. Call it as late as [`next_seq`] in a
/// transaction.
///
/// # Errors
/// `STORE_NOT_FOUND`.
pub async fn raise_access_version(conn: &mut PgConnection, store: StoreId) -> Result<i64> {
    sqlx::query_scalar!(
        "UPDATE store_streams SET access_version = access_version + 1 WHERE store_id = $1 RETURNING access_version",
        store.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| ErrorCode::StoreNotFound.into())
}

/// Inserts an event with a seq from [`next_seq`].
pub async fn insert(
    conn: &mut PgConnection,
    store: StoreId,
    seq: i64,
    event: &NewEvent,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO events (store_id, seq, kind, audience, session_id, data, created_at)
         VALUES ($1, $2, $3, $4, $5, $6::text::json, $7)",
        store.0,
        seq,
        event.kind.as_str(),
        event.kind.audience() as Audience,
        event.session_id.map(|session| session.0),
        event.data.get(),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The store's menu version.
///
/// # Errors
/// `STORE_NOT_FOUND`.
pub async fn menu_version(conn: &mut PgConnection, store: StoreId) -> Result<i64> {
    sqlx::query_scalar!("SELECT menu_version FROM store_streams WHERE store_id = $1", store.0)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| ErrorCode::StoreNotFound.into())
}

/// The store's newest seq, the last pruned seq, and its versions.
///
/// # Errors
/// `STORE_NOT_FOUND`.
pub async fn head(conn: &mut PgConnection, store: StoreId) -> Result<StreamHead> {
    sqlx::query_as!(
        StreamHead,
        "SELECT event_seq, pruned_seq, access_version, menu_version FROM store_streams WHERE store_id = $1",
        store.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| ErrorCode::StoreNotFound.into())
}

/// The newest seq and the versions of each of these stores.
pub async fn positions(conn: &mut PgConnection, stores: &[StoreId]) -> Result<Vec<StorePosition>> {
    Ok(sqlx::query_as!(
        StorePosition,
        r#"SELECT store_id AS "store_id: StoreId", event_seq, access_version, menu_version
           FROM store_streams WHERE store_id = ANY($1)"#,
        stores as &[StoreId]
    )
    .fetch_all(conn)
    .await?)
}

/// The store's events after `seq`, in order: at most `limit`.
pub async fn after(conn: &mut PgConnection, store: StoreId, seq: i64, limit: i64) -> Result<Vec<Event>> {
    Ok(sqlx::query_as!(
        Event,
        r#"SELECT seq, kind, audience AS "audience: Audience", session_id AS "session_id: SessionId",
                  data::text AS "data!", created_at
           FROM events WHERE store_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"#,
        store.0,
        seq,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Whether the session was completed after the store's event `seq`.
pub async fn is_session_completed_after(
    conn: &mut PgConnection,
    store: StoreId,
    session: SessionId,
    seq: i64,
) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM events WHERE store_id = $1 AND seq > $2 AND session_id = $3 AND kind = $4) AS "is!""#,
        store.0,
        seq,
        session.0,
        EventKind::SessionCompleted.as_str()
    )
    .fetch_one(conn)
    .await?)
}

/// Sends a `NOTIFY` on `channel`.
pub async fn notify(conn: &mut PgConnection, channel: &str, payload: &str) -> Result<()> {
    sqlx::query!("SELECT pg_notify($1, $2)", channel, payload).execute(conn).await?;
    Ok(())
}

/// The last seq up to which all events are older than `before`, among the store's oldest `limit` events. `None` if the
/// oldest event is not older. If an instance's clock was wrong, the times of events are not in seq order; an event later
/// than `ahead` counts as older.
pub async fn last_expired(
    conn: &mut PgConnection,
    store: StoreId,
    before: DateTime<Utc>,
    ahead: DateTime<Utc>,
    limit: i64,
) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "SELECT max(seq) FROM (
           SELECT seq, bool_and(created_at < $2 OR created_at > $4) OVER (ORDER BY seq) AS is_expired
           FROM (SELECT seq, created_at FROM events WHERE store_id = $1 ORDER BY seq LIMIT $3) oldest
         ) prefix WHERE is_expired",
        store.0,
        before,
        limit,
        ahead
    )
    .fetch_one(conn)
    .await?)
}

/// Records that the store's events up to and including `seq` are pruned.
pub async fn mark_pruned(conn: &mut PgConnection, store: StoreId, seq: i64) -> Result<()> {
    sqlx::query!("UPDATE store_streams SET pruned_seq = $2 WHERE store_id = $1 AND pruned_seq < $2", store.0, seq)
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes the store's events up to and including `seq`. Returns the number of deleted events.
pub async fn delete_up_to(conn: &mut PgConnection, store: StoreId, seq: i64) -> Result<u64> {
    let result =
        sqlx::query!("DELETE FROM events WHERE store_id = $1 AND seq <= $2", store.0, seq).execute(conn).await?;
    Ok(result.rows_affected())
}
