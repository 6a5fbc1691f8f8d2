//! Retries after deadlocks and serialization failures. (PostgreSQL ends the session that has waited for its
//! `deadlock_timeout`; Citus always ends the youngest transaction.)

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support::{TestApp, plain_database, wait_for_locks};

#[tokio::test]
async fn an_order_that_loses_a_deadlock_is_retried() {
    let app = TestApp::start_on(plain_database().await, |_| {}).await;
    let store = app.store("demo").await;
    let tablet = store.tablet(1).await;
    let first = tablet.order(&store.menus[..1]).await.ok();
    let mut holder = PgConnection::connect_with(&app.options).await.unwrap();
    let mut rival = PgConnection::connect_with(&app.options).await.unwrap();

    holder.execute("BEGIN; SELECT FROM store_streams FOR UPDATE").await.unwrap();
    let order = tokio::spawn({
        let (tablet, menus) = (tablet.clone(), store.menus.clone());
        async move { tablet.order(&menus[..1]).await }
    });
    // The order holds its session. The rival locks a row that the order needs last, then waits for the session. The
    // rival's deadlock_timeout is longer, so PostgreSQL ends the order's transaction.
    wait_for_locks(&app.options, 1).await;
    rival.execute("SET deadlock_timeout = '1min'; BEGIN; SELECT FROM order_counters FOR UPDATE").await.unwrap();
    let let_go = async {
        wait_for_locks(&app.options, 2).await;
        holder.execute("ROLLBACK").await.unwrap();
    };
    let (won, ()) = tokio::join!(rival.execute("SELECT FROM table_sessions FOR UPDATE"), let_go);
    won.expect("the rival should not be the deadlock victim");
    rival.execute("ROLLBACK").await.unwrap();

    let second = order.await.unwrap().ok();
    let orders = tablet.get("/customer/orders").await.ok();
    assert_eq!(orders["orders"], serde_json::json!([second, first]));
    assert!(second["order_number"].as_str().unwrap().ends_with("-002"), "the first attempt should use no number");
}

#[tokio::test]
async fn an_order_with_a_serialization_failure_is_retried() {
    let options = plain_database().await;
    let name = options.get_database().unwrap();
    let mut other = PgConnection::connect_with(&options).await.unwrap();
    let stricter = format!("ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'");
    other.execute(AssertSqlSafe(stricter)).await.unwrap();
    let app = TestApp::start_on(options.clone(), |_| {}).await;
    let store = app.store("demo").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let mut stream = admin.stream("/admin/orders/stream", None).await.connected().await;

    other.execute("BEGIN; UPDATE store_streams SET menu_version = menu_version + 1").await.unwrap();
    let commit = async {
        wait_for_locks(&options, 1).await;
        other.execute("COMMIT").await.unwrap();
    };
    let (order, ()) = tokio::join!(tablet.order(&store.menus[..1]), commit);
    let order = order.ok();
    assert_eq!(tablet.get("/customer/orders").await.ok()["orders"], serde_json::json!([order]));
    assert_eq!(stream.next().await.data["order_id"], order["id"]);
    stream.expect_no_event().await;
}
