//! Authentication: password hashing, tokens and their revocation, identities, the login throttle and the rate limit.
//!
//! The steps of a login are in `services/auth.rs`, the extractors that read a token from a request in `routers/extract/`,
//! and security headers in `middleware/`. A file to imitate: `rate.rs`.

pub mod access;
pub mod hash_queue;
pub mod identity;
pub mod password;
pub mod rate;
pub mod throttle;
pub mod token;
mod token_signature;
