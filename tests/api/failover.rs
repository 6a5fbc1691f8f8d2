//! A PostgreSQL that answers but takes no writes, as during a failover: requests are refused in time, readiness is red,
//! and everything works again by itself once the address leads to one that does.

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
    BACK_WITHIN, Guests, Proxy, TestApp, TestStore, empty_database, in_time, plain_database, promote,
    scratch_directory, start_demoted, start_migrated, start_standby, told_to_come_back, until,
};

/// A server with few connections, for which it waits as long as one does by default.
async fn start_on(options: PgConnectOptions) -> TestApp {
    let default = Config::read(|_| None).unwrap().database;
    TestApp::start_on(options, |config| {
        config.database.acquire_timeout = default.acquire_timeout;
        // So few that all are used while the database only reads.
        config.database.max_connections = 2;
    })
    .await
}

/// Waits until the server says that it is ready.
async fn ready(app: &TestApp) {
    let client = app.anonymous();
    let waiting = async {
        while !in_time(client.get("/health/ready")).await.status.is_success() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(BACK_WITHIN, waiting).await.expect("the server should be ready");
    client.get("/health").await.ok();
    assert!(app.database.pool_state().is_open);
}

/// Checks that whatever needs the database is refused, and that its check is named.
async fn refuses_everything(app: &TestApp, store: &TestStore) {
    let client = app.anonymous();
    for path in ["/health/ready", "/health"] {
        let error = in_time(client.get(path)).await.refused(503, "SERVICE_UNAVAILABLE");
        assert_eq!(error["details"][0]["field"], "database");
    }
    assert_eq!(in_time(client.get("/health/live")).await.ok(), json!({"status": "alive"}));
    for (path, body) in logins(store) {
        told_to_come_back(in_time(client.post(path, &body)).await);
    }
    let closed = async {
        while app.database.pool_state().is_open {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(BACK_WITHIN, closed).await.expect("the metric should follow");
}

/// Logs in as every kind of user.
async fn logs_in(app: &TestApp, store: &TestStore) {
    for (path, body) in logins(store) {
        in_time(app.anonymous().post(path, &body)).await.ok();
    }
}

fn logins(store: &TestStore) -> [(&'static str, Value); 2] {
    let store = &store.code;
    [
        ("/admin/auth/login", json!({"store_id": store, "username": "admin", "password": "admin1234"})),
        ("/customer/auth/login", json!({"store_id": store, "table_number": 1, "password": "1234"})),
    ]
}

/// Cuts the connections of the server from its database.
async fn cut(aside: &mut PgConnection, application: &str) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE $1";
    sqlx::query(sql).bind(application).execute(aside).await.unwrap();
}

#[tokio::test]
async fn connections_opened_while_the_database_was_read_only_are_not_kept() {
    let options = plain_database().await;
    let mut aside = PgConnection::connect_with(&options.clone().application_name("aside")).await.unwrap();
    let app = start_on(options.clone()).await;
    let store = app.store("demo").await;
    let guests = Guests::sit_down(&store).await;

    let name = options.get_database().unwrap();
    let [begin, end] = ["SET default_transaction_read_only = on", "RESET default_transaction_read_only"]
        .map(|change| format!("ALTER DATABASE {name} {change}"));
    // All connections, and all but those of the watchdog and the listener, which go on as if nothing had happened.
    for connections in ["%", "tableorder"] {
        sqlx::raw_sql(AssertSqlSafe(begin.clone())).execute(&mut aside).await.unwrap();
        cut(&mut aside, connections).await;
        guests.all_refused().await;
        refuses_everything(&app, &store).await;

        sqlx::raw_sql(AssertSqlSafe(end.clone())).execute(&mut aside).await.unwrap();
        guests.all_served().await;
        ready(&app).await;
        logs_in(&app, &store).await;
    }
    guests.leave().await;
}

#[tokio::test]
async fn commands_on_a_database_that_only_reads_say_so() {
    let empty = empty_database().await;
    let app = TestApp::start().await;
    for options in [&empty, &app.options] {
        let mut aside = PgConnection::connect_with(options).await.unwrap();
        let change =
            format!("ALTER DATABASE {} SET default_transaction_read_only = on", options.get_database().unwrap());
        sqlx::raw_sql(AssertSqlSafe(change)).execute(&mut aside).await.unwrap();
    }
    let told = "PostgreSQL takes no writes: it is a standby, or default_transaction_read_only is on";
    let refused = migrations::migrate(&MIGRATIONS, &empty).await.unwrap_err().to_string();
    assert!(refused.contains(told), "{refused}");
    migrations::migrate(&MIGRATIONS, &app.options).await.expect("nothing is to be written");

    let shell = Shell::on(&app, "read-only");
    for command in ["serve", "migrate"] {
        let output = shell.command(&[command]).env("PORT", "0").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let refused = String::from_utf8(output.stderr).unwrap();
        assert!(refused.contains(told) && refused.contains("DATABASE_URL must lead to the primary"), "{refused}");
    }
    shell.ok(&["backup", "orders.tar"], "");
}

/// Checks that what only a node in recovery refuses is a database that is away, and no other error is.
async fn only_reads(node: &EmbeddedPostgres) {
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
async fn a_failover_by_way_of_a_node_that_only_reads_loses_no_order() {
    let (first, second) = (scratch_directory("failover-first"), scratch_directory("failover-second"));
    let primary = start_migrated(&first).await;
    let standby = start_standby(&primary, &first, &second).await;
    let proxy = Proxy::start(&primary.connect_options()).await;
    let (one, other) = (start_on(proxy.options()).await, start_on(proxy.options()).await);
    let here = one.store("here").await;
    let there = one.store("there").await.on(&other);
    // Each dashboard is on the instance that the orders of its store do not come to.
    let dashboards = [here.on(&other).admin().await, there.on(&one).admin().await];
    let mut streams = Vec::new();
    for dashboard in &dashboards {
        streams.push(dashboard.stream("/admin/orders/stream", None).await.connected().await);
    }
    let guests = [Guests::sit_down(&here).await, Guests::sit_down(&there).await];

    // The address leads to the old primary, which only reads.
    primary.stop().await;
    let demoted = start_demoted(&first).await;
    proxy.opened_more(5).await;
    for guests in &guests {
        guests.all_refused().await;
    }
    refuses_everything(&one, &here).await;
    refuses_everything(&other, &there).await;
    told_to_come_back(in_time(dashboards[0].get("/admin/orders")).await);
    only_reads(&demoted).await;
    // It leads to the new one, which only reads as yet; connections to the old one are not cut.
    proxy.lead_to(&standby.connect_options());
    proxy.opened_more(5).await;
    refuses_everything(&one, &here).await;
    refuses_everything(&other, &there).await;

    promote(&standby).await;
    for guests in &guests {
        guests.all_served().await;
    }
    ready(&one).await;
    ready(&other).await;
    logs_in(&one, &there).await;
    logs_in(&other, &here).await;
    let listeners = "SELECT count(*) = 2 FROM pg_stat_activity WHERE application_name = 'tableorder-listener'";
    until(&standby, listeners).await;
    until(&demoted, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'tableorder%'").await;

    for (guests, mut stream) in guests.into_iter().zip(streams) {
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
}
