//! What the wire says: requests (read and validated) and responses.

pub mod auth;
pub mod category;
pub mod menu;
pub mod order;
pub mod rules;
pub mod table;
