//! Orders and their lines.

mod changes;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

pub use self::changes::{cancel, find_cancellation, lock_status, restore, session_of, set_status, store_table_number};
use crate::error::{ErrorCode, Result};
use crate::models::{
    DayRange, DeviceId, IdempotencyKey, LiveFilter, Money, Order, OrderId, OrderItem, OrderItemId, OrderNumber,
    OrderStatus, Page, Price, Quantity, SessionId, SessionTotals, StoreId, TableId,
};

/// Days before and after all orders.
const EARLIEST: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
const LATEST: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap();

/// Selects orders `o` with their lines. `$tail` filters and sorts them; a sub-select in it is made an array, so that it is
/// evaluated before the lines are read. The lines are one array for each column, because building JSON takes PostgreSQL twice as long.
macro_rules! select_orders {
    ($tail:literal, $($bind:expr),*) => {
        sqlx::query!(
            r#"SELECT o.id AS "id: OrderId", o.business_day, o.day_number, o.session_id AS "session_id: SessionId",
                      o.table_id AS "table_id: TableId",
                      coalesce(o.table_number, (SELECT t.table_number FROM tables t
                                                WHERE t.store_id = $1 AND t.id = o.table_id)) AS "table_number!",
                      o.device_id AS "device_id: DeviceId", o.status AS "status: OrderStatus",
                      o.total_amount AS "total_amount: Money", o.note, o.created_at, o.updated_at,
                      items.ids AS "item_ids!: Vec<OrderItemId>", items.names AS "item_names!",
                      items.prices AS "item_prices!: Vec<Price>", items.quantities AS "item_quantities!: Vec<Quantity>"
               FROM orders o
               CROSS JOIN LATERAL (
                 SELECT array_agg(i.id) AS ids, array_agg(i.menu_name) AS names, array_agg(i.unit_price) AS prices,
                        array_agg(i.quantity) AS quantities
                 FROM (SELECT * FROM order_items WHERE store_id = $1 AND order_id = o.id ORDER BY line) i
               ) items
               WHERE o.store_id = $1 "# + $tail,
            $($bind),*
        )
        .map(|row| Order {
            id: row.id,
            number: OrderNumber { business_day: row.business_day, day_number: row.day_number },
            session_id: row.session_id,
            table_id: row.table_id,
            table_number: row.table_number,
            device_id: row.device_id,
            status: row.status,
            total_amount: row.total_amount,
            note: row.note,
            created_at: row.created_at,
            updated_at: row.updated_at,
            items: row
                .item_ids
                .into_iter()
                .zip(row.item_names)
                .zip(row.item_prices.into_iter().zip(row.item_quantities))
                .map(|((id, menu_name), (unit_price, quantity))| OrderItem { id, menu_name, unit_price, quantity })
                .collect(),
        })
    };
}

/// The session's orders, newest first: at most `limit`, and only those before `below` if it is given.
pub async fn list_by_session(
    conn: &mut PgConnection,
    store: StoreId,
    session: SessionId,
    below: Option<OrderNumber>,
    limit: i64,
) -> Result<Vec<Order>> {
    let orders = select_orders!(
        "AND o.id = ANY (ARRAY(
           SELECT p.id
           FROM orders p
           WHERE p.store_id = $1 AND p.session_id = $2 AND p.cancelled_at IS NULL
             AND ($3::date IS NULL OR (p.business_day, p.day_number) < ($3, $4::int))
           ORDER BY p.business_day DESC, p.day_number DESC LIMIT $5))
         ORDER BY o.business_day DESC, o.day_number DESC",
        store.0,
        session.0,
        below.map(|below| below.business_day),
        below.map(|below| below.day_number),
        limit
    );
    Ok(orders.fetch_all(conn).await?)
}

/// The orders of unfinished sessions, and the unfinished orders of sessions completed at `carried_over_since` or later,
/// newest first: at most one more than the page's limit.
pub async fn list_live(
    conn: &mut PgConnection,
    store: StoreId,
    filter: LiveFilter,
    carried_over_since: DateTime<Utc>,
    page: Page,
) -> Result<Vec<Order>> {
    let orders = select_orders!(
        "AND o.id = ANY (ARRAY(
           SELECT p.id
           FROM (
             SELECT id, false AS is_completed FROM table_sessions WHERE store_id = $1 AND completed_at IS NULL
             UNION ALL
             SELECT past.id, true
             FROM tables t
             JOIN table_sessions past ON past.store_id = $1 AND past.table_id = t.id AND past.completed_at >= $7
             WHERE t.store_id = $1 AND past.unfinished_count > 0
           ) s
           JOIN orders p ON p.store_id = $1 AND p.session_id = s.id AND p.cancelled_at IS NULL
           WHERE (NOT s.is_completed OR p.status <> 'completed')
             AND ($2::order_status IS NULL OR p.status = $2)
             AND ($3::bigint IS NULL OR p.table_id = $3)
             AND ($4::date IS NULL OR (p.business_day, p.day_number) < ($4, $5::int))
           ORDER BY p.business_day DESC, p.day_number DESC LIMIT $6))
         ORDER BY o.business_day DESC, o.day_number DESC",
        store.0,
        filter.status as Option<OrderStatus>,
        filter.table_id.map(|table| table.0),
        page.below.map(|below| below.business_day),
        page.below.map(|below| below.day_number),
        page.limit.and_one_more(),
        carried_over_since
    );
    Ok(orders.fetch_all(conn).await?)
}

