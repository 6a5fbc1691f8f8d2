//! Typed ids: code that passes a [`MenuItemId`] where a [`TableId`] is expected does not compile.

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
    /// A store's internal id; clients identify a store by its code.
    StoreId;
    /// The id of a user.
    UserId;
    /// The id of a table.
    TableId;
    /// The id of a device: a tablet that is paired with a table.
    DeviceId;
    /// The id of a session: the time that one party spends at a table.
    SessionId;
    /// The id of a category.
    CategoryId;
    /// The id of a menu item.
    #[schema(as = MenuId)]
    MenuItemId;
    /// The id of an order.
    OrderId;
    /// The id of an order line.
    #[schema(as = ItemId)]
    OrderItemId;
}
