//! The connection pool.

use std::pin::pin;
use std::time::Duration;

use futures_util::poll;
use scoped_futures::{ScopedBoxFuture, ScopedFutureExt};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tableorder::config::{Config, DatabaseConfig};
use tableorder::database::{Connection, Database};
use tableorder::error::{ErrorCode, Result};
use tableorder::models::StoreId;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{TestApp, hold_connection, new_database, wait_for_locks};

/// A pool of `min` to `max` connections.
async fn pool(min: u32, max: u32, change: impl FnOnce(&mut DatabaseConfig)) -> Database {
    pool_on(new_database().await, min, max, change).await
}

async fn pool_on(options: PgConnectOptions, min: u32, max: u32, change: impl FnOnce(&mut DatabaseConfig)) -> Database {
    let mut config = Config::read(|_| None).unwrap().database;
    (config.min_connections, config.max_connections) = (min, max);
    config.acquire_timeout = Duration::from_secs(20);
    change(&mut config);
    Database::connect(options, &config).await.unwrap()
}

/// The backend process of the next connection from the pool.
async fn backend(database: &Database) -> i32 {
    database.read(|conn| execute_returning(conn, "SELECT pg_backend_pid()").scope_boxed()).await.unwrap()
}

async fn execute_returning(conn: &mut Connection, sql: &'static str) -> Result<i32> {
    Ok(sqlx::query_scalar(sql).fetch_one(&mut **conn).await?)
}

async fn execute(conn: &mut Connection, sql: &'static str) -> Result<()> {
    sqlx::raw_sql(sql).execute(&mut **conn).await?;
    Ok(())
}

fn nothing<'a>(_: &mut Connection) -> ScopedBoxFuture<'a, '_, Result<()>> {
    async { Ok(()) }.scope_boxed()
}

/// Whether a connection is available immediately.
async fn is_connection_ready(database: &Database) -> bool {
    poll!(pin!(database.read(nothing))).is_ready()
}

#[tokio::test]
async fn a_connection_whose_statements_ended_is_ready_at_once() {
    let database = pool(0, 1, |_| {}).await;
    let first = backend(&database).await;
    assert!(is_connection_ready(&database).await, "after a read");
    database.transaction(StoreId(1), |tx| execute(tx, "SELECT 1").scope_boxed()).await.unwrap();
    assert!(is_connection_ready(&database).await, "after a commit");
    let refused = database.read(|conn| {
        async move {
            execute(conn, "SELECT 1").await?;
            Result::<()>::Err(ErrorCode::OrderNotFound.into())
        }
        .scope_boxed()
    });
    assert_eq!(refused.await.unwrap_err().code, ErrorCode::OrderNotFound);
    assert!(is_connection_ready(&database).await, "after an error that did not come from PostgreSQL");

    database.read(|conn| execute(conn, "SELECT 1 / 0").scope_boxed()).await.unwrap_err();
    assert!(!is_connection_ready(&database).await, "after a PostgreSQL error the connection is checked first");
    assert_eq!(backend(&database).await, first, "the checked connection is reused");
}

#[tokio::test]
async fn a_cancelled_statement_ends_before_its_connection_is_reused() {
    let database = pool(0, 1, |_| {}).await;
    let first = backend(&database).await;
    let long = database.read(|conn| execute(conn, "SELECT pg_sleep(0.3)").scope_boxed());
    timeout(Duration::from_millis(100), long).await.unwrap_err();
    let state = database.pool_state();
    assert_eq!((state.connections, state.idle), (1, 0));
    let answer = database.read(|conn| execute_returning(conn, "SELECT 7").scope_boxed()).await;
    assert_eq!(answer.unwrap(), 7, "the result should be of this statement, not of the cancelled one");
    assert_eq!(backend(&database).await, first);
}

