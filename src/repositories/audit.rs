//! The audit log: added to and read, never changed.

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

/// The transaction's commit does not wait for the disk: for what may be lost with PostgreSQL's last moments, and must
/// not flush beside the orders.
pub async fn commit_unflushed(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("SET LOCAL synchronous_commit = off").execute(conn).await?;
    Ok(())
}

/// The store's entries, newest first, one more than `limit` at most.
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
