//! New events with their data.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::error::Language;
use crate::models::{EventKind, NewEvent, Order, OrderStatus, PricedOrder, SessionId, TableId};
use crate::schemas::event::{
    MenuChangedEvent, NewOrderEvent, NewOrderEventItem, OrderDeletedEvent, OrderUpdatedEvent, SessionCompletedEvent,
};
use crate::schemas::message::Message;

impl NewEvent {
    /// A guest ordered. The statement that stores the order adds to the data what it assigns: the order's id and
    /// number, and the table's number.
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

    /// An order's status moved.
    #[must_use]
    pub fn order_updated(order: &Order) -> Self {
        let Order { id: order_id, status, table_id, session_id, .. } = *order;
        let data = OrderUpdatedEvent { order_id, status, table_id, session_id };
        Self::about(EventKind::OrderUpdated, Some(session_id), &data)
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

    fn about(kind: EventKind, session_id: Option<SessionId>, data: &impl Serialize) -> Self {
        // Plain structs of numbers and strings always serialise.
        Self { kind, session_id, data: to_raw_value(data).unwrap_or_default() }
    }
}
