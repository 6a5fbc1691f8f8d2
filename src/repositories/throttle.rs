//! Login attempts. These rows have no `store_id`, because attempts are also counted for stores that do not exist.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;
use crate::models::{AttemptCounts, AttemptKey};

/// Locks the row of `key`, which is created if it does not exist, and returns its counts. A time later than `now` comes
/// from an instance with a wrong clock and is replaced by `now`.
pub async fn lock(conn: &mut PgConnection, key: &AttemptKey, now: DateTime<Utc>) -> Result<AttemptCounts> {
    Ok(sqlx::query_as!(
        AttemptCounts,
        r#"INSERT INTO login_throttle AS known (key, failures, failed_at) VALUES ($1, 0, $2)
           ON CONFLICT (key) DO UPDATE SET failed_at = least(known.failed_at, excluded.failed_at)
           RETURNING failures, failed_at AS last_at, claimed_until, successes_until"#,
        key.as_bytes(),
        now
    )
    .fetch_one(conn)
    .await?)
}

/// Writes the counts of `key`.
pub async fn update(conn: &mut PgConnection, key: &AttemptKey, counts: &AttemptCounts) -> Result<()> {
    sqlx::query!(
        "UPDATE login_throttle SET failures = $2, failed_at = $3, claimed_until = $4, successes_until = $5
         WHERE key = $1",
        key.as_bytes(),
        counts.failures,
        counts.last_at,
        counts.claimed_until,
        counts.successes_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records that the attempt with the claim `claimed_until` failed at `now`. It was already counted when it began.
pub async fn fail(
    conn: &mut PgConnection,
    key: &AttemptKey,
    now: DateTime<Utc>,
    claimed_until: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE login_throttle SET failed_at = $2, claimed_until = nullif(claimed_until, $3) WHERE key = $1",
        key.as_bytes(),
        now,
        claimed_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records that the attempt with the claim `claimed_until` succeeded: subtracts `count` failures.
pub async fn decrement(
    conn: &mut PgConnection,
    key: &AttemptKey,
    count: i32,
    claimed_until: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE login_throttle SET failures = greatest(failures - $2, 0), claimed_until = nullif(claimed_until, $3)
         WHERE key = $1",
        key.as_bytes(),
        count,
        claimed_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes the counts of `key`.
pub async fn reset(conn: &mut PgConnection, key: &AttemptKey) -> Result<()> {
    sqlx::query!("DELETE FROM login_throttle WHERE key = $1", key.as_bytes()).execute(conn).await?;
    Ok(())
}

/// Deletes at most `limit` keys whose last attempt was before `before`. Returns the number of deleted keys.
pub async fn delete_old(conn: &mut PgConnection, before: DateTime<Utc>, limit: i64) -> Result<u64> {
    let result = sqlx::query!(
        "DELETE FROM login_throttle
         WHERE key IN (SELECT key FROM login_throttle WHERE failed_at < $1 LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)",
        before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}
