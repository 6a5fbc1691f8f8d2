//! Failed logins. These rows have no store: what is tried need not exist.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;
use crate::models::{FailureKey, Failures};

/// What is known of each of `keys`.
///
/// # Errors
/// Of the database.
pub async fn find(conn: &mut PgConnection, keys: &[FailureKey]) -> Result<Vec<Failures>> {
    let keys: Vec<&[u8]> = keys.iter().map(FailureKey::as_bytes).collect();
    Ok(sqlx::query_as!(
        Failures,
        r#"SELECT key AS "key: FailureKey", failures AS count, failed_at AS last_at, claimed_until
           FROM login_throttle WHERE key = ANY($1)"#,
        &keys as &[&[u8]]
    )
    .fetch_all(conn)
    .await?)
}

/// Counts a failure, and ends the turn of whoever failed. One older than `forget_before` no longer counts.
///
/// # Errors
/// Of the database.
pub async fn add(
    conn: &mut PgConnection,
    key: &FailureKey,
    now: DateTime<Utc>,
    forget_before: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO login_throttle AS known (key, failures, failed_at) VALUES ($1, 1, $2)
         ON CONFLICT (key) DO UPDATE SET
           failures = CASE WHEN known.failed_at < $3 THEN 1 ELSE known.failures + 1 END,
           failed_at = excluded.failed_at, claimed_until = NULL",
        key.as_bytes(),
        now,
        forget_before
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the turn for one attempt, until `until`, unless somebody else has it or has failed since `seen`; says
/// whether it did.
///
/// # Errors
/// Of the database.
pub async fn claim(conn: &mut PgConnection, seen: &Failures, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<bool> {
    let result = sqlx::query!(
        "UPDATE login_throttle SET claimed_until = $4
         WHERE key = $1 AND failures = $2 AND (claimed_until IS NULL OR claimed_until <= $3)",
        seen.key.as_bytes(),
        seen.count,
        now,
        until
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Gives the turn back.
///
/// # Errors
/// Of the database.
pub async fn release(conn: &mut PgConnection, key: &FailureKey) -> Result<()> {
    sqlx::query!("UPDATE login_throttle SET claimed_until = NULL WHERE key = $1", key.as_bytes()).execute(conn).await?;
    Ok(())
}

/// Takes `count` failures back.
///
/// # Errors
/// Of the database.
pub async fn forgive(conn: &mut PgConnection, key: &FailureKey, count: i32) -> Result<()> {
    sqlx::query!(
        "UPDATE login_throttle SET failures = greatest(failures - $2, 0) WHERE key = $1",
        key.as_bytes(),
        count
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets every failure of `key`, and says how many these were.
///
/// # Errors
/// Of the database.
pub async fn reset(conn: &mut PgConnection, key: &FailureKey) -> Result<i32> {
    let forgotten = sqlx::query_scalar!("DELETE FROM login_throttle WHERE key = $1 RETURNING failures", key.as_bytes());
    Ok(forgotten.fetch_optional(conn).await?.unwrap_or(0))
}

/// Forgets what failed last before `before`, `limit` of it at most, and says how much it was.
///
/// # Errors
/// Of the database.
pub async fn forget(conn: &mut PgConnection, before: DateTime<Utc>, limit: i64) -> Result<u64> {
    let result = sqlx::query!(
        "DELETE FROM login_throttle
         WHERE key IN (SELECT key FROM login_throttle WHERE failed_at < $1 LIMIT $2) AND failed_at < $1",
        before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}
