//! The deployment as a whole: what it holds, who is connected to it, and its epoch.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{ErrorCode, Result};
use crate::repositories::expect_one;

/// How far token versions jump with a new epoch: beyond any given out since the moment the database went back to.
const TOKEN_VERSIONS_APART: i32 = 1_000;

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Stores.
    pub stores: i64,
    /// Orders, of the past and cancelled ones too.
    pub orders: i64,
    /// Events that were ever written, pruned ones too.
    pub events: i64,
}

/// A table and how much of the disk it takes.
#[derive(Debug, Clone)]
pub struct TableSize {
    /// The table's name.
    pub name: String,
    /// Its bytes, without its indexes'.
    pub bytes: i64,
}

/// Whether the database has tables at all, and whether they are ours.
pub async fn tables(conn: &mut PgConnection) -> Result<(bool, bool)> {
    let row = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
                          AND relkind IN ('r', 'p')
                          AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
                         ) AS "any!",
                  to_regclass('public.event_epochs') IS NOT NULL
                  AND to_regclass('public.store_streams') IS NOT NULL AS "ours!"
        "#
    )
    .fetch_one(conn)
    .await?;
    Ok((row.any, row.ours))
}

/// How large each table is.
pub async fn table_sizes(conn: &mut PgConnection) -> Result<Vec<TableSize>> {
    Ok(sqlx::query_as!(
        TableSize,
        r#"SELECT relname::text AS "name!", pg_table_size(oid) AS "bytes!"
           FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"#
    )
    .fetch_all(conn)
    .await?)
}

/// How much there is of what matters.
pub async fn contents(conn: &mut PgConnection) -> Result<Contents> {
    Ok(sqlx::query_as!(
        Contents,
        r#"SELECT (SELECT count(*) FROM stores) AS "stores!", (SELECT count(*) FROM orders) AS "orders!",
                  (SELECT coalesce(sum(event_seq), 0)::bigint FROM store_streams) AS "events!"
        "#
    )
    .fetch_one(conn)
    .await?)
}

/// Makes the snapshot of this connection's transaction known by a name, for another connection to see the same.
pub async fn export_snapshot(conn: &mut PgConnection) -> Result<String> {
    Ok(sqlx::query_scalar!(r#"SELECT pg_export_snapshot() AS "name!""#).fetch_one(conn).await?)
}

/// How many other connections of ours there are to this database: servers', and commands'.
pub async fn connections(conn: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM pg_stat_activity
           WHERE datname = current_database() AND application_name LIKE 'tableorder%' AND pid <> pg_backend_pid()"#
    )
    .fetch_one(conn)
    .await?)
}

/// Makes everybody who wants to know the epoch wait until the transaction ends: a server that starts meanwhile.
pub async fn lock_epoch(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("LOCK TABLE event_epochs IN ACCESS EXCLUSIVE MODE").execute(conn).await?;
    Ok(())
}

/// Makes this the epoch.
pub async fn set_epoch(conn: &mut PgConnection, epoch: Uuid) -> Result<()> {
    let result = sqlx::query!("UPDATE event_epochs SET epoch = $1", epoch).execute(conn).await?;
    expect_one(&result, ErrorCode::InternalError)
}

/// Ends every login of staff, in every store, whatever version its token has.
pub async fn end_staff_logins(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("UPDATE users SET token_version = token_version + $1, kept_token_id = NULL", TOKEN_VERSIONS_APART)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends every login of tablets, in every store, whatever version its token has.
pub async fn end_tablet_logins(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("UPDATE tables SET token_version = token_version + $1", TOKEN_VERSIONS_APART).execute(conn).await?;
    Ok(())
}
