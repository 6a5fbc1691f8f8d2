//! The server over real HTTP on a real PostgreSQL, a database per test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]
#![allow(unreachable_pub, missing_docs, reason = "nobody but the tests sees it")]

mod accounts;
mod audit_retention;
mod backup_drill;
mod backups;
mod binary;
mod catalogue;
mod citus;
mod command_line;
mod connections;
mod devices;
mod documents;
mod embedded;
mod errors;
mod failover;
mod faults;
mod hostile;
mod idempotency;
mod layers;
mod limits;
mod login_limit;
mod logins;
mod menu;
mod menu_memory;
mod migrations;
mod monitoring;
mod offline_orders;
mod openapi;
mod orders;
mod pooler;
mod retries;
mod revocations;
mod service;
mod session_limits;
#[path = "../shared/sse.rs"]
mod sse;
mod stopping;
mod store_limits;
mod stream_limits;
mod streams;
mod support;
mod tables;
mod tenancy;
mod throttle;
mod tokens;
mod ways_back;
