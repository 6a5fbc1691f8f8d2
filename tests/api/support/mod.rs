//! Test helpers: PostgreSQL, servers, stores, clients.

mod app;
mod client;
mod guests;
mod held;
mod postgres;
pub mod prepared;
mod program;
mod proxy;
mod queries;
mod standby;
mod stream;

pub use app::{TestApp, TestStore};
pub use client::{Answer, ApiClient, answer, order_of};
pub use guests::{Guests, RECOVERY_DEADLINE, RESPONSE_DEADLINE, expect_unavailable, within_deadline};
pub use held::hold_connection;
pub use postgres::{
    empty_database, new_database, password_of, plain_database, scratch_directory, start_again, start_migrated, url_of,
    wait_for_locks,
};
pub use program::{Directory, Server, command};
pub use proxy::Proxy;
pub use queries::with_query_count;
pub use standby::{promote, start_demoted, start_standby, until};
pub use stream::EventReader;
