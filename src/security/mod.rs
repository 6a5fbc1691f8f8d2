//! Who may do what: passwords, tokens, and the extractors that turn a token into an identity.

pub mod access;
pub mod cors;
pub mod identity;
pub mod password;
pub mod token;
