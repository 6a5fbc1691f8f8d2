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
        r#"SELECT key AS "key: FailureKey", failures AS count, failed_at AS last_at
           FROM login_throttle WHERE key = ANY($1)"#,
        &keys as &[&[u8]]
    )
    .fetch_all(conn)
    .await?)
}

/// Counts a failure. One older than `forget_before` no longer counts.
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
           failed_at = excluded.failed_at",
        key.as_bytes(),
        now,
        forget_before
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts a failure in advance, unless somebody else has counted one since `seen`; says whether it did.
///
/// # Errors
/// Of the database.
pub async fn claim(conn: &mut PgConnection, seen: &Failures, now: DateTime<Utc>) -> Result<bool> {
    let result = sqlx::query!(
        "UPDATE login_throttle SET failures = failures + 1, failed_at = $3 WHERE key = $1 AND failures = $2",
        seen.key.as_bytes(),
        seen.count,
        now
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected() == 1)
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

/// Forgets every failure of `key`.
///
/// # Errors
/// Of the database.
pub async fn reset(conn: &mut PgConnection, key: &FailureKey) -> Result<()> {
    sqlx::query!("DELETE FROM login_throttle WHERE key = $1", key.as_bytes()).execute(conn).await?;
    Ok(())
}

/// Forgets what failed last before `before`.
///
/// # Errors
/// Of the database.
pub async fn forget(conn: &mut PgConnection, before: DateTime<Utc>) -> Result<()> {
    sqlx::query!("DELETE FROM login_throttle WHERE failed_at < $1", before).execute(conn).await?;
    Ok(())
}
