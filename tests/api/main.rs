//! API tests: the server over HTTP on a real PostgreSQL, with one database per test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test should name the line"
)]
#![allow(unreachable_pub, missing_docs, reason = "a test crate has no public API")]

mod audit_retention;
mod backup_drill;
mod backups;
mod binary;
mod catalogue;
mod citus;
mod command_line;
mod connections;
mod corrections;
mod demo;
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
mod menu_cache;
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
mod setup;
mod shutdown;
#[path = "../shared/sse.rs"]
mod sse;
mod store_limits;
mod stream_limits;
mod streams;
mod support;
mod tables;
mod tenancy;
mod throttle;
mod tokens;
mod users;
