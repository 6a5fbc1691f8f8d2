//! SQL, and nothing else. A function here borrows a connection, runs one statement that starts from
//! `store_id`, and opens no transaction.

pub mod audit;
pub mod bulk;
pub mod category;
mod constraint;
pub mod deployment;
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
