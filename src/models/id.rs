//! Typed ids: a [`MenuItemId`] cannot stand where a [`TableId`] belongs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! typed_ids {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            Serialize, Deserialize, sqlx::Type, ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = i64, example = 1)]
        $(#[$meta])*
        pub struct $name(pub i64);

        impl From<i64> for $name {
            fn from(id: i64) -> Self {
                Self(id)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

typed_ids! {
    /// A store's number inside the server; clients know the store by its code.
    StoreId;
    /// A staff account.
    UserId;
    /// A table with its tablet.
    TableId;
    /// A tablet that was paired with its table.
    DeviceId;
    /// A session: one party's stay at a table.
    SessionId;
    /// A category of the menu.
    CategoryId;
    /// A menu item.
    #[schema(as = MenuId)]
    MenuItemId;
    /// An order.
    OrderId;
    /// A line of an order.
    #[schema(as = ItemId)]
    OrderItemId;
}
