//! Request and response bodies, as serde reads and writes them, with their OpenAPI descriptions.
//!
//! A request validates each field and converts itself into models; a response is made from models. The doc comments are
//! the descriptions in the OpenAPI document. Rules that need data from the database belong to `services`, and domain
//! types belong to `models`. A file to imitate: `category.rs`.

pub mod audit;
pub mod auth;
pub mod category;
pub mod demo;
pub mod device;
pub mod history;
pub mod menu;
pub mod message;
pub mod order;
pub mod page;
pub mod prepared;
pub mod setup;
pub mod table;
pub mod user;
pub mod validators;
