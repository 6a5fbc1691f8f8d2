//! Tables.

use chrono::{DateTime, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::{ErrorCode, Result};
use crate::models::{
    DashboardTable, DeviceId, Money, Order, OrderId, OrderItem, OrderNumber, OrderStatus, SessionId, StoreId, Table,
    TableId,
};
use crate::repositories::{OnConstraint, expect_one};

/// The data that the validity of a table token depends on.
#[derive(Debug, Clone, Copy)]
pub struct TableAccess {
    /// The table's token version. Tokens with another version are invalid.
    pub token_version: i32,
    /// Whether the token's device was revoked or unpaired.
    pub is_revoked: bool,
}

/// Selects tables. `$tail` filters, sorts or locks them.
macro_rules! select_tables {
    ($tail:literal, $($bind:expr),*) => {
        sqlx::query_as!(
            Table,
            r#"SELECT id AS "id: TableId", table_number, password_hash, token_version
               FROM tables WHERE store_id = $1 AND deleted_at IS NULL "# + $tail,
            $($bind),*
        )
    };
}

/// The table with this number. `None` for the store finds nothing after the same time.
pub async fn find_by_number(
    conn: &mut PgConnection,
    store: Option<StoreId>,
    number: Option<i32>,
) -> Result<Option<Table>> {
    let store = store.map(|store| store.0);
    Ok(select_tables!("AND table_number = $2", store, number).fetch_optional(conn).await?)
}

/// The table.
pub async fn find(conn: &mut PgConnection, store: StoreId, table: TableId) -> Result<Option<Table>> {
    Ok(select_tables!("AND id = $2", store.0, table.0).fetch_optional(conn).await?)
}

/// Reads the data that the validity of the table's token `token_id` depends on; `None` if the table was deleted. A token
/// without a device is revoked together with the device that it was renewed for.
pub async fn find_access(
    conn: &mut PgConnection,
    store: StoreId,
    table: TableId,
    device: Option<DeviceId>,
    token_id: Uuid,
) -> Result<Option<TableAccess>> {
    Ok(sqlx::query_as!(
        TableAccess,
        r#"SELECT token_version,
                  CASE WHEN $3::bigint IS NULL
                    THEN EXISTS (SELECT FROM devices d
                                 WHERE d.store_id = $1 AND d.token_id = $4 AND d.revoked_at IS NOT NULL)
                    ELSE NOT EXISTS (SELECT FROM devices d
                                     WHERE d.store_id = $1 AND d.id = $3 AND d.table_id = $2 AND d.revoked_at IS NULL)
                  END AS "is_revoked!"
           FROM tables WHERE store_id = $1 AND id = $2 AND deleted_at IS NULL"#,
        store.0,
        table.0,
        device.map(|device| device.0),
        token_id
    )
    .fetch_optional(conn)
    .await?)
}

/// Reads the table and locks it against concurrent changes. Orders can still be placed.
///
/// # Errors
/// `TABLE_NOT_FOUND`.
pub async fn lock(conn: &mut PgConnection, store: StoreId, table: TableId) -> Result<Table> {
    let table = select_tables!("AND id = $2 FOR NO KEY UPDATE", store.0, table.0).fetch_optional(conn).await?;
    table.ok_or_else(|| ErrorCode::TableNotFound.into())
}

/// Reads the table and locks it against deletion. Several transactions can hold this lock.
pub async fn lock_shared(conn: &mut PgConnection, store: StoreId, table: TableId) -> Result<Option<Table>> {
    Ok(select_tables!("AND id = $2 FOR SHARE", store.0, table.0).fetch_optional(conn).await?)
}

/// All tables, by number.
pub async fn list(conn: &mut PgConnection, store: StoreId) -> Result<Vec<Table>> {
    Ok(select_tables!("ORDER BY table_number", store.0).fetch_all(conn).await?)
}

/// The number of tables.
pub async fn count(conn: &mut PgConnection, store: StoreId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM tables WHERE store_id = $1 AND deleted_at IS NULL"#,
        store.0
    )
    .fetch_one(conn)
    .await?)
}

