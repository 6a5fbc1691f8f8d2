//! Who may do what: passwords, tokens and their revocation, identities, the login throttle and the rate limit.

pub mod access;
pub mod identity;
pub mod password;
pub mod rate;
pub mod throttle;
pub mod token;
mod token_signature;
