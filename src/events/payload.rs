//! Events with their data, ready to be written.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::error::Language;
use crate::models::{EventKind, Money, NewEvent, Order, OrderId, OrderStatus, Placement, SessionId, TableId};
use crate::schemas::event::{
    MenuChangedEvent, NewOrderEvent, NewOrderEventItem, OrderDeletedEvent, OrderUpdatedEvent, SessionCompletedEvent,
};
use crate::schemas::message::Message;

/// Where in the data of a `new_order` begins what is known before the order is written: behind its id, its number
/// and the table's number, which the statement that writes the order puts before.
const TAIL: &str = "\"items\":";

/// The data of the `new_order` that will tell of an order, from behind the table's number on.
#[must_use]
pub fn new_order_tail(placement: &Placement, now: DateTime<Utc>) -> String {
    let items = placement.lines.iter().map(|line| NewOrderEventItem {
        menu_name: line.menu_name.clone(),
        quantity: line.quantity.get(),
        subtotal: Money::of_line(line.unit_price, line.quantity).get(),
    });
    let event = NewOrderEvent {
        order_id: OrderId(0),
        order_number: String::new(),
        table_number: 0,
        items: items.collect(),
        total_amount: placement.total_amount.get(),
        status: OrderStatus::Pending,
        created_at: now,
        session_id: placement.session_id,
        table_id: placement.table_id,
    };
    let data = to_json(&event);
    data.find(TAIL).and_then(|tail| data.get(tail..)).unwrap_or_default().to_owned()
}

fn to_json(data: &impl Serialize) -> String {
    // Plain structs of numbers and strings always serialise.
    serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned())
}

impl NewEvent {
    /// A guest ordered.
    #[must_use]
    pub fn new_order(order: &Order) -> Self {
        Self::about(EventKind::NewOrder, Some(order.session_id), &NewOrderEvent::from(order))
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
    pub fn order_deleted(order_id: OrderId, table_id: TableId, session_id: SessionId) -> Self {
        let data = OrderDeletedEvent { order_id, table_id, session_id };
        Self::about(EventKind::OrderDeleted, Some(session_id), &data)
    }

    /// The menu changed.
    #[must_use]
    pub fn menu_changed(menu_version: i64) -> Self {
        Self::about(EventKind::MenuChanged, None, &MenuChangedEvent { menu_version })
    }

    /// A table's stay was completed.
    #[must_use]
    pub fn session_completed(session_id: SessionId, table_id: TableId) -> Self {
        let message = Message::Completed.text(Language::Korean);
        let data = SessionCompletedEvent { session_id, message, table_id };
        Self::about(EventKind::SessionCompleted, Some(session_id), &data)
    }

    fn about(kind: EventKind, session_id: Option<SessionId>, data: &impl Serialize) -> Self {
        Self { kind, session_id, data: to_json(data) }
    }
}