/// Writes a table's number, password and token version.
///
/// # Errors
/// `DUPLICATE` if the number is in use, `TABLE_NOT_FOUND`.
pub async fn update(conn: &mut PgConnection, store: StoreId, table: &Table) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE tables SET table_number = $3, password_hash = $4, token_version = $5
         WHERE store_id = $1 AND id = $2 AND deleted_at IS NULL",
        store.0,
        table.id.0,
        table.table_number,
        table.password_hash,
        table.token_version
    )
    .execute(conn)
    .await
    .on_constraint("tables_table_number_key", ErrorCode::Duplicate)?;
    expect_one(&result, ErrorCode::TableNotFound)
}

/// Deletes a table. Its row is kept, because past orders refer to it.
///
/// # Errors
/// `TABLE_NOT_FOUND`.
pub async fn delete(conn: &mut PgConnection, store: StoreId, table: TableId, now: DateTime<Utc>) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE tables SET deleted_at = $3 WHERE store_id = $1 AND id = $2 AND deleted_at IS NULL",
        store.0,
        table.0,
        now
    )
    .execute(conn)
    .await?;
    expect_one(&result, ErrorCode::TableNotFound)
}

/// Adds a table.
///
/// # Errors
/// `DUPLICATE` if the number is in use.
pub async fn insert(
    conn: &mut PgConnection,
    store: StoreId,
    number: i32,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<Table> {
    sqlx::query_as!(
        Table,
        r#"INSERT INTO tables (store_id, table_number, password_hash, created_at) VALUES ($1, $2, $3, $4)
           RETURNING id AS "id: TableId", table_number, password_hash, token_version"#,
        store.0,
        number,
        password_hash,
        now
    )
    .fetch_one(conn)
    .await
    .on_constraint("tables_table_number_key", ErrorCode::Duplicate)
}

/// One of a table's newest orders, as a JSON array from the dashboard's statement: these fields, in this order.
#[derive(Debug, Deserialize)]
struct LatestOrder {
    id: OrderId,
    business_day: chrono::NaiveDate,
    day_number: i32,
    table_number: i32,
    device_id: Option<DeviceId>,
    status: OrderStatus,
    total_amount: Money,
    note: Option<String>,
    #[serde(deserialize_with = "timestamp")]
    created_at: DateTime<Utc>,
    #[serde(deserialize_with = "timestamp")]
    updated_at: DateTime<Utc>,
    items: Vec<OrderItem>,
}

/// Parses a time in the form that PostgreSQL writes into JSON. chrono's `Deserialize` accepts many other forms and takes
/// four times as long.
fn timestamp<'de, D: Deserializer<'de>>(json: D) -> std::result::Result<DateTime<Utc>, D::Error> {
    let text = <&str>::deserialize(json)?;
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(D::Error::custom)
}

impl LatestOrder {
    fn into_order(self, session_id: SessionId, table_id: TableId) -> Order {
        Order {
            id: self.id,
            number: OrderNumber { business_day: self.business_day, day_number: self.day_number },
            session_id,
            table_id,
            table_number: self.table_number,
            device_id: self.device_id,
            status: self.status,
            total_amount: self.total_amount,
            note: self.note,
            created_at: self.created_at,
            updated_at: self.updated_at,
            items: self.items,
        }
    }
}

/// All tables, by number, each with its unfinished session and the newest three orders of that session; and the seq of the
/// store's newest event. Unfinished orders of sessions completed at `carried_over_since` or later count as carried over.
/// One statement reads one snapshot, so each change is either in the result or has a later seq.
///
/// Each table in the statement is compared with `$1` and not with the `store_id` of the table before it: the planner does
/// not propagate the constant into a LATERAL sub-select, and a distributed database needs it in each of them.
///
/// # Errors
/// `STORE_NOT_FOUND`.
pub async fn dashboard(
    conn: &mut PgConnection,
    store: StoreId,
    carried_over_since: DateTime<Utc>,
) -> Result<(i64, Vec<DashboardTable>)> {
    let rows = sqlx::query!(
        r#"SELECT stream.event_seq,
                  t.id AS "id?: TableId", t.table_number AS "table_number?",
                  s.id AS "session_id?: SessionId", s.started_at AS "started_at?",
                  coalesce(sums.total_amount, 0) AS "total_amount!: Money",
                  coalesce(sums.order_count, 0) AS "order_count!",
                  coalesce(sums.pending_count, 0) AS "pending_count!",
                  coalesce(carried_over.order_count, 0) AS "carried_over_count!",
                  latest.orders AS "latest_orders?: Json<Vec<LatestOrder>>"
           FROM store_streams stream
           LEFT JOIN tables t ON t.store_id = $1 AND t.deleted_at IS NULL
           LEFT JOIN table_sessions s
             ON s.store_id = $1 AND s.table_id = t.id AND s.completed_at IS NULL
           LEFT JOIN LATERAL (
             SELECT sum(o.total_amount)::bigint AS total_amount, count(*) AS order_count,
                    count(*) FILTER (WHERE o.status = 'pending') AS pending_count
             FROM orders o
             WHERE o.store_id = $1 AND o.session_id = s.id AND o.cancelled_at IS NULL
           ) sums ON true
           LEFT JOIN LATERAL (
             SELECT count(*) AS order_count
             FROM table_sessions past
             JOIN orders o ON o.store_id = $1 AND o.session_id = past.id
             WHERE past.store_id = $1 AND past.table_id = t.id AND past.completed_at >= $2
               AND past.unfinished_count > 0 AND o.cancelled_at IS NULL AND o.status <> 'completed'
           ) carried_over ON true
           LEFT JOIN LATERAL (
             SELECT json_agg(json_build_array(newest.id, newest.business_day, newest.day_number,
                                              coalesce(newest.table_number, t.table_number), newest.device_id,
                                              newest.status,
                                              newest.total_amount, newest.note, newest.created_at, newest.updated_at,
                                              newest.items)
                             ORDER BY newest.business_day DESC, newest.day_number DESC) AS orders
             FROM (
               SELECT o.id, o.business_day, o.day_number, o.table_number, o.device_id, o.status, o.total_amount, o.note,
                      o.created_at, o.updated_at,
                      (SELECT json_agg(json_build_array(i.id, i.menu_name, i.unit_price, i.quantity) ORDER BY i.line)
                       FROM order_items i WHERE i.store_id = $1 AND i.order_id = o.id) AS items
               FROM orders o
               WHERE o.store_id = $1 AND o.session_id = s.id AND o.cancelled_at IS NULL
               ORDER BY o.business_day DESC, o.day_number DESC
               LIMIT 3
             ) newest
           ) latest ON true
           WHERE stream.store_id = $1
           ORDER BY t.table_number"#,
        store.0,
        carried_over_since
    )
    .fetch_all(conn)
    .await?;

    let event_seq = rows.first().ok_or(ErrorCode::StoreNotFound)?.event_seq;
    let mut tables = Vec::with_capacity(rows.len());
    for row in rows {
        // For a store without tables, there is a single row, which has only the event_seq.
        let (Some(id), Some(table_number)) = (row.id, row.table_number) else { continue };
        let latest = row.latest_orders.map(|Json(orders)| orders).unwrap_or_default();
        let latest_orders = match row.session_id {
            Some(session) => latest.into_iter().map(|order| order.into_order(session, id)).collect(),
            None => Vec::new(),
        };
        tables.push(DashboardTable {
            id,
            table_number,
            session_id: row.session_id,
            started_at: row.started_at,
            total_amount: row.total_amount,
            order_count: row.order_count,
            pending_count: row.pending_count,
            carried_over_count: row.carried_over_count,
            latest_orders,
        });
    }
    Ok((event_seq, tables))
}
