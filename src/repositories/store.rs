//! Stores, and the row in `store_streams` that all data of a store refers to.

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use crate::error::{AppError, ErrorCode, Result};
use crate::models::{BusinessCalendar, Store, StoreCode, StoreId};
use crate::repositories::{OnConstraint, expect_one};

struct StoreRow {
    id: StoreId,
    code: String,
    name: String,
    time_zone: String,
    day_starts_at: NaiveTime,
}

impl TryFrom<StoreRow> for Store {
    type Error = AppError;

    fn try_from(row: StoreRow) -> Result<Self> {
        let calendar = BusinessCalendar {
            time_zone: row.time_zone.parse().map_err(AppError::internal)?,
            day_starts_at: row.day_starts_at,
        };
        Ok(Self { id: row.id, code: row.code, name: row.name, calendar })
    }
}

/// The store with this code. `None` for the code finds nothing after the same time.
pub async fn find_by_code(conn: &mut PgConnection, code: Option<&StoreCode>) -> Result<Option<Store>> {
    sqlx::query_as!(
        StoreRow,
        r#"SELECT id AS "id: StoreId", code, name, time_zone, day_starts_at FROM stores WHERE code = $1"#,
        code.map(StoreCode::as_str)
    )
    .fetch_optional(conn)
    .await?
    .map(Store::try_from)
    .transpose()
}

/// The store with this id.
///
/// # Errors
/// `STORE_NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, id: StoreId) -> Result<Store> {
    sqlx::query_as!(
        StoreRow,
        r#"SELECT id AS "id: StoreId", code, name, time_zone, day_starts_at FROM stores WHERE id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ErrorCode::StoreNotFound)?
    .try_into()
}

/// Whether there is any store in the schema `public`, also while the search path leads elsewhere.
pub async fn any(conn: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query!("SELECT id FROM public.stores LIMIT 1").fetch_optional(conn).await?.is_some())
}

/// The oldest store but the demo; `None` if there is none.
pub async fn first_real(conn: &mut PgConnection) -> Result<Option<StoreId>> {
    Ok(sqlx::query_scalar!(r#"SELECT id AS "id: StoreId" FROM stores WHERE NOT is_demo ORDER BY id LIMIT 1"#)
        .fetch_optional(conn)
        .await?)
}

/// The demo, if there is one.
pub async fn find_demo(conn: &mut PgConnection) -> Result<Option<Store>> {
    sqlx::query_as!(
        StoreRow,
        r#"SELECT id AS "id: StoreId", code, name, time_zone, day_starts_at FROM stores
           WHERE is_demo ORDER BY id LIMIT 1"#
    )
    .fetch_optional(conn)
    .await?
    .map(Store::try_from)
    .transpose()
}

/// Marks a store as the demo.
pub async fn mark_demo(conn: &mut PgConnection, id: StoreId) -> Result<()> {
    let result = sqlx::query!("UPDATE stores SET is_demo = true WHERE id = $1", id.0).execute(conn).await?;
    expect_one(&result, ErrorCode::StoreNotFound)
}

/// Deletes the demo, whose rows in all other tables were deleted by [`delete_rows`].
///
/// # Errors
/// `STORE_NOT_FOUND`, also if the store is not the demo.
pub async fn delete_demo(conn: &mut PgConnection, id: StoreId) -> Result<()> {
    let result = sqlx::query!("DELETE FROM stores WHERE id = $1 AND is_demo", id.0).execute(conn).await?;
    expect_one(&result, ErrorCode::StoreNotFound)
}

/// Deletes the row in `store_streams`, and with it every row of the store in the tables that refer to it.
pub async fn delete_rows(conn: &mut PgConnection, store: StoreId) -> Result<()> {
    sqlx::query!("DELETE FROM store_streams WHERE store_id = $1", store.0).execute(conn).await?;
    Ok(())
}

/// The time zone of the first store, and the time at which that store was added.
pub async fn first(conn: &mut PgConnection) -> Result<Option<(Tz, DateTime<Utc>)>> {
    let row = sqlx::query!("SELECT time_zone, created_at FROM stores ORDER BY id LIMIT 1").fetch_optional(conn).await?;
    row.map(|row| Ok((row.time_zone.parse().map_err(AppError::internal)?, row.created_at))).transpose()
}

/// Adds a store; [`insert_stream`] must follow in the same transaction.
///
/// # Errors
/// `DUPLICATE` if the code is in use.
pub async fn insert(
    conn: &mut PgConnection,
    code: &StoreCode,
    name: &str,
    calendar: &BusinessCalendar,
    now: DateTime<Utc>,
) -> Result<StoreId> {
    sqlx::query_scalar!(
        r#"INSERT INTO stores (code, name, time_zone, day_starts_at, created_at) VALUES ($1, $2, $3, $4, $5)
           RETURNING id AS "id: StoreId""#,
        code.as_str(),
        name,
        calendar.time_zone.name(),
        calendar.day_starts_at,
        now
    )
    .fetch_one(conn)
    .await
    .on_constraint("stores_code_key", ErrorCode::Duplicate)
}

/// Adds the row in `store_streams` that all data of the store refers to.
pub async fn insert_stream(conn: &mut PgConnection, store: StoreId) -> Result<()> {
    sqlx::query!("INSERT INTO store_streams (store_id) VALUES ($1)", store.0).execute(conn).await?;
    Ok(())
}

/// All stores, by code.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<Store>> {
    sqlx::query_as!(
        StoreRow,
        r#"SELECT id AS "id: StoreId", code, name, time_zone, day_starts_at FROM stores ORDER BY code"#
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(Store::try_from)
    .collect()
}

/// The ids of all stores.
pub async fn ids(conn: &mut PgConnection) -> Result<Vec<StoreId>> {
    Ok(sqlx::query_scalar!(r#"SELECT id AS "id: StoreId" FROM stores"#).fetch_all(conn).await?)
}
