//! Placing orders: the statement that writes a batch of orders.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::config::SessionLimits;
use crate::error::{AppError, Result};
use crate::models::{
    DeviceId, Event, MenuItemId, NewEvent, OrderId, OrderItemId, OrderNumber, PlacementOutcome, PricedLine,
    PricedOrder, SessionId, StoreId, TableId,
};

/// An order in the form that the SQL function `place_orders_v2` reads.
#[derive(Serialize)]
struct OrderDocument<'a> {
    session_id: SessionId,
    is_session_named: bool,
    table_id: TableId,
    device_id: Option<DeviceId>,
    menu_version: i64,
    not_after: Option<DateTime<Utc>>,
    total_amount: i64,
    note: Option<&'a str>,
    key: Option<&'a str>,
    digest: Option<String>,
    lines: Vec<LineDocument<'a>>,
    event: EventDocument,
}

#[derive(Serialize)]
struct LineDocument<'a> {
    menu_id: MenuItemId,
    menu_name: &'a str,
    unit_price: i64,
    quantity: i32,
}

#[derive(Serialize)]
struct EventDocument {
    kind: &'static str,
    audience: &'static str,
    data: Box<RawValue>,
}

impl<'a> OrderDocument<'a> {
    fn new(order: &'a PricedOrder, event: NewEvent) -> Self {
        let line = |line: &'a PricedLine| LineDocument {
            menu_id: line.menu_id,
            menu_name: &line.menu_name,
            unit_price: line.unit_price.get(),
            quantity: line.quantity.get(),
        };
        Self {
            session_id: order.session_id,
            is_session_named: order.is_session_named,
            table_id: order.table_id,
            device_id: order.device_id,
            menu_version: order.menu_version,
            not_after: order.not_after,
            total_amount: order.total_amount.get(),
            note: order.note.as_deref(),
            key: order.idempotency.as_ref().map(|(key, _)| key.as_str()),
            digest: order.idempotency.as_ref().map(|(_, digest)| hex::encode(digest)),
            lines: order.lines.iter().map(line).collect(),
            event: EventDocument {
                kind: event.kind.as_str(),
                audience: event.kind.audience().as_str(),
                data: event.data,
            },
        }
    }
}

/// Writes orders of one store with their lines and events, in one statement. `orders` must be sorted by session. The SQL
/// function adds the order's id, the order's number and the table's number to the data of each `new_order` event. An order
/// above `limits` is refused.
///
/// Returns the outcome of each order, in the same order, and the events of the placed ones.
pub async fn place_all(
    conn: &mut PgConnection,
    store: StoreId,
    business_day: NaiveDate,
    now: DateTime<Utc>,
    limits: SessionLimits,
    orders: Vec<(&PricedOrder, NewEvent)>,
) -> Result<(Vec<PlacementOutcome>, Vec<Event>)> {
    let priced: Vec<(&PricedOrder, _)> = orders.iter().map(|(order, event)| (*order, event.kind)).collect();
    let documents: Vec<_> = orders.into_iter().map(|(order, event)| OrderDocument::new(order, event)).collect();
    let rows = sqlx::query!(
        r#"SELECT outcome AS "outcome!", order_id AS "order_id: OrderId", day_number, event_seq, table_number,
                  item_ids AS "item_ids: Vec<OrderItemId>", event_data, current_menu_version
           FROM place_orders_v2($1, $2, $3, $4, $5, $6) ORDER BY place"#,
        store.0,
        business_day,
        now,
        Json(&documents) as _,
        limits.orders,
        limits.lines
    )
    .fetch_all(conn)
    .await?;
    if rows.len() != priced.len() {
        return Err(AppError::internal("an order was neither placed nor refused"));
    }
    let incomplete = || AppError::internal("a stored order lacks a column");
    let (mut outcomes, mut events) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for ((order, kind), row) in priced.into_iter().zip(rows) {
        outcomes.push(match row.outcome.as_str() {
            "session_ended" => PlacementOutcome::SessionEnded,
            "key_used" => PlacementOutcome::KeyUsed,
            "expired" => PlacementOutcome::Expired,
            "too_many_orders" => PlacementOutcome::TooManyOrders,
            "too_many_lines" => PlacementOutcome::TooManyLines,
            "menu_changed" => {
                PlacementOutcome::MenuChanged { menu_version: row.current_menu_version.ok_or_else(incomplete)? }
            }
            "placed" => {
                let number = OrderNumber { business_day, day_number: row.day_number.ok_or_else(incomplete)? };
                let (id, table_number) =
                    (row.order_id.ok_or_else(incomplete)?, row.table_number.ok_or_else(incomplete)?);
                events.push(Event {
                    seq: row.event_seq.ok_or_else(incomplete)?,
                    kind: kind.as_str().to_owned(),
                    audience: kind.audience(),
                    session_id: Some(order.session_id),
                    data: row.event_data.ok_or_else(incomplete)?,
                    created_at: now,
                });
                let item_ids = row.item_ids.ok_or_else(incomplete)?;
                PlacementOutcome::Placed(Box::new(order.stored(id, number, table_number, &item_ids, now)))
            }
            other => return Err(AppError::internal(format!("an order has the unknown outcome {other}"))),
        });
    }
    Ok((outcomes, events))
}
