//! An order that was judged and is about to be written.

use super::{IdempotencyKey, ItemId, MenuId, Money, OrderId, Price, Quantity, SessionId, TableId};

/// An order that was judged and is about to be written, at the prices of one version of the menu.
#[derive(Debug, Clone)]
pub struct Placement {
    /// The stay it is for.
    pub session_id: SessionId,
    /// The table it comes from.
    pub table_id: TableId,
    /// The menu it was priced from; it is written only if that is still the store's menu.
    pub menu_version: i64,
    /// Its lines.
    pub lines: Vec<PricedLine>,
    /// Their sum.
    pub total_amount: Money,
    /// The guest's wish.
    pub note: Option<String>,
    /// The key its client sent, and a digest of what it asks for.
    pub idempotency: Option<(IdempotencyKey, [u8; 32])>,
}

/// A line with the dish's name and price.
#[derive(Debug, Clone)]
pub struct PricedLine {
    /// The dish.
    pub menu_id: MenuId,
    /// Its name.
    pub menu_name: String,
    /// Its price.
    pub unit_price: Price,
    /// How many.
    pub quantity: Quantity,
}

/// What became of an order.
#[derive(Debug, Clone)]
pub enum PlacedAs {
    /// It is written.
    Order {
        /// Its id.
        id: OrderId,
        /// Its number within the day.
        day_number: i32,
        /// Its event's seq.
        event_seq: i64,
        /// The table's number.
        table_number: i32,
        /// Its lines' ids.
        item_ids: Vec<ItemId>,
    },
    /// The stay has ended.
    SessionEnded,
    /// The session has an order with this key.
    KeyUsed,
    /// The menu is another by now.
    MenuChanged,
}
