//! SQL, and nothing else. A function here borrows a connection, runs one statement that starts from
//! `store_id`, and opens no transaction.

/// Gives the rows `$ids` of a table the display orders 0, 1, 2 …
macro_rules! update_display_order {
    ($table:literal, $conn:expr, $store:expr, $ids:expr) => {
        sqlx::query!(
            "UPDATE "
                + $table
                + " SET display_order = array_position($2::bigint[], id) - 1
             WHERE store_id = $1 AND id = ANY($2)",
            $store.0,
            $ids as _
        )
        .execute($conn)
        .await
    };
}

pub mod audit;
pub mod backup;
pub mod catalogue;
pub mod category;
mod constraint;
pub mod device;
pub mod event;
pub mod menu;
pub mod menu_item;
pub mod order;
pub mod placement;
pub mod session;
pub mod store;
pub mod table;
pub mod throttle;
pub mod user;

pub use constraint::{OnConstraint, expect_one};
