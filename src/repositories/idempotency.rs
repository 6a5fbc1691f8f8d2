//! The results of requests that users sent with an idempotency key.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;
use crate::models::{IdempotencyKey, StoreId, UserId};

/// The key of a user's request.
#[derive(Debug, Clone, Copy)]
pub struct RequestKey<'a> {
    /// The store.
    pub store: StoreId,
    /// The user.
    pub user: UserId,
    /// The user's key.
    pub key: &'a IdempotencyKey,
}

/// The content of the first request with a key, and its result.
#[derive(Debug)]
pub struct FirstRequest {
    /// The digest of the content.
    pub digest: Vec<u8>,
    /// The result, as JSON.
    pub result: Option<String>,
}

/// Inserts the key, or replaces one that is not newer than `expired_before`. Returns `false` if the key was used since. Waits for another
/// transaction that inserts the same key.
pub async fn claim(
    conn: &mut PgConnection,
    request: RequestKey<'_>,
    digest: &[u8],
    now: DateTime<Utc>,
    expired_before: DateTime<Utc>,
) -> Result<bool> {
    let result = sqlx::query!(
        "INSERT INTO idempotency_keys (store_id, user_id, key, digest, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (store_id, user_id, key)
         DO UPDATE SET digest = excluded.digest, result = NULL, created_at = excluded.created_at
         WHERE idempotency_keys.created_at <= $6",
        request.store.0,
        request.user.0,
        request.key.as_str(),
        digest,
        now,
        expired_before
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// The first request with the key.
pub async fn find(conn: &mut PgConnection, request: RequestKey<'_>) -> Result<Option<FirstRequest>> {
    Ok(sqlx::query_as!(
        FirstRequest,
        "SELECT digest, result FROM idempotency_keys WHERE store_id = $1 AND user_id = $2 AND key = $3",
        request.store.0,
        request.user.0,
        request.key.as_str()
    )
    .fetch_optional(conn)
    .await?)
}

/// Deletes the key.
pub async fn delete(conn: &mut PgConnection, request: RequestKey<'_>) -> Result<()> {
    sqlx::query!(
        "DELETE FROM idempotency_keys WHERE store_id = $1 AND user_id = $2 AND key = $3",
        request.store.0,
        request.user.0,
        request.key.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores the result of a claimed key.
pub async fn set_result(conn: &mut PgConnection, request: RequestKey<'_>, result: &str) -> Result<()> {
    sqlx::query!(
        "UPDATE idempotency_keys SET result = $4 WHERE store_id = $1 AND user_id = $2 AND key = $3",
        request.store.0,
        request.user.0,
        request.key.as_str(),
        result
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes at most `limit` of the store's keys that are not newer than `expired_before`. Returns their number.
pub async fn delete_old(
    conn: &mut PgConnection,
    store: StoreId,
    expired_before: DateTime<Utc>,
    limit: i64,
) -> Result<u64> {
    let result = sqlx::query!(
        "DELETE FROM idempotency_keys
         WHERE store_id = $1 AND (user_id, key) IN (
           SELECT user_id, key FROM idempotency_keys WHERE store_id = $1 AND created_at <= $2
           LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)",
        store.0,
        expired_before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}
