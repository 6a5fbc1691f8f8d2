//! Orders that are about to be stored.

use super::{
    DeviceId, IdempotencyKey, MenuItemId, Money, Order, OrderId, OrderItem, OrderItemId, OrderNumber, OrderStatus,
    Price, Quantity, SessionId, TableId,
};
use chrono::{DateTime, Utc};

/// An order that was validated and priced with one version of the menu.
#[derive(Debug, Clone)]
pub struct PricedOrder {
    /// The session it is for.
    pub session_id: SessionId,
    /// Whether the client named this session: then an order of another session is not an earlier attempt.
    pub is_session_named: bool,
    /// The table it comes from.
    pub table_id: TableId,
    /// The device that places it.
    pub device_id: Option<DeviceId>,
    /// The menu version it was priced with. The order is stored only if the store still has this version.
    pub menu_version: i64,
    /// The latest time at which it may be placed.
    pub not_after: Option<DateTime<Utc>>,
    /// Its lines.
    pub lines: Vec<PricedLine>,
    /// The sum of its lines.
    pub total_amount: Money,
    /// The guest's note.
    pub note: Option<String>,
    /// The client's idempotency key and the digest of the content.
    pub idempotency: Option<(IdempotencyKey, [u8; 32])>,
}

/// A line with the menu item's name and price.
#[derive(Debug, Clone)]
pub struct PricedLine {
    /// The menu item.
    pub menu_id: MenuItemId,
    /// Its name.
    pub menu_name: String,
    /// Its price.
    pub unit_price: Price,
    /// The quantity.
    pub quantity: Quantity,
}

impl PricedLine {
    /// Price times quantity.
    #[must_use]
    pub fn subtotal(&self) -> Money {
        Money::of_line(self.unit_price, self.quantity)
    }
}

/// The outcome of writing a [`PricedOrder`].
#[derive(Debug, Clone)]
pub enum PlacementOutcome {
    /// It is stored.
    Placed(Box<Order>),
    /// The session has ended, or is not the table's.
    SessionEnded,
    /// Its `not_after` has passed.
    Expired,
    /// The session has reached its order limit.
    TooManyOrders,
    /// The order would exceed the session's line limit.
    TooManyLines,
    /// The session already has an order with this key, or the table has one with this key and content.
    KeyUsed,
    /// The menu version has changed.
    MenuChanged {
        /// The current version.
        menu_version: i64,
    },
}

impl PricedOrder {
    /// The order as stored at `now`, with the ids and numbers that the database assigned.
    #[must_use]
    pub fn stored(
        &self,
        id: OrderId,
        number: OrderNumber,
        table_number: i32,
        item_ids: &[OrderItemId],
        now: DateTime<Utc>,
    ) -> Order {
        let item = |(line, id): (&PricedLine, &OrderItemId)| OrderItem {
            id: *id,
            menu_name: line.menu_name.clone(),
            unit_price: line.unit_price,
            quantity: line.quantity,
        };
        Order {
            id,
            number,
            session_id: self.session_id,
            table_id: self.table_id,
            table_number,
            device_id: self.device_id,
            status: OrderStatus::Pending,
            total_amount: self.total_amount,
            note: self.note.clone(),
            created_at: now,
            updated_at: now,
            items: self.lines.iter().zip(item_ids).map(item).collect(),
        }
    }
}
