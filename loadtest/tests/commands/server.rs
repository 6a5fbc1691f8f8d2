//! A server in this process.

use std::net::SocketAddr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tableorder::clock::Clock;
use tableorder::config::{Config, Secret};
use tableorder::database::Database;
use tableorder::state::AppState;
use tokio::net::TcpListener;

use crate::program::SECRET;

/// Serves the database until the test ends.
pub async fn start(options: PgConnectOptions) -> SocketAddr {
    let mut config = Config::read(|_| None).unwrap();
    // Other tests may keep the machine busy.
    config.database.min_connections = 0;
    config.database.acquire_timeout = Duration::from_secs(10);
    let database = Database::connect(options, &config.database).await.unwrap();
    let state = AppState::new(&config, &Secret::new(SECRET), database, Clock::system()).await.unwrap();
    let shutdown = state.shutdown.clone();
    let app = tableorder::app(state, &config.http);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { tableorder::server::serve(listener, app, shutdown, &config.http).await });
    address
}