#[tokio::test]
async fn a_connection_whose_statement_does_not_end_is_closed() {
    let database = pool(0, 1, |config| config.statement_timeout = Duration::from_millis(200)).await;
    let first = backend(&database).await;
    // PostgreSQL would end a statement of its own. Here the block never ends, as when PostgreSQL's response is lost.
    let endless = database.read(|conn| {
        async move {
            execute(conn, "SELECT 1").await?;
            std::future::pending::<Result<()>>().await
        }
        .scope_boxed()
    });
    assert_eq!(endless.await.unwrap_err().code, ErrorCode::ServiceUnavailable);
    assert_ne!(backend(&database).await, first, "the connection was closed and replaced");
}

#[tokio::test]
async fn a_read_only_connection_is_replaced_with_all_older_ones() {
    const READ_ONLY: &str = "SET default_transaction_read_only = on";
    let database = pool(0, 3, |_| {}).await;
    // Simulates a node that became read-only: one connection is in use, one idle, one writes.
    let held = hold_connection(&database).await.unwrap();
    let idle = hold_connection(&database).await.unwrap();
    database.read(|conn| execute(conn, READ_ONLY).scope_boxed()).await.unwrap();
    let written = backend(&database).await;
    drop(idle);
    while database.pool_state().idle < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    let refused = database.write(|conn| {
        async move {
            execute(conn, READ_ONLY).await?;
            execute(conn, "CREATE TABLE notes (note text)").await
        }
        .scope_boxed()
    });
    assert_eq!(refused.await.unwrap_err().code, ErrorCode::ServiceUnavailable);
    assert_eq!(database.pool_state().connections, 1, "only the connection in use should be left");
    assert_ne!(backend(&database).await, written);
    drop(held);
    while database.pool_state().idle < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    let (first, second) = (hold_connection(&database).await.unwrap(), hold_connection(&database).await.unwrap());
    assert_eq!(
        database.pool_state().connections,
        2,
        "the connection that was in use should be replaced at its next use"
    );
    drop((first, second));
}

#[tokio::test]
async fn an_idle_read_only_connection_is_not_used() {
    let database = pool(0, 1, |_| {}).await;
    let read_only = backend(&database).await;
    let change = "SET default_transaction_read_only = on";
    database.read(|conn| execute(conn, change).scope_boxed()).await.unwrap();
    sleep(Duration::from_millis(2_100)).await;
    assert_ne!(backend(&database).await, read_only);
    database.check().await.unwrap();
    database.read(|conn| execute(conn, change).scope_boxed()).await.unwrap();
    assert_eq!(database.check().await.unwrap_err().code, ErrorCode::ServiceUnavailable);
    database.check().await.unwrap();
}

#[tokio::test]
async fn a_block_of_many_statements_may_exceed_the_statement_timeout() {
    let database = pool(0, 1, |config| config.statement_timeout = Duration::from_millis(500)).await;
    let first = backend(&database).await;
    let long = database.transaction(StoreId(1), |tx| {
        async move {
            for _ in 0..9 {
                execute(tx, "SELECT pg_sleep(0.3)").await?;
            }
            Ok(())
        }
        .scope_boxed()
    });
    long.await.unwrap();
    assert_eq!(backend(&database).await, first);
}

#[tokio::test]
async fn a_cancelled_transaction_is_rolled_back_at_any_point() {
    const LOCK: &str = "SELECT id FROM stores FOR UPDATE";
    let app = TestApp::start_with(|config| config.database.max_connections = 2).await;
    app.store("demo").await;
    app.store("other").await;
    let lock = || app.database.transaction_without_store(|tx| execute(tx, LOCK).scope_boxed());
    for is_waiting in [false, true] {
        let hold = app.database.transaction_without_store(|tx| {
            async move {
                execute(tx, LOCK).await?;
                std::future::pending::<Result<()>>().await
            }
            .scope_boxed()
        });
        let mut hold = Box::pin(hold);
        timeout(Duration::from_millis(200), hold.as_mut()).await.unwrap_err();
        if is_waiting {
            timeout(Duration::from_millis(100), lock()).await.unwrap_err();
        }
        drop(hold);
        lock().await.unwrap();
    }
}

