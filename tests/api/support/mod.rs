//! What the tests share: a PostgreSQL, servers on it, stores, clients.

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
pub use guests::{ANSWERED_WITHIN, BACK_WITHIN, Guests, in_time, told_to_come_back};
pub use held::hold_connection;
pub use postgres::{
    empty_database, new_database, password_of, plain_database, scratch_directory, start_migrated, url_of,
    waiting_for_locks,
};
pub use program::{Directory, Server, command};
pub use proxy::Proxy;
pub use queries::counted;
pub use standby::{promote, start_demoted, start_standby, until};
pub use stream::EventReader;
