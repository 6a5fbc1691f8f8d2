//! Limits of each store and each session.

use std::num::NonZero;

use super::reader::Reader;

/// The limits of each store.
#[derive(Debug, Clone, Copy)]
pub struct StoreLimits {
    /// The number of menu items.
    pub menu_items: i64,
    /// The total bytes of the menu items' names, descriptions and image addresses.
    pub menu_bytes: i64,
    /// The number of categories.
    pub categories: i64,
    /// The number of tables.
    pub tables: i64,
    /// The number of users.
    pub users: i64,
}

/// The limits of each session.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// The number of orders, including cancelled ones.
    pub orders: i32,
    /// The number of lines of these orders.
    pub lines: i32,
    /// The rate limit of orders, on this instance; `None` means no limit.
    pub orders_per_second: Option<NonZero<u32>>,
    /// The number of orders at once.
    pub order_burst: NonZero<u32>,
}

impl StoreLimits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            menu_items: reader.number("STORE_MAX_MENU_ITEMS", 1_000, 1, 100_000),
            menu_bytes: reader.number("STORE_MAX_MENU_BYTES", 4 << 20, 1_024, 1 << 30),
            categories: reader.number("STORE_MAX_CATEGORIES", 100, 1, 100_000),
            tables: reader.number("STORE_MAX_TABLES", 300, 1, 100_000),
            users: reader.number("STORE_MAX_USERS", 100, 1, 100_000),
        }
    }
}

impl SessionLimits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let burst = reader.number("SESSION_ORDER_BURST", 10, 1, 1_000_000);
        Self {
            orders: reader.number("SESSION_MAX_ORDERS", 300, 1, 10_000_000),
            lines: reader.number("SESSION_MAX_LINES", 3_000, 100, 100_000_000),
            orders_per_second: NonZero::new(reader.number("SESSION_ORDERS_PER_SECOND", 1, 0, 1_000_000)),
            order_burst: NonZero::new(burst).unwrap_or(NonZero::<u32>::MIN),
        }
    }
}
