//! What the wire says: requests (read and validated) and responses.

pub mod audit;
pub mod auth;
pub mod category;
pub mod event;
pub mod menu;
pub mod message;
mod moment;
pub mod order;
pub mod page;
pub mod ready;
pub mod rules;
pub mod table;
pub mod user;
