//! Orders on their way into the database.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::error::{AppError, Result};
use crate::models::{ItemId, OrderId, PlacedAs, Placement, StoreId};

/// Writes orders of one store, in one round trip and one transaction: sessions locked against being completed, the
/// day's numbers, the orders, their lines and events, whose data ends in `event_tails`. What became of each is told in
/// the order they came in, which must be that of their sessions.
///
/// # Errors
/// Of the database; then none was written.
pub async fn place(
    conn: &mut PgConnection,
    store: StoreId,
    business_day: NaiveDate,
    now: DateTime<Utc>,
    orders: &[&Placement],
    event_tails: &[String],
) -> Result<Vec<PlacedAs>> {
    let lines = || orders.iter().flat_map(|order| &order.lines);
    let sessions: Vec<i64> = orders.iter().map(|order| order.session_id.0).collect();
    let tables: Vec<i64> = orders.iter().map(|order| order.table_id.0).collect();
    let versions: Vec<i64> = orders.iter().map(|order| order.menu_version).collect();
    let totals: Vec<i64> = orders.iter().map(|order| order.total_amount.get()).collect();
    let notes: Vec<Option<&str>> = orders.iter().map(|order| order.note.as_deref()).collect();
    let keys: Vec<Option<&str>> =
        orders.iter().map(|order| order.idempotency.as_ref().map(|(key, _)| key.as_str())).collect();
    let digests: Vec<Option<&[u8]>> =
        orders.iter().map(|order| order.idempotency.as_ref().map(|(_, digest)| digest.as_slice())).collect();
    let counts: Vec<i32> = orders.iter().map(|order| i32::try_from(order.lines.len()).unwrap_or(i32::MAX)).collect();
    let menus: Vec<i64> = lines().map(|line| line.menu_id.0).collect();
    let names: Vec<&str> = lines().map(|line| line.menu_name.as_str()).collect();
    let prices: Vec<i64> = lines().map(|line| line.unit_price.get()).collect();
    let quantities: Vec<i32> = lines().map(|line| line.quantity.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT outcome AS "outcome!", order_id, day_number, event_seq, table_number, item_ids
           FROM place_orders_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
           ORDER BY place"#,
        store.0,
        business_day,
        now,
        &sessions,
        &tables,
        &versions,
        &totals,
        &notes as &[Option<&str>],
        &keys as &[Option<&str>],
        &digests as &[Option<&[u8]>],
        event_tails,
        &counts,
        &menus,
        &names as &[&str],
        &prices,
        &quantities
    )
    .fetch_all(conn)
    .await?;
    if rows.len() != orders.len() {
        return Err(AppError::internal("an order was neither placed nor refused"));
    }
    rows.into_iter()
        .map(|row| match row.outcome.as_str() {
            "session_ended" => Ok(PlacedAs::SessionEnded),
            "key_used" => Ok(PlacedAs::KeyUsed),
            "menu_changed" => Ok(PlacedAs::MenuChanged),
            _ => {
                let incomplete = || AppError::internal("an order that was placed lacks something");
                Ok(PlacedAs::Order {
                    id: OrderId(row.order_id.ok_or_else(incomplete)?),
                    day_number: row.day_number.ok_or_else(incomplete)?,
                    event_seq: row.event_seq.ok_or_else(incomplete)?,
                    table_number: row.table_number.ok_or_else(incomplete)?,
                    item_ids: row.item_ids.ok_or_else(incomplete)?.into_iter().map(ItemId).collect(),
                })
            }
        })
        .collect()
}
