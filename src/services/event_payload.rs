//! The data of the events on a stream. Clients read these fields: new fields may be added, none may be removed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::to_raw_value;
use utoipa::ToSchema;

use crate::error::{Language, Limit, Message};
use crate::models::{EventKind, NewEvent, Order, OrderId, OrderStatus, PricedOrder, SessionId, Table, TableId};

/// `connected` and `reset`: the position of the stream.
#[derive(Serialize, ToSchema)]
#[schema(as = StreamPlaceEvent)]
pub struct StreamCursorEvent {
    /// The cursor, which is also the event's `id`.
    #[schema(example = "4f1c2a9be07d:42")]
    pub event_id: String,
    /// The version of the store's menu.
    #[schema(example = 42)]
    pub menu_version: i64,
}

/// `new_order`: a guest placed an order. `order_restored`: a cancelled order was restored.
// The fields that the database assigns are absent until the order is stored.
#[derive(Serialize, ToSchema)]
pub struct NewOrderEvent<'a> {
    /// The order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = OrderId)]
    pub order_id: Option<OrderId>,
    /// The number that staff and guests use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = String, example = "20261120-001")]
    pub order_number: Option<String>,
    /// The table's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = i32, example = 3)]
    pub table_number: Option<i32>,
    /// Its lines.
    pub items: Vec<NewOrderEventItem<'a>>,
    /// The sum of its lines, in the currency's minor unit.
    #[schema(example = 18000)]
    pub total_amount: i64,
    /// Its status.
    pub status: OrderStatus,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// Its session.
    pub session_id: SessionId,
    /// The table it was placed at.
    pub table_id: TableId,
}

/// A line of a new order.
#[derive(Serialize, ToSchema)]
pub struct NewOrderEventItem<'a> {
    /// The menu item's name.
    #[schema(example = "김치찌개")]
    pub menu_name: &'a str,
    /// The quantity.
    #[schema(example = 2)]
    pub quantity: i32,
    /// Price times quantity.
    #[schema(example = 18000)]
    pub subtotal: i64,
}

/// `order_updated`: an order's status changed.
#[derive(Serialize, ToSchema)]
pub struct OrderUpdatedEvent {
    /// The order.
    pub order_id: OrderId,
    /// Its new status.
    pub status: OrderStatus,
    /// The table it was placed at.
    pub table_id: TableId,
    /// Its session.
    pub session_id: SessionId,
}

/// `order_deleted`: an order was cancelled.
#[derive(Serialize, ToSchema)]
pub struct OrderDeletedEvent {
    /// The order.
    pub order_id: OrderId,
    /// The table it was placed at.
    pub table_id: TableId,
    /// Its session.
    pub session_id: SessionId,
}

/// `session_reopened`: a session that was completed by mistake is running again. The table's tablet renews its token.
#[derive(Serialize, ToSchema)]
pub struct SessionReopenedEvent {
    /// The session.
    pub session_id: SessionId,
    /// The table.
    pub table_id: TableId,
}

/// `session_completed`: a table's session was completed.
#[derive(Serialize, ToSchema)]
pub struct SessionCompletedEvent {
    /// The session.
    pub session_id: SessionId,
    /// The message for the guest, in Korean, since all streams of the session share the event.
    #[schema(example = "이용이 완료되었습니다.")]
    pub message: &'static str,
    /// The table.
    pub table_id: TableId,
}

/// `menu_changed`: the menu changed; clients read it again.
#[derive(Serialize, ToSchema)]
pub struct MenuChangedEvent {
    /// The new menu version.
    #[schema(example = 7)]
    pub menu_version: i64,
}

/// `limit_reached`: a table's orders are refused because they exceed a limit.
#[derive(Serialize, ToSchema)]
pub struct LimitReachedEvent {
    /// The limit: `session_orders`, `session_lines` or `session_orders_per_second`.
    #[schema(example = "session_orders_per_second")]
    pub limit: &'static str,
    /// Its value.
    #[schema(example = 1)]
    pub maximum: i64,
    /// The session.
    pub session_id: SessionId,
    /// The table.
    pub table_id: TableId,
    /// The table's number.
    #[schema(example = 3)]
    pub table_number: i32,
}

