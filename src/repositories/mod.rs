//! SQL, and nothing else: one file for each table or concept.
//!
//! A function borrows a connection and runs one statement; `store_id` is its first condition, so that another store's id is
//! not found. It opens no transaction: `services/` decide which statements belong together. A write checks how many rows it
//! changed ([`expect_one`]), and the violation of a named constraint becomes a domain error ([`OnConstraint`]). A file to
//! imitate: `category.rs`.

/// Sets the display orders of the rows `$ids` of a table to 0, 1, 2 …
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
pub mod idempotency;
pub mod menu;
pub mod menu_item;
pub mod order;
pub mod placement;
pub mod session;
pub mod setup;
pub mod store;
pub mod table;
pub mod throttle;
pub mod user;

pub use constraint::{OnConstraint, expect_one};
