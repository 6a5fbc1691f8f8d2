//! A database that stops, freezes or has no free connection: every request gets a response in time, nothing is lost, and
//! service recovers without a restart.

use std::fs;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;
use scoped_futures::ScopedFutureExt;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tableorder::config::Config;
use tableorder::database::MIGRATIONS;
use tableorder::database::embedded::{Durability, EmbeddedPostgres};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{
    ApiClient, Guests, Proxy, RECOVERY_DEADLINE, RESPONSE_DEADLINE, TestApp, answer, expect_unavailable,
    hold_connection, order_of, plain_database, scratch_directory, start_again, start_migrated, wait_for_locks,
    within_deadline,
};

#[tokio::test]
async fn a_database_restart_loses_no_order() {
    let directory = scratch_directory("comes-and-goes");
    let postgres = start_migrated(&directory).await;
    let app = TestApp::start_on(postgres.connect_options(), |_| {}).await;
    let store = app.store("demo").await;
    let guests = Guests::start(&store).await;

    postgres.stop().await;
    guests.wait_until_refused().await;
    expect_unavailable(within_deadline(guests.tablets[0].get("/customer/orders")).await);

    let _postgres = start_again(&directory).await;
    guests.wait_until_served().await;
    guests.finish().await;
}

/// All processes of a PostgreSQL, stopped by SIGSTOP until this is dropped.
struct Frozen(Vec<Pid>);

impl Frozen {
    fn freeze(directory: &Path) -> Self {
        let postmaster = fs::read_to_string(directory.join("postgres/pgdata/postmaster.pid")).unwrap();
        let postmaster = postmaster.lines().next().unwrap();
        let mut frozen = Self(Vec::new());
        // The postmaster first, so that it starts no more children.
        frozen.stop(postmaster);
        let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap();
        children.split_whitespace().for_each(|child| frozen.stop(child));
        assert!(frozen.0.len() > 3, "PostgreSQL should have child processes");
        frozen
    }

