//! What the server says of itself.

pub mod logs;
pub mod request;
