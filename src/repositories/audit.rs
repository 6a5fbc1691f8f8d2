//! The audit log. Entries are added and read, and never changed. Only old entries of logins are deleted.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Result;
use crate::models::{Actor, AuditAction, AuditEntry, AuditFilter, NewAuditEntry, PageLimit, StoreId};

/// Adds an entry.
pub async fn insert(
    conn: &mut PgConnection,
    store: StoreId,
    id: Uuid,
    actor: &Actor,
    entry: &NewAuditEntry,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit_log
           (store_id, id, at, actor_kind, actor_id, actor_name, address, action, subject_id, before, after)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        store.0,
        id,
        now,
        actor.kind.as_str(),
        actor.id,
        actor.name,
        actor.address.map(|address| address.to_string()),
        entry.action.as_str(),
        entry.subject_id,
        entry.before,
        entry.after
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the commit of this transaction not wait for the disk. Use it for entries that may be lost in a crash of
/// PostgreSQL, so that they do not slow down the commits of orders.
pub async fn commit_unflushed(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("SET LOCAL synchronous_commit = off").execute(conn).await?;
    Ok(())
}

/// The store's entries, newest first: at most one more than `limit`.
pub async fn list(
    conn: &mut PgConnection,
    store: StoreId,
    filter: &AuditFilter,
    limit: PageLimit,
) -> Result<Vec<AuditEntry>> {
    Ok(sqlx::query_as!(
        AuditEntry,
        "SELECT id, at, actor_kind, actor_id, actor_name, address, action, subject_id, before, after
         FROM audit_log
         WHERE store_id = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::text IS NULL OR action = $3)
         ORDER BY id DESC LIMIT $4",
        store.0,
        filter.below,
        filter.action.map(AuditAction::as_str),
        limit.and_one_more()
    )
    .fetch_all(conn)
    .await?)
}

/// Deletes the store's entries of `action` with ids below `before`: the oldest ones, at most `limit`. Skips entries that
/// another instance is deleting. Returns the number of deleted entries.
pub async fn delete_old(
    conn: &mut PgConnection,
    store: StoreId,
    action: AuditAction,
    before: Uuid,
    limit: i64,
) -> Result<u64> {
    let result = sqlx::query!(
        "DELETE FROM audit_log
         WHERE store_id = $1 AND id IN (
           SELECT id FROM audit_log WHERE store_id = $1 AND action = $2 AND id < $3
           ORDER BY id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED)",
        store.0,
        action.as_str(),
        before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}
