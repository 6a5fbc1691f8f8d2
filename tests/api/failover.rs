//! Failover with a read-only PostgreSQL: requests get 503 in time, readiness fails, and service recovers without a restart
//! once the address points to a node that accepts writes.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tableorder::config::Config;
use tableorder::database::embedded::EmbeddedPostgres;
use tableorder::database::{MIGRATIONS, migrations};
use tableorder::error::ErrorCode;
use tokio::time::{sleep, timeout};

use crate::command_line::Shell;
use crate::support::{
    Guests, Proxy, RECOVERY_DEADLINE, TestApp, TestStore, empty_database, expect_unavailable, plain_database, promote,
    scratch_directory, start_demoted, start_migrated, start_standby, until, within_deadline,
};

/// A server with few connections and the default acquire timeout.
async fn start_on(options: PgConnectOptions) -> TestApp {
    let default = Config::read(|_| None).unwrap().database;
    TestApp::start_on(options, |config| {
        config.database.acquire_timeout = default.acquire_timeout;
        // So few that the guests use all of them while the database is read-only.
        config.database.max_connections = 2;
    })
    .await
}

/// Waits until the server is ready.
async fn wait_until_ready(app: &TestApp) {
    let client = app.anonymous();
    let waiting = async {
        while !within_deadline(client.get("/health/ready")).await.status.is_success() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(RECOVERY_DEADLINE, waiting).await.expect("the server should be ready");
    client.get("/health").await.ok();
    assert!(app.database.pool_state().is_open);
}

/// Asserts that every request that needs the database gets 503, and that the health response names the database.
async fn assert_all_refused(app: &TestApp, store: &TestStore) {
    let client = app.anonymous();
    for path in ["/health/ready", "/health"] {
        let error = within_deadline(client.get(path)).await.refused(503, "SERVICE_UNAVAILABLE");
        assert_eq!(error["details"][0]["field"], "database");
    }
    assert_eq!(within_deadline(client.get("/health/live")).await.ok(), json!({"status": "alive"}));
    for (path, body) in logins(store) {
        expect_unavailable(within_deadline(client.post(path, &body)).await);
    }
    let closed = async {
        while app.database.pool_state().is_open {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(RECOVERY_DEADLINE, closed).await.expect("the metric should show the outage");
}

/// Logs in as a user and as a tablet.
async fn assert_logins_work(app: &TestApp, store: &TestStore) {
    for (path, body) in logins(store) {
        within_deadline(app.anonymous().post(path, &body)).await.ok();
    }
}

fn logins(store: &TestStore) -> [(&'static str, Value); 2] {
    let store = &store.code;
    [
        ("/admin/auth/login", json!({"store_id": store, "username": "admin", "password": "admin1234"})),
        ("/customer/auth/login", json!({"store_id": store, "table_number": 1, "password": "1234"})),
    ]
}

/// Terminates the server's database connections with this application name.
async fn cut(aside: &mut PgConnection, application: &str) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE $1";
    sqlx::query(sql).bind(application).execute(aside).await.unwrap();
}

#[tokio::test]
async fn connections_opened_on_a_read_only_database_are_replaced() {
    let options = plain_database().await;
    let mut aside = PgConnection::connect_with(&options.clone().application_name("aside")).await.unwrap();
    let app = start_on(options.clone()).await;
    let store = app.store("demo").await;
    let guests = Guests::start(&store).await;

    let name = options.get_database().unwrap();
    let [begin, end] = ["SET default_transaction_read_only = on", "RESET default_transaction_read_only"]
        .map(|change| format!("ALTER DATABASE {name} {change}"));
    // First all connections; then only those of the pool, so that the watchdog and the listener stay connected.
    for connections in ["%", "tableorder"] {
        sqlx::raw_sql(AssertSqlSafe(begin.clone())).execute(&mut aside).await.unwrap();
        cut(&mut aside, connections).await;
        guests.wait_until_refused().await;
        assert_all_refused(&app, &store).await;

        sqlx::raw_sql(AssertSqlSafe(end.clone())).execute(&mut aside).await.unwrap();
        guests.wait_until_served().await;
        wait_until_ready(&app).await;
        assert_logins_work(&app, &store).await;
    }
    guests.finish().await;
}

#[tokio::test]
async fn commands_on_a_read_only_database_report_it() {
    let empty = empty_database().await;
    let app = TestApp::start().await;
    for options in [&empty, &app.options] {
        let mut aside = PgConnection::connect_with(options).await.unwrap();
        let change =
            format!("ALTER DATABASE {} SET default_transaction_read_only = on", options.get_database().unwrap());
        sqlx::raw_sql(AssertSqlSafe(change)).execute(&mut aside).await.unwrap();
    }
    let expected = "PostgreSQL refuses writes: it is a standby, or default_transaction_read_only is on";
    let refused = migrations::migrate(&MIGRATIONS, &empty).await.unwrap_err().to_string();
    assert!(refused.contains(expected), "{refused}");
    migrations::migrate(&MIGRATIONS, &app.options).await.expect("an up-to-date database should need no writes");

    let shell = Shell::on(&app, "read-only");
    for command in ["serve", "migrate", "new-epoch"] {
        let output = shell.command(&[command]).env("PORT", "0").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let refused = String::from_utf8(output.stderr).unwrap();
        assert!(refused.contains(expected) && refused.contains("DATABASE_URL must name the primary"), "{refused}");
    }
    shell.ok(&["backup", "orders.tar"], "");
}

/// Asserts that errors of a node in recovery map to "unavailable", and other errors do not.
async fn assert_read_only(node: &EmbeddedPostgres) {
    let mut connection = PgConnection::connect_with(&node.connect_options()).await.unwrap();
    for (sql, code) in [
        ("SELECT FROM login_throttle", ErrorCode::ServiceUnavailable),
        ("UPDATE login_throttle SET failures = 0", ErrorCode::ServiceUnavailable),
        ("UPDATE stores SET name = ''", ErrorCode::ServiceUnavailable),
        ("LISTEN orders", ErrorCode::ServiceUnavailable),
        ("SELECT count(*) FROM stores FOR UPDATE", ErrorCode::InternalError),
    ] {
        let error = sqlx::raw_sql(sql).execute(&mut connection).await.unwrap_err();
        assert_eq!(ErrorCode::from(&error), code, "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_failover_through_a_read_only_node_loses_no_order() {
    let (first, second) = (scratch_directory("failover-first"), scratch_directory("failover-second"));
    let primary = start_migrated(&first).await;
    let standby = start_standby(&primary, &first, &second).await;
    let proxy = Proxy::start(&primary.connect_options()).await;
    let (one, other) = (start_on(proxy.options()).await, start_on(proxy.options()).await);
    let here = one.store("here").await;
    let there = one.store("there").await.on(&other);
    // Each dashboard is on the instance that does not take its store's orders.
    let dashboards = [here.on(&other).admin().await, there.on(&one).admin().await];
    let mut streams = Vec::new();
    for dashboard in &dashboards {
        streams.push(dashboard.stream("/admin/orders/stream", None).await.connected().await);
    }
    let guests = [Guests::start(&here).await, Guests::start(&there).await];

    // The address points to the old primary, now read-only.
    primary.stop().await;
    let demoted = start_demoted(&first).await;
    proxy.wait_for_connections(5).await;
    for guests in &guests {
        guests.wait_until_refused().await;
    }
    assert_all_refused(&one, &here).await;
    assert_all_refused(&other, &there).await;
    expect_unavailable(within_deadline(dashboards[0].get("/admin/orders")).await);
    assert_read_only(&demoted).await;
    // The address points to the new primary, still read-only. Connections to the old one stay open.
    proxy.set_target(&standby.connect_options());
    proxy.wait_for_connections(5).await;
    assert_all_refused(&one, &here).await;
    assert_all_refused(&other, &there).await;

    promote(&standby).await;
    for guests in &guests {
        guests.wait_until_served().await;
    }
    wait_until_ready(&one).await;
    wait_until_ready(&other).await;
    assert_logins_work(&one, &there).await;
    assert_logins_work(&other, &here).await;
    let listeners = "SELECT count(*) = 2 FROM pg_stat_activity WHERE application_name = 'tableorder-listener'";
    until(&standby, listeners).await;
    until(&demoted, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'tableorder%'").await;

    for (guests, mut stream) in guests.into_iter().zip(streams) {
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
}
