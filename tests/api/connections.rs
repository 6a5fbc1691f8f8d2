//! How connections are lent and given back.

use std::pin::pin;
use std::time::Duration;

use futures_util::poll;
use sqlx::Connection as _;
use tableorder::config::{Config, DatabaseConfig};
use tableorder::database::Database;
use tokio::time::{sleep, timeout};

use crate::support::{TestApp, new_database};

/// A pool of `most` connections, and of `fewest`.
async fn pool(fewest: u32, most: u32, change: impl FnOnce(&mut DatabaseConfig)) -> Database {
    let mut config = Config::read(|_| None).unwrap().database;
    (config.min_connections, config.max_connections) = (fewest, most);
    config.acquire_timeout = Duration::from_secs(20);
    change(&mut config);
    Database::connect(new_database().await, &config).await.unwrap()
}

/// Which of PostgreSQL's processes serves the connection that is next.
async fn backend(database: &Database) -> i32 {
    let mut connection = database.acquire().await.unwrap();
    let backend = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection.conn()).await.unwrap();
    connection.done();
    backend
}

#[tokio::test]
async fn a_connection_whose_statements_were_answered_is_the_next_ones_at_once() {
    let database = pool(0, 1, |_| {}).await;
    let first = backend(&database).await;
    for _ in 0..3 {
        let mut tx = database.begin().await.unwrap();
        sqlx::query("SELECT 1").execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        assert!(poll!(pin!(database.acquire())).is_ready(), "after a commit");
        backend(&database).await;
        assert!(poll!(pin!(database.acquire())).is_ready(), "when it is done");
    }
    // Of this one nothing is known but that it was used.
    let mut used = database.acquire().await.unwrap();
    used.conn().ping().await.unwrap();
    drop(used);
    assert!(poll!(pin!(database.acquire())).is_pending());
    assert_eq!(backend(&database).await, first, "it was asked, and is the same one");
}

#[tokio::test]
async fn a_statement_that_was_given_up_is_over_before_the_next_one_has_its_connection() {
    let database = pool(0, 1, |_| {}).await;
    let first = backend(&database).await;
    let mut connection = database.acquire().await.unwrap();
    let long = sqlx::query("SELECT pg_sleep(0.3)").execute(connection.conn());
    timeout(Duration::from_millis(100), long).await.unwrap_err();
    drop(connection);
    let state = database.pool_state();
    assert_eq!((state.connections, state.idle), (1, 0));
    let mut next = pin!(database.acquire());
    assert!(timeout(Duration::from_millis(50), next.as_mut()).await.is_err());
    let mut next = next.await.unwrap();
    let answer: i32 = sqlx::query_scalar("SELECT 7").fetch_one(next.conn()).await.unwrap();
    assert_eq!(answer, 7, "its own answer, not that of who gave up");
    next.done();
    assert_eq!(backend(&database).await, first);
}

#[tokio::test]
async fn a_transaction_that_was_given_up_is_rolled_back_wherever_it_was() {
    let app = TestApp::start_with(|config| config.database.max_connections = 2).await;
    let store = app.store("demo").await;
    let lock = "SELECT id FROM stores WHERE code = $1 FOR UPDATE";
    for is_waiting in [false, true] {
        let mut holder = app.database.begin().await.unwrap();
        sqlx::query(lock).bind(&store.code).execute(holder.conn()).await.unwrap();
        if is_waiting {
            let mut waiter = app.database.begin().await.unwrap();
            let waiting = sqlx::query(lock).bind(&store.code).execute(waiter.conn());
            timeout(Duration::from_millis(100), waiting).await.unwrap_err();
            drop(waiter);
        }
        drop(holder);
        let mut next = app.database.begin().await.unwrap();
        sqlx::query(lock).bind(&store.code).execute(next.conn()).await.unwrap();
        next.commit().await.unwrap();
    }
}

#[tokio::test]
async fn connections_are_kept_in_store_up_to_the_fewest_and_no_older_than_they_may_be() {
    let database = pool(3, 5, |config| config.max_lifetime = Duration::from_millis(200)).await;
    while database.pool_state().connections < 3 {
        sleep(Duration::from_millis(10)).await;
    }
    let first = backend(&database).await;
    sleep(Duration::from_millis(250)).await;
    assert_ne!(backend(&database).await, first, "it is too old");
}

#[tokio::test]
async fn whoever_closes_the_pool_waits_for_those_who_work_and_refuses_the_others() {
    let database = pool(0, 1, |_| {}).await;
    let mut working = database.begin().await.unwrap();
    let mut waiting = pin!(database.acquire());
    assert!(poll!(waiting.as_mut()).is_pending());
    let mut closing = pin!(database.close());
    assert!(poll!(closing.as_mut()).is_pending());
    assert_eq!(waiting.await.unwrap_err().code.as_str(), "SERVICE_UNAVAILABLE");
    sqlx::query("SELECT 1").execute(working.conn()).await.unwrap();
    assert!(poll!(closing.as_mut()).is_pending());
    working.commit().await.unwrap();
    closing.await;
    assert!(!database.pool_state().is_open);
    assert!(database.begin().await.is_err());
}