impl NewEvent {
    /// A guest placed an order. The statement that stores the order adds what it assigns: the order's id and number,
    /// and the table's number.
    #[must_use]
    pub fn new_order(order: &PricedOrder, now: DateTime<Utc>) -> Self {
        let items = order.lines.iter().map(|line| NewOrderEventItem {
            menu_name: &line.menu_name,
            quantity: line.quantity.get(),
            subtotal: line.subtotal().get(),
        });
        let data = NewOrderEvent {
            order_id: None,
            order_number: None,
            table_number: None,
            items: items.collect(),
            total_amount: order.total_amount.get(),
            status: OrderStatus::Pending,
            created_at: now,
            session_id: order.session_id,
            table_id: order.table_id,
        };
        Self::about(EventKind::NewOrder, Some(order.session_id), &data)
    }

    /// An order's status changed.
    #[must_use]
    pub fn order_updated(order: &Order) -> Self {
        let Order { id: order_id, status, table_id, session_id, .. } = *order;
        let data = OrderUpdatedEvent { order_id, status, table_id, session_id };
        Self::about(EventKind::OrderUpdated, Some(session_id), &data)
    }

    /// A cancelled order was restored.
    #[must_use]
    pub fn order_restored(order: &Order) -> Self {
        let items = order.items.iter().map(|item| NewOrderEventItem {
            menu_name: &item.menu_name,
            quantity: item.quantity.get(),
            subtotal: item.subtotal().get(),
        });
        let data = NewOrderEvent {
            order_id: Some(order.id),
            order_number: Some(order.number.to_string()),
            table_number: Some(order.table_number),
            items: items.collect(),
            total_amount: order.total_amount.get(),
            status: order.status,
            created_at: order.created_at,
            session_id: order.session_id,
            table_id: order.table_id,
        };
        Self::about(EventKind::OrderRestored, Some(order.session_id), &data)
    }

    /// An order was cancelled.
    #[must_use]
    pub fn order_deleted(order: &Order) -> Self {
        let Order { id: order_id, table_id, session_id, .. } = *order;
        let data = OrderDeletedEvent { order_id, table_id, session_id };
        Self::about(EventKind::OrderDeleted, Some(session_id), &data)
    }

    /// The menu changed.
    #[must_use]
    pub fn menu_changed(menu_version: i64) -> Self {
        Self::about(EventKind::MenuChanged, None, &MenuChangedEvent { menu_version })
    }

    /// A session was completed.
    #[must_use]
    pub fn session_completed(session_id: SessionId, table_id: TableId) -> Self {
        let message = Message::Completed.text(Language::Korean);
        let data = SessionCompletedEvent { session_id, message, table_id };
        Self::about(EventKind::SessionCompleted, Some(session_id), &data)
    }

    /// A session was reopened that was completed by mistake.
    #[must_use]
    pub fn session_reopened(session_id: SessionId, table_id: TableId) -> Self {
        let data = SessionReopenedEvent { session_id, table_id };
        Self::about(EventKind::SessionReopened, Some(session_id), &data)
    }

    /// The orders of a table's session are refused because of `limit`.
    #[must_use]
    pub fn limit_reached(limit: Limit, maximum: i64, session_id: SessionId, table: &Table) -> Self {
        let Table { id: table_id, table_number, .. } = *table;
        let data = LimitReachedEvent { limit: limit.as_str(), maximum, session_id, table_id, table_number };
        Self::about(EventKind::LimitReached, Some(session_id), &data)
    }

    fn about(kind: EventKind, session_id: Option<SessionId>, data: &impl Serialize) -> Self {
        // Serialising a plain struct of numbers and strings cannot fail.
        Self { kind, session_id, data: to_raw_value(data).unwrap_or_default() }
    }
}