#[tokio::test]
async fn a_transaction_waits_a_limited_time_for_a_row_lock() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let mut holder = app.connection().await;
    sqlx::raw_sql("BEGIN; SELECT FROM tables FOR UPDATE").execute(&mut holder).await.unwrap();
    let path = format!("/admin/tables/{}", store.tables[0]);
    let refused = store.admin().await.patch(&path, &serde_json::json!({"table_number": 77})).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(503, "SERVICE_UNAVAILABLE");
}

#[tokio::test]
async fn locked_rows_of_one_store_leave_connections_to_other_stores() {
    let app = TestApp::start_with(|config| {
        config.database.max_connections = 8;
        config.database.acquire_timeout = Duration::from_secs(2);
    })
    .await;
    let (locked, other) = (app.store("locked").await, app.store("other").await);
    let (admin, neighbour) = (locked.admin().await, other.admin().await);
    let mut holder = app.connection().await;
    let lock =
        "BEGIN; SELECT FROM store_streams WHERE store_id = (SELECT id FROM stores WHERE code = 'locked') FOR UPDATE";
    sqlx::raw_sql(lock).execute(&mut holder).await.unwrap();
    let changes = (0..25).map(|number| {
        let (admin, category) = (admin.clone(), serde_json::json!({"name": format!("category {number}")}));
        tokio::spawn(async move { admin.post("/admin/categories", &category).await })
    });
    let changes: Vec<_> = changes.collect();
    // Until the maximum number of them waits for the row.
    wait_for_locks(&app.options, 2).await;
    for _ in 0..10 {
        neighbour.get("/admin/orders").await.ok();
        neighbour.post("/admin/tables", &serde_json::json!({"table_number": 50, "password": "1234"})).await;
    }
    for change in changes {
        change.await.unwrap().refused(503, "SERVICE_UNAVAILABLE");
    }
    drop(holder);
    admin.post("/admin/categories", &serde_json::json!({"name": "afterwards"})).await.ok();
}

#[tokio::test]
async fn the_pool_keeps_its_minimum_and_replaces_old_connections() {
    let database = pool(3, 5, |config| {
        (config.max_lifetime, config.maintenance_interval) = (Duration::from_millis(200), Duration::from_millis(20));
    })
    .await;
    while database.pool_state().connections < 3 {
        sleep(Duration::from_millis(10)).await;
    }
    let first = backend(&database).await;
    sleep(Duration::from_millis(500)).await;
    assert_ne!(backend(&database).await, first, "the connection is past its lifetime");
}

#[tokio::test]
async fn expired_connections_are_replaced_one_at_a_time() {
    let options = new_database().await;
    let mut observer = PgConnection::connect_with(&options).await.unwrap();
    let database = pool_on(options, 4, 4, |config| {
        config.max_lifetime = Duration::from_secs(1);
        config.maintenance_interval = Duration::from_millis(50);
    })
    .await;
    while database.pool_state().connections < 4 {
        sleep(Duration::from_millis(10)).await;
    }
    let mut backends = async || {
        let sql = "SELECT pid FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'tableorder'";
        sqlx::query_scalar::<_, i32>(sql).fetch_all(&mut observer).await.unwrap()
    };
    let first = backends().await;
    let (started, mut fewest) = (Instant::now(), first.len());
    while backends().await.iter().any(|backend| first.contains(backend)) {
        for _ in 0..100 {
            fewest = fewest.min(database.pool_state().connections);
            sleep(Duration::from_millis(1)).await;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "all connections should be replaced soon");
    }
    assert_eq!(fewest, 3, "one connection should be replaced at a time");
}

#[tokio::test]
async fn closing_the_pool_waits_for_running_work_and_refuses_more() {
    let database = pool(0, 1, |_| {}).await;
    let held = hold_connection(&database).await.unwrap();
    let mut waiting = pin!(database.read(nothing));
    assert!(poll!(waiting.as_mut()).is_pending());
    let mut closing = pin!(database.close());
    assert!(poll!(closing.as_mut()).is_pending());
    assert_eq!(waiting.await.unwrap_err().code, ErrorCode::ServiceUnavailable);
    assert!(poll!(closing.as_mut()).is_pending());
    drop(held);
    closing.await;
    assert!(!database.pool_state().is_open);
    database.read(nothing).await.unwrap_err();
}
