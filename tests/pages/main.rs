//! The built-in pages: their files, and how they are served. No database and no browser is needed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test should show where"
)]
#![allow(unreachable_pub, missing_docs, reason = "only the tests use it")]

mod files;
mod locales;
mod served;
mod source;
mod vendor;