    fn stop(&mut self, process: &str) {
        let process = Pid::from_raw(process.parse().unwrap());
        if kill(process, Signal::SIGSTOP).is_ok() {
            self.0.push(process);
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for process in &self.0 {
            let _ = kill(*process, Signal::SIGCONT);
        }
    }
}

#[tokio::test]
async fn a_frozen_database_delays_no_response_and_loses_no_order() {
    let directory = scratch_directory("frozen");
    let postgres = EmbeddedPostgres::start(&directory, Durability::Throwaway).await.unwrap();
    MIGRATIONS.run(&mut PgConnection::connect_with(&postgres.connect_options()).await.unwrap()).await.unwrap();
    let app = TestApp::start_on(postgres.connect_options(), |_| {}).await;
    let store = app.store("demo").await;
    let admin = store.admin().await;
    let mut stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    let guests = Guests::start(&store).await;

    let frozen = Frozen::freeze(&directory);
    // A request of a user and a stream that opens, beside the guests' orders.
    let (orders, opening) = tokio::join!(
        within_deadline(admin.get("/admin/orders")),
        within_deadline(answer(admin.request(Method::GET, "/admin/orders/stream"))),
    );
    expect_unavailable(orders);
    expect_unavailable(opening);
    guests.wait_until_refused().await;
    let client = app.anonymous();
    assert_eq!(within_deadline(client.get("/health/live")).await.ok(), json!({"status": "alive"}));
    expect_unavailable(within_deadline(client.get("/health/ready")).await);

    drop(frozen);
    guests.wait_until_served().await;
    let mut acknowledged = guests.finish().await;
    let mut seen = Vec::new();
    while seen.len() < acknowledged.len() {
        seen.push(stream.next().await.data["order_id"].clone());
    }
    stream.expect_no_event().await;
    let by_id = |id: &Value| id.as_i64();
    acknowledged.sort_by_key(by_id);
    seen.sort_by_key(by_id);
    assert_eq!(seen, acknowledged, "the open stream should deliver every order once");
}

/// A connection that is not the server's.
async fn aside(app_options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(&app_options.clone().application_name("aside")).await.unwrap()
}

#[tokio::test]
async fn without_free_database_connections_requests_get_503_in_time() {
    let options = plain_database().await;
    let mut aside = aside(&options).await;
    // Limits the connections of one role, so that other tests keep theirs. PostgreSQL's error is the same.
    let sql = "CREATE ROLE waiter LOGIN PASSWORD 'waiter' IN ROLE pg_read_all_data, pg_write_all_data";
    sqlx::raw_sql(sql).execute(&mut aside).await.unwrap();
    let waiter = options.clone().username("waiter").password("waiter");
    let default = Config::read(|_| None).unwrap().database;
    let app = TestApp::start_on(waiter, |config| {
        config.database.acquire_timeout = default.acquire_timeout;
        config.events.wake_ups = false;
    })
    .await;
    let store = app.store("demo").await;
    let tablets = join_all([1, 2, 3].map(|table| store.tablet(table))).await;
    for tablet in &tablets {
        // A slow machine may need several attempts to open the first connections in time.
        while !tablet.order(&store.menus[..1]).await.status.is_success() {}
    }

    let sql = "ALTER ROLE waiter CONNECTION LIMIT 0;
               SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'waiter'";
    sqlx::raw_sql(sql).execute(&mut aside).await.unwrap();
    for _ in 0..2 {
        let answers = join_all(tablets.iter().map(|tablet| within_deadline(tablet.order(&store.menus[..1])))).await;
        answers.into_iter().for_each(expect_unavailable);
    }

    sqlx::raw_sql("ALTER ROLE waiter CONNECTION LIMIT -1").execute(&mut aside).await.unwrap();
    let freed = Instant::now();
    for tablet in &tablets {
        while !within_deadline(tablet.order(&store.menus[..1])).await.status.is_success() {
            assert!(freed.elapsed() < RECOVERY_DEADLINE);
        }
        assert_eq!(tablet.get("/customer/orders").await.ok()["orders"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn queued_orders_of_one_store_share_one_acquire_timeout() {
    let default = Config::read(|_| None).unwrap().database;
    let app = TestApp::start_with(|config| {
        config.database.acquire_timeout = default.acquire_timeout;
        config.database.max_connections = 1;
    })
    .await;
    let store = app.store("demo").await;
    let tablets = join_all([1, 2, 3].map(|table| store.tablet(table))).await;
    // After this the tokens are cached, so only the order needs a connection.
    for tablet in &tablets {
        tablet.order(&store.menus[..1]).await.ok();
    }
    let held = hold_connection(&app.database).await.unwrap();
    let store = &store;
    let one_after_the_other = tablets.iter().zip([0, 20, 40]).map(|(tablet, milliseconds)| async move {
        sleep(Duration::from_millis(milliseconds)).await;
        within_deadline(tablet.order(&store.menus[..1])).await
    });
    join_all(one_after_the_other).await.into_iter().for_each(expect_unavailable);
    drop(held);
    for tablet in &tablets {
        tablet.order(&store.menus[..1]).await.ok();
        assert_eq!(tablet.get("/customer/orders").await.ok()["orders"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn after_a_password_change_requests_share_the_open_connections() {
    let options = plain_database().await;
    let mut aside = aside(&options).await;
    let sql = "CREATE ROLE renamer LOGIN PASSWORD 'old' IN ROLE pg_read_all_data, pg_write_all_data";
    sqlx::raw_sql(sql).execute(&mut aside).await.unwrap();
    let default = Config::read(|_| None).unwrap().database;
    let app = TestApp::start_on(options.clone().username("renamer").password("old"), |config| {
        config.database.acquire_timeout = default.acquire_timeout;
        config.database.min_connections = 1;
        config.events.wake_ups = false;
    })
    .await;
    let store = app.store("demo").await;
    let tablet = store.tablet(1).await;
    tablet.order(&store.menus[..1]).await.ok();

    sqlx::raw_sql("ALTER ROLE renamer PASSWORD 'new'").execute(&mut aside).await.unwrap();
    // Hold every connection, also those that are being opened or returned.
    let mut held = Vec::new();
    while let Ok(connection) = hold_connection(&app.database).await {
        held.push(connection);
    }
    expect_unavailable(within_deadline(tablet.get("/customer/orders")).await);
    let giving_back = async {
        sleep(Duration::from_millis(200)).await;
        drop(held);
    };
    let (bill, ()) = tokio::join!(within_deadline(tablet.get("/customer/orders")), giving_back);
    assert_eq!(bill.ok()["orders"].as_array().unwrap().len(), 1);

    // The watchdog cannot reconnect either. The server must not take that for an outage.
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'tableorder-watchdog'";
    assert_eq!(sqlx::raw_sql(sql).execute(&mut aside).await.unwrap().rows_affected(), 1);
    for _ in 0..10 {
        sleep(Duration::from_millis(100)).await;
        within_deadline(tablet.get("/customer/orders")).await.ok();
    }
}

#[tokio::test]
async fn a_request_cancelled_at_begin_leaves_its_connection_clean() {
    let app = TestApp::start_with(|config| config.database.max_connections = 1).await;
    let store = app.store("demo").await;
    let admin = store.admin().await;
    let mut given_up = 0;
    while given_up < 10 {
        // One poll sends the BEGIN if the connection is free. The block completes only if the response is already there.
        let begun = app.database.transaction_without_store(|_| async { Ok(()) }.scope_boxed());
        given_up += u32::from(poll!(pin!(begun)).is_pending());
        sleep(Duration::from_millis(5)).await;
    }
    // A single statement on the same connection.
    admin.post("/admin/tables", &json!({"table_number": 9, "password": "1234"})).await.ok();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM tables WHERE table_number = 9")
        .fetch_one(&mut aside(&app.options).await)
        .await
        .unwrap();
    assert_eq!(count, 1, "an acknowledged write should be visible to other connections");
}

#[tokio::test]
async fn a_lost_watchdog_connection_affects_no_request() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let tablet = store.tablet(1).await;
    let mut aside = aside(&app.options).await;
    // Only a connection that waits for its next check. Several that are lost at their start mean an outage.
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'tableorder-watchdog'
                  AND state = 'idle' AND state_change < clock_timestamp() - interval '150 ms'";
    let mut killed = 0;
    while killed < 3 {
        killed += sqlx::query_scalar::<_, i64>(kill).fetch_one(&mut aside).await.unwrap();
        for _ in 0..10 {
            tablet.order(&store.menus[..1]).await.ok();
        }
    }
}

#[tokio::test]
async fn logins_recover_after_the_network_drops_their_connections() {
    let options = plain_database().await;
    let proxy = Proxy::start(&options).await;
    let app = TestApp::start_on(proxy.options(), |config| {
        // On a busy machine most of the 60 logins fail only after the fault, which would lock their address out.
        config.login.failures_per_address = 1_000;
        config.database.statement_timeout = Duration::from_secs(1);
        config.events.wake_ups = false;
    })
    .await;
    let store = app.store("demo").await;
    app.store("other").await;
    let client = app.anonymous();
    let mut holder = aside(&options).await;
    sqlx::raw_sql("BEGIN; LOCK TABLE login_throttle").execute(&mut holder).await.unwrap();
    // More logins than may hash concurrently, each for another table, so that none waits for another.
    let logins: Vec<_> = (0..60)
        .map(|number| {
            let body = json!({"store_id": store.code, "table_number": 100 + number, "password": "1234"});
            let client = client.clone();
            tokio::spawn(async move { client.post("/customer/auth/login", &body).await })
        })
        .collect();
    wait_for_locks(&options, 4).await;
    proxy.stall_all();
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    for login in logins {
        let status = login.await.unwrap().status;
        assert!([401, 503].contains(&status.as_u16()), "{status}");
    }
    // As soon as the watchdog can reach PostgreSQL again.
    let body = json!({"store_id": store.code, "table_number": 1, "password": "1234"});
    let login = async { while !client.post("/customer/auth/login", &body).await.status.is_success() {} };
    timeout(RECOVERY_DEADLINE, login).await.expect("logins should work again");
}

#[tokio::test]
async fn an_order_on_a_stalled_connection_does_not_delay_the_next() {
    let options = plain_database().await;
    let proxy = Proxy::start(&options).await;
    let app = TestApp::start_on(proxy.options(), |config| {
        config.database.statement_timeout = Duration::from_secs(1);
        config.events.wake_ups = false;
    })
    .await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (first, second) = (store.tablet(1).await, store.tablet(2).await);
    // After this the tokens and the menu are cached, so only the order needs a connection.
    for tablet in [&first, &second] {
        tablet.get("/customer/menu").await.ok();
    }
    let mut holder = aside(&options).await;
    sqlx::raw_sql("BEGIN; SELECT FROM store_streams FOR UPDATE").execute(&mut holder).await.unwrap();
    let order = |tablet: &ApiClient| {
        let request = tablet.request(Method::POST, "/customer/orders").header("Idempotency-Key", "one-of-this-table");
        tokio::spawn(answer(request.json(&order_of(&store.menus[..1]))))
    };
    let lost = order(&first);
    wait_for_locks(&options, 1).await;
    let behind = order(&second);
    proxy.stall_requests();
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    // The result of the first order is unknown; its retry finds out.
    lost.await.unwrap().refused(503, "SERVICE_UNAVAILABLE");
    behind.await.unwrap().ok();
    order(&first).await.unwrap().ok();
    for tablet in [&first, &second] {
        assert_eq!(tablet.get("/customer/orders").await.ok()["orders"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn requests_are_served_while_a_new_connection_stalls() {
    let proxy = Proxy::start(&plain_database().await).await;
    let default = Config::read(|_| None).unwrap().database;
    let app = TestApp::start_on(proxy.options(), |config| {
        config.database.acquire_timeout = default.acquire_timeout;
        (config.database.min_connections, config.database.max_connections) = (4, 4);
        config.database.maintenance_interval = Duration::from_millis(100);
        config.events.wake_ups = false;
    })
    .await;
    let store = app.store("demo").await;
    let tablet = store.tablet(1).await;
    let all_open = async || {
        while app.database.pool_state().connections < 4 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    all_open().await;

    proxy.stall_next();
    let lost = app.database.read(|conn| {
        async move {
            sqlx::raw_sql("SELECT pg_terminate_backend(pg_backend_pid())").execute(&mut **conn).await?;
            Ok(())
        }
        .scope_boxed()
    });
    lost.await.unwrap_err();
    let until = Instant::now() + RESPONSE_DEADLINE;
    while Instant::now() < until {
        within_deadline(tablet.get("/customer/orders")).await.ok();
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(app.database.pool_state().connections, 3, "the new connection should still be stalled");
    timeout(RECOVERY_DEADLINE, all_open()).await.expect("the pool should open another connection");
}

#[tokio::test]
async fn orders_that_waited_for_a_lock_are_placed_once_it_is_free() {
    let app = TestApp::start_with(|config| {
        config.database.acquire_timeout = Config::read(|_| None).unwrap().database.acquire_timeout;
    })
    .await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablets = join_all([1, 2, 3].map(|table| store.tablet(table))).await;
    for tablet in &tablets {
        tablet.order(&store.menus[..1]).await.ok();
    }
    let mut holder = app.connection().await;
    let lock =
        "BEGIN; SELECT FROM store_streams WHERE store_id = (SELECT id FROM stores WHERE code = 'demo') FOR UPDATE";
    sqlx::raw_sql(lock).execute(&mut holder).await.unwrap();
    let orders: Vec<_> = (0..60)
        .map(|number| {
            let (tablet, menus) = (tablets[number % 3].clone(), store.menus.clone());
            tokio::spawn(async move {
                sleep(Duration::from_millis(u64::try_from(number).unwrap() * 40)).await;
                tablet.order(&menus[..1]).await
            })
        })
        .collect();
    // Longer than the acquire timeout.
    sleep(Duration::from_secs(3)).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    for order in orders {
        order.await.unwrap().ok();
    }
}
