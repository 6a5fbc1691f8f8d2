//! A database that stops, freezes or has no connection left: every request is answered, nothing is lost, and when
//! it is back everything works again by itself.

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
    ANSWERED_WITHIN, ApiClient, BACK_WITHIN, Guests, Proxy, TestApp, answer, hold_connection, in_time, order_of,
    plain_database, scratch_directory, start_migrated, told_to_come_back, waiting_for_locks,
};

#[tokio::test]
async fn a_database_that_is_stopped_and_started_loses_no_order() {
    let directory = scratch_directory("comes-and-goes");
    let postgres = start_migrated(&directory).await;
    let app = TestApp::start_on(postgres.connect_options(), |_| {}).await;
    let store = app.store("demo").await;
    let guests = Guests::sit_down(&store).await;

    postgres.stop().await;
    guests.all_refused().await;
    told_to_come_back(in_time(guests.tablets[0].get("/customer/orders")).await);

    let _postgres = EmbeddedPostgres::start(&directory, Durability::Throwaway).await.unwrap();
    guests.all_served().await;
    guests.leave().await;
}

/// Every process of a PostgreSQL, stopped in its tracks until this is dropped.
struct Frozen(Vec<Pid>);

impl Frozen {
    fn freeze(directory: &Path) -> Self {
        let postmaster = fs::read_to_string(directory.join("postgres/pgdata/postmaster.pid")).unwrap();
        let postmaster = postmaster.lines().next().unwrap();
        let mut frozen = Self(Vec::new());
        // It first, so that no more are born.
        frozen.stop(postmaster);
        let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap();
        children.split_whitespace().for_each(|child| frozen.stop(child));
        assert!(frozen.0.len() > 3, "PostgreSQL is more than its postmaster");
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
async fn a_database_that_freezes_makes_nobody_wait_and_loses_no_order() {
    let directory = scratch_directory("frozen");
    let postgres = EmbeddedPostgres::start(&directory, Durability::Throwaway).await.unwrap();
    MIGRATIONS.run(&mut PgConnection::connect_with(&postgres.connect_options()).await.unwrap()).await.unwrap();
    let app = TestApp::start_on(postgres.connect_options(), |_| {}).await;
    let store = app.store("demo").await;
    let admin = store.admin().await;
    let mut stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    let guests = Guests::sit_down(&store).await;

    let frozen = Frozen::freeze(&directory);
    // With those that were under way: of a tablet, of staff, and of a stream about to open.
    let (orders, opening) = tokio::join!(
        in_time(admin.get("/admin/orders")),
        in_time(answer(admin.request(Method::GET, "/admin/orders/stream"))),
    );
    told_to_come_back(orders);
    told_to_come_back(opening);
    guests.all_refused().await;
    let client = app.anonymous();
    assert_eq!(in_time(client.get("/health/live")).await.ok(), json!({"status": "alive"}));
    told_to_come_back(in_time(client.get("/health/ready")).await);

    drop(frozen);
    guests.all_served().await;
    let mut acknowledged = guests.leave().await;
    let mut seen = Vec::new();
    while seen.len() < acknowledged.len() {
        seen.push(stream.next().await.data["order_id"].clone());
    }
    stream.silent().await;
    let by_id = |id: &Value| id.as_i64();
    acknowledged.sort_by_key(by_id);
    seen.sort_by_key(by_id);
    assert_eq!(seen, acknowledged, "the stream that stayed open told every order, once");
}

/// A connection of the tests' own.
async fn aside(app_options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(&app_options.clone().application_name("aside")).await.unwrap()
}

#[tokio::test]
async fn without_a_connection_left_in_the_database_it_says_so_in_time_and_goes_on_once_there_is_one() {
    let options = plain_database().await;
    let mut aside = aside(&options).await;
    // Of a role's connections, so that the other tests keep theirs: PostgreSQL's answer is the same.
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
        // A busy machine may need more than one try to open its first connections in time.
        while !tablet.order(&store.menus[..1]).await.status.is_success() {}
    }

    let sql = "ALTER ROLE waiter CONNECTION LIMIT 0;
               SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'waiter'";
    sqlx::raw_sql(sql).execute(&mut aside).await.unwrap();
    for _ in 0..2 {
        let answers = join_all(tablets.iter().map(|tablet| in_time(tablet.order(&store.menus[..1])))).await;
        answers.into_iter().for_each(told_to_come_back);
    }

    sqlx::raw_sql("ALTER ROLE waiter CONNECTION LIMIT -1").execute(&mut aside).await.unwrap();
    let freed = Instant::now();
    for tablet in &tablets {
        while !in_time(tablet.order(&store.menus[..1])).await.status.is_success() {
            assert!(freed.elapsed() < BACK_WITHIN);
        }
        assert_eq!(tablet.get("/customer/orders").await.ok()["orders"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn orders_of_one_store_that_wait_for_a_connection_do_not_wait_for_one_another_too() {
    let default = Config::read(|_| None).unwrap().database;
    let app = TestApp::start_with(|config| {
        config.database.acquire_timeout = default.acquire_timeout;
        config.database.max_connections = 1;
    })
    .await;
    let store = app.store("demo").await;
    let tablets = join_all([1, 2, 3].map(|table| store.tablet(table))).await;
    // Their tokens are known from here on, so that nothing but the order needs a connection.
    for tablet in &tablets {
        tablet.order(&store.menus[..1]).await.ok();
    }
    let held = hold_connection(&app.database).await.unwrap();
    let store = &store;
    let one_after_the_other = tablets.iter().zip([0, 20, 40]).map(|(tablet, milliseconds)| async move {
        sleep(Duration::from_millis(milliseconds)).await;
        in_time(tablet.order(&store.menus[..1])).await
    });
    join_all(one_after_the_other).await.into_iter().for_each(told_to_come_back);
    drop(held);
    for tablet in &tablets {
        tablet.order(&store.menus[..1]).await.ok();
        assert_eq!(tablet.get("/customer/orders").await.ok()["orders"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn while_the_database_takes_another_password_by_now_requests_share_the_connections_that_are_open() {
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
    // Every connection, those too that somebody is just opening or giving back.
    let mut held = Vec::new();
    while let Ok(connection) = hold_connection(&app.database).await {
        held.push(connection);
    }
    told_to_come_back(in_time(tablet.get("/customer/orders")).await);
    let giving_back = async {
        sleep(Duration::from_millis(200)).await;
        drop(held);
    };
    let (bill, ()) = tokio::join!(in_time(tablet.get("/customer/orders")), giving_back);
    assert_eq!(bill.ok()["orders"].as_array().unwrap().len(), 1);

    // Not even the watchdog is let in again, which is no sign that PostgreSQL is away.
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'tableorder-watchdog'";
    assert_eq!(sqlx::raw_sql(sql).execute(&mut aside).await.unwrap().rows_affected(), 1);
    for _ in 0..10 {
        sleep(Duration::from_millis(100)).await;
        in_time(tablet.get("/customer/orders")).await.ok();
    }
}

#[tokio::test]
async fn a_request_given_up_as_its_transaction_began_leaves_nothing_behind_on_the_connection() {
    let app = TestApp::start_with(|config| config.database.max_connections = 1).await;
    let store = app.store("demo").await;
    let admin = store.admin().await;
    let mut given_up = 0;
    while given_up < 10 {
        // Far enough to send the BEGIN, where the connection is free, and no further, unless the answer is that quick.
        let begun = app.database.transaction_without_store(|_| async { Ok(()) }.scope_boxed());
        given_up += u32::from(poll!(pin!(begun)).is_pending());
        sleep(Duration::from_millis(5)).await;
    }
    // A single statement, on that very connection.
    admin.post("/admin/tables", &json!({"table_number": 9, "password": "1234"})).await.ok();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM tables WHERE table_number = 9")
        .fetch_one(&mut aside(&app.options).await)
        .await
        .unwrap();
    assert_eq!(count, 1, "what was acknowledged is seen by everybody");
}

#[tokio::test]
async fn that_the_watchdog_loses_its_own_connection_is_noticed_by_nobody() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let tablet = store.tablet(1).await;
    let mut aside = aside(&app.options).await;
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'tableorder-watchdog'";
    let mut killed = 0;
    while killed < 3 {
        killed += sqlx::query_scalar::<_, i64>(kill).fetch_one(&mut aside).await.unwrap();
        for _ in 0..10 {
            tablet.order(&store.menus[..1]).await.ok();
        }
    }
}

#[tokio::test]
async fn logins_go_on_after_a_network_that_lost_their_connections() {
    let options = plain_database().await;
    let proxy = Proxy::start(&options).await;
    let app = TestApp::start_on(proxy.options(), |config| {
        config.database.statement_timeout = Duration::from_secs(1);
        config.events.wake_ups = false;
    })
    .await;
    let store = app.store("demo").await;
    app.store("other").await;
    let client = app.anonymous();
    let mut holder = aside(&options).await;
    sqlx::raw_sql("BEGIN; LOCK TABLE login_throttle").execute(&mut holder).await.unwrap();
    // More of them than may hash at a time; each of another table, so that none waits for another.
    let logins: Vec<_> = (0..60)
        .map(|number| {
            let body = json!({"store_id": store.code, "table_number": 100 + number, "password": "1234"});
            let client = client.clone();
            tokio::spawn(async move { client.post("/customer/auth/login", &body).await })
        })
        .collect();
    waiting_for_locks(&options, 4).await;
    proxy.silence_all();
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    for login in logins {
        let status = login.await.unwrap().status;
        assert!([401, 503].contains(&status.as_u16()), "{status}");
    }
    // As soon as the watchdog has seen that PostgreSQL can be reached again.
    let body = json!({"store_id": store.code, "table_number": 1, "password": "1234"});
    let login = async { while !client.post("/customer/auth/login", &body).await.status.is_success() {} };
    timeout(BACK_WITHIN, login).await.expect("logins should work again");
}

#[tokio::test]
async fn an_order_whose_connection_falls_silent_does_not_hold_up_the_next() {
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
    // Their tokens and the menu are in memory from here on, so that nothing but the order needs a connection.
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
    waiting_for_locks(&options, 1).await;
    let behind = order(&second);
    proxy.silence_requests();
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    // Its answer is lost: it may have been placed, and its retry finds out.
    lost.await.unwrap().refused(503, "SERVICE_UNAVAILABLE");
    behind.await.unwrap().ok();
    order(&first).await.unwrap().ok();
    for tablet in [&first, &second] {
        assert_eq!(tablet.get("/customer/orders").await.ok()["orders"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn requests_are_served_while_a_new_connection_gets_no_answer() {
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

    proxy.silence_next();
    let lost = app.database.read(|conn| {
        async move {
            sqlx::raw_sql("SELECT pg_terminate_backend(pg_backend_pid())").execute(&mut **conn).await?;
            Ok(())
        }
        .scope_boxed()
    });
    lost.await.unwrap_err();
    let until = Instant::now() + ANSWERED_WITHIN;
    while Instant::now() < until {
        in_time(tablet.get("/customer/orders")).await.ok();
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(app.database.pool_state().connections, 3, "the new connection should still get no answer");
    timeout(BACK_WITHIN, all_open()).await.expect("the pool should open another connection");
}

#[tokio::test]
async fn orders_that_waited_behind_a_lock_are_placed_once_it_is_free() {
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
    // Longer than a request waits for a connection.
    sleep(Duration::from_secs(3)).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    for order in orders {
        order.await.unwrap().ok();
    }
}
