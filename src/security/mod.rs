//! Who may do what: passwords, tokens, and the extractors that turn a token into an identity.

pub mod access;
pub mod address;
pub mod cors;
pub mod headers;
pub mod identity;
mod memory;
pub mod password;
pub mod rate;
pub mod throttle;
pub mod token;
