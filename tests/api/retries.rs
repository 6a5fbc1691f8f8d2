//! Transactions that PostgreSQL sacrifices to others are tried again, and nobody notices. (Another database may choose
//! another victim: Citus takes whoever came last, however patient.)

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support::{TestApp, plain_database, waiting_for_locks};

#[tokio::test]
async fn an_order_that_is_the_victim_of_a_deadlock_is_placed_all_the_same() {
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
    // It holds its session now. The rival takes what the order will want last, and wants the session: whoever
    // is deadlocked for longer than his patience is the victim.
    waiting_for_locks(&app.options, 1).await;
    rival.execute("SET deadlock_timeout = '1min'; BEGIN; SELECT FROM order_counters FOR UPDATE").await.unwrap();
    let let_go = async {
        waiting_for_locks(&app.options, 2).await;
        holder.execute("ROLLBACK").await.unwrap();
    };
    let (won, ()) = tokio::join!(rival.execute("SELECT FROM table_sessions FOR UPDATE"), let_go);
    won.expect("the rival should have won");
    rival.execute("ROLLBACK").await.unwrap();

    let second = order.await.unwrap().ok();
    let orders = tablet.get("/customer/orders").await.ok();
    assert_eq!(orders["orders"], serde_json::json!([second, first]));
    assert!(second["order_number"].as_str().unwrap().ends_with("-002"), "the first try left no trace");
}

#[tokio::test]
async fn an_order_that_cannot_be_serialised_is_placed_all_the_same() {
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
        waiting_for_locks(&options, 1).await;
        other.execute("COMMIT").await.unwrap();
    };
    let (order, ()) = tokio::join!(tablet.order(&store.menus[..1]), commit);
    let order = order.ok();
    assert_eq!(tablet.get("/customer/orders").await.ok()["orders"], serde_json::json!([order]));
    assert_eq!(stream.next().await.data["order_id"], order["id"]);
    stream.silent().await;
}
