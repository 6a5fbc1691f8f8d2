//! What each event says on the wire. Clients read these fields; more may come, none may go.

use serde::Serialize;

use crate::models::{EventKind, NewEvent, Order, OrderId, OrderStatus, SessionId, TableId};

#[derive(Serialize)]
struct NewOrderData<'a> {
    order_id: OrderId,
    order_number: String,
    table_number: i32,
    items: Vec<NewOrderItem<'a>>,
    total_amount: i64,
    status: OrderStatus,
    created_at: String,
    session_id: SessionId,
    table_id: TableId,
}

#[derive(Serialize)]
struct NewOrderItem<'a> {
    menu_name: &'a str,
    quantity: i32,
    subtotal: i64,
}

#[derive(Serialize)]
struct OrderChangedData {
    order_id: OrderId,
    /// Where it stands now; an order that was cancelled stands nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<OrderStatus>,
    table_id: TableId,
    session_id: SessionId,
}

#[derive(Serialize)]
struct MenuChangedData {
    menu_version: i64,
}

#[derive(Serialize)]
struct SessionCompletedData {
    session_id: SessionId,
    message: &'static str,
    table_id: TableId,
}

impl NewEvent {
    /// A guest ordered.
    #[must_use]
    pub fn new_order(order: &Order) -> Self {
        let items = order.items.iter().map(|item| NewOrderItem {
            menu_name: &item.menu_name,
            quantity: item.quantity.get(),
            subtotal: item.subtotal().get(),
        });
        let data = NewOrderData {
            order_id: order.id,
            order_number: order.number.to_string(),
            table_number: order.table_number,
            items: items.collect(),
            total_amount: order.total_amount.get(),
            status: order.status,
            created_at: order.created_at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
            session_id: order.session_id,
            table_id: order.table_id,
        };
        Self::about(EventKind::NewOrder, Some(order.session_id), &data)
    }

    /// An order's status moved.
    #[must_use]
    pub fn order_updated(order: &Order) -> Self {
        let data = OrderChangedData {
            order_id: order.id,
            status: Some(order.status),
            table_id: order.table_id,
            session_id: order.session_id,
        };
        Self::about(EventKind::OrderUpdated, Some(order.session_id), &data)
    }

    /// An order was cancelled.
    #[must_use]
    pub fn order_deleted(order_id: OrderId, table_id: TableId, session_id: SessionId) -> Self {
        let data = OrderChangedData { order_id, status: None, table_id, session_id };
        Self::about(EventKind::OrderDeleted, Some(session_id), &data)
    }

    /// The menu changed.
    #[must_use]
    pub fn menu_changed(menu_version: i64) -> Self {
        Self::about(EventKind::MenuChanged, None, &MenuChangedData { menu_version })
    }

    /// A table's stay was completed.
    #[must_use]
    pub fn session_completed(session_id: SessionId, table_id: TableId) -> Self {
        let data = SessionCompletedData { session_id, message: "이용이 완료되었습니다.", table_id };
        Self::about(EventKind::SessionCompleted, Some(session_id), &data)
    }

    fn about(kind: EventKind, session_id: Option<SessionId>, data: &impl Serialize) -> Self {
        // Plain structs of numbers and strings always serialise.
        let data = serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned());
        Self { kind, session_id, data }
    }
}