/// The orders of a table's completed sessions, newest first: at most one more than the page's limit.
pub async fn list_past(
    conn: &mut PgConnection,
    store: StoreId,
    table: TableId,
    days: DayRange,
    page: Page,
) -> Result<Vec<Order>> {
    let orders = select_orders!(
        "AND o.id = ANY (ARRAY(
           SELECT p.id
           FROM orders p
           JOIN table_sessions s ON s.store_id = p.store_id AND s.id = p.session_id
           WHERE p.store_id = $1 AND p.table_id = $2 AND p.cancelled_at IS NULL AND s.completed_at IS NOT NULL
             AND p.business_day BETWEEN $3 AND $4
             AND ($5::date IS NULL OR (p.business_day, p.day_number) < ($5, $6::int))
           ORDER BY p.business_day DESC, p.day_number DESC LIMIT $7))
         ORDER BY o.business_day DESC, o.day_number DESC",
        store.0,
        table.0,
        days.from.unwrap_or(EARLIEST),
        days.to.unwrap_or(LATEST),
        page.below.map(|below| below.business_day),
        page.below.map(|below| below.day_number),
        page.limit.and_one_more()
    );
    Ok(orders.fetch_all(conn).await?)
}

/// The order.
///
/// # Errors
/// `ORDER_NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, store: StoreId, order: OrderId) -> Result<Order> {
    let orders = select_orders!("AND o.cancelled_at IS NULL AND o.id = $2", store.0, order.0);
    orders.fetch_optional(conn).await?.ok_or_else(|| ErrorCode::OrderNotFound.into())
}

/// The number and the total amount of a session's orders.
pub async fn totals(conn: &mut PgConnection, store: StoreId, session: SessionId) -> Result<SessionTotals> {
    Ok(sqlx::query_as!(
        SessionTotals,
        r#"SELECT count(*) AS "order_count!", coalesce(sum(total_amount), 0)::bigint AS "total_amount!: Money",
                  count(*) FILTER (WHERE status <> 'completed') AS "unfinished_count!"
           FROM orders WHERE store_id = $1 AND session_id = $2 AND cancelled_at IS NULL"#,
        store.0,
        session.0
    )
    .fetch_one(conn)
    .await?)
}

/// The session's order with this idempotency key, cancelled or not, and the digest of its content.
pub async fn find_by_key(
    conn: &mut PgConnection,
    store: StoreId,
    session: SessionId,
    key: &IdempotencyKey,
) -> Result<Option<(Order, Option<Vec<u8>>)>> {
    let orders = select_orders!("AND o.session_id = $2 AND o.idempotency_key = $3", store.0, session.0, key.as_str());
    let Some(order) = orders.fetch_optional(&mut *conn).await? else { return Ok(None) };
    let digest =
        sqlx::query_scalar!("SELECT content_digest FROM orders WHERE store_id = $1 AND id = $2", store.0, order.id.0)
            .fetch_optional(conn)
            .await?
            .flatten();
    Ok(Some((order, digest)))
}

/// The order with this key and content that was placed at the table at `since` or later, in any session. A tablet that lost
/// the answer and logged in again sends the order a second time.
pub async fn find_retried(
    conn: &mut PgConnection,
    store: StoreId,
    table: TableId,
    key: &IdempotencyKey,
    digest: &[u8],
    since: DateTime<Utc>,
) -> Result<Option<Order>> {
    let orders = select_orders!(
        "AND o.session_id = ANY (ARRAY(
           SELECT s.id FROM table_sessions s
           WHERE s.store_id = $1 AND s.table_id = $2 AND (s.completed_at IS NULL OR s.completed_at > $5)))
         AND o.idempotency_key = $3 AND o.content_digest = $4 AND o.created_at > $5
         ORDER BY o.business_day DESC, o.day_number DESC",
        store.0,
        table.0,
        key.as_str(),
        digest,
        since
    );
    Ok(orders.fetch_optional(conn).await?)
}
