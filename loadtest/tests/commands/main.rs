//! The program's commands on a real PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should show where"
)]
#![allow(unreachable_pub, missing_docs, reason = "only the tests use it")]

mod backup;
#[path = "../../src/http.rs"]
#[allow(dead_code, reason = "the tests need a part of it")]
mod http;
mod peak;
#[path = "../../../tests/api/support/postgres.rs"]
#[allow(dead_code, reason = "the tests need a part of it")]
mod postgres;
mod program;
mod seed;
mod server;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T, E = Failure> = std::result::Result<T, E>;
