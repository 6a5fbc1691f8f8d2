//! What the wire says: requests (read and validated) and responses.

pub mod audit;
pub mod auth;
pub mod category;
pub mod device;
pub mod history;
pub mod menu;
pub mod message;
pub mod order;
pub mod page;
pub mod prepared;
pub mod rules;
pub mod table;
pub mod user;
