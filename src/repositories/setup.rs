//! The set-up of the first store: one row, which every instance shares.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::{ErrorCode, Result};
use crate::models::{SetupState, StoreId};
use crate::repositories::expect_one;

/// The state of the set-up; `None` if no code was issued.
pub async fn find(conn: &mut PgConnection) -> Result<Option<SetupState>> {
    Ok(sqlx::query_as!(
        SetupState,
        r#"SELECT code_digest, expires_at, created_store AS "created_store: StoreId" FROM setup"#
    )
    .fetch_optional(conn)
    .await?)
}

/// Like [`find`], and locks the row: the transaction that has the lock decides who sets up the store.
pub async fn lock(conn: &mut PgConnection) -> Result<Option<SetupState>> {
    Ok(sqlx::query_as!(
        SetupState,
        r#"SELECT code_digest, expires_at, created_store AS "created_store: StoreId" FROM setup FOR NO KEY UPDATE"#
    )
    .fetch_optional(conn)
    .await?)
}

/// Replaces the code, unless a store was created with the old one. Returns whether it was replaced.
pub async fn replace_code(conn: &mut PgConnection, code_digest: &[u8], expires_at: DateTime<Utc>) -> Result<bool> {
    let result = sqlx::query!(
        "INSERT INTO setup (code_digest, expires_at) VALUES ($1, $2)
         ON CONFLICT (singleton) DO UPDATE SET code_digest = excluded.code_digest, expires_at = excluded.expires_at
         WHERE setup.created_store IS NULL",
        code_digest,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Records the store that was created with the code.
pub async fn complete(conn: &mut PgConnection, store: StoreId) -> Result<()> {
    let result =
        sqlx::query!("UPDATE setup SET created_store = $1 WHERE created_store IS NULL", store.0).execute(conn).await?;
    expect_one(&result, ErrorCode::SetupClosed)
}

/// Withdraws the code, because a store is created in another way.
pub async fn close(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("DELETE FROM setup WHERE created_store IS NULL").execute(conn).await?;
    Ok(())
}
