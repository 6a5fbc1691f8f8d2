//! Events with their data, ready to be written.

use serde::Serialize;

use crate::error::Language;
use crate::models::{EventKind, NewEvent, Order, OrderId, SessionId, TableId};
use crate::schemas::event::{
    MenuChangedEvent, NewOrderEvent, OrderDeletedEvent, OrderUpdatedEvent, SessionCompletedEvent,
};
use crate::schemas::message::Message;

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
        // Plain structs of numbers and strings always serialise.
        let data = serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned());
        Self { kind, session_id, data }
    }
}
