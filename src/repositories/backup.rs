//! The last nightly backup of the deployment, and the locks of backups and restores.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;

/// An advisory lock. It is held until the connection closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub enum Lock {
    /// Held by the instance that makes the nightly backup ("tabackup").
    NightlyBackup = 0x7461_6261_636b_7570,
    /// Held by the restore that uses the staging schema ("tablerst").
    Restore = 0x7461_626c_6572_7374,
}

/// A backup that was completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastBackup {
    /// The time at which it was due.
    pub due_at: DateTime<Utc>,
    /// The time at which it was completed.
    pub finished_at: DateTime<Utc>,
    /// The length of its file in bytes.
    pub bytes: i64,
}

/// The last backup, if there was one.
pub async fn last(conn: &mut PgConnection) -> Result<Option<LastBackup>> {
    Ok(sqlx::query_as!(LastBackup, "SELECT due_at, finished_at, bytes FROM last_backup").fetch_optional(conn).await?)
}

/// Replaces the last backup.
pub async fn set_last(conn: &mut PgConnection, backup: LastBackup) -> Result<()> {
    sqlx::query!(
        "INSERT INTO last_backup (due_at, finished_at, bytes) VALUES ($1, $2, $3)
         ON CONFLICT (singleton) DO UPDATE SET due_at = excluded.due_at, finished_at = excluded.finished_at,
                                               bytes = excluded.bytes",
        backup.due_at,
        backup.finished_at,
        backup.bytes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The time zones of the stores in the schema of the search path.
pub async fn time_zones(conn: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!("SELECT DISTINCT time_zone FROM stores").fetch_all(conn).await?)
}

/// The password hashes of users and tables in the schema of the search path.
pub async fn password_hashes(conn: &mut PgConnection) -> Result<Vec<String>> {
    let hashes =
        sqlx::query_scalar!(r#"SELECT password_hash AS "hash!" FROM users UNION SELECT password_hash FROM tables"#);
    Ok(hashes.fetch_all(conn).await?)
}

/// Takes `lock`. Returns `false` if another connection holds it.
pub async fn try_lock(conn: &mut PgConnection, lock: Lock) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock($1) AS "locked!""#, lock as i64).fetch_one(conn).await?)
}
