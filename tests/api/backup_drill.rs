//! A full drill: back up busy stores, restore elsewhere, compare, and continue to serve.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::sleep;

use crate::command_line::Shell;
use crate::support::{ApiClient, TestApp, TestStore, empty_database, plain_database, url_of};

/// The time of the test, far from midnight, where order numbers restart.
const NOON: &str = "2026-11-20T03:00:00Z";

/// An order that was acknowledged to its client.
#[derive(Debug, Clone, PartialEq)]
struct Acknowledged {
    store: String,
    id: i64,
    number: String,
    total: i64,
}

/// All orders acknowledged so far.
type AcknowledgedOrders = Arc<Mutex<Vec<Acknowledged>>>;

/// One table: guests order; an admin changes the status of orders, cancels them and completes the session.
async fn run_table(store: Arc<TestStore>, table: i32, acknowledged: AcknowledgedOrders, open: Arc<AtomicBool>) {
    let mut rng = StdRng::seed_from_u64(u64::from(table.unsigned_abs()) * 31 + u64::from(store.code.as_bytes()[0]));
    let (admin, mut tablet) = (store.admin().await, store.tablet(table).await);
    let mut live: Vec<(i64, &'static str)> = Vec::new();
    while open.load(Ordering::SeqCst) {
        match rng.random_range(0..100_u8) {
            0..60 => {
                let body = json!({"items": [{"menu_id": store.menus[rng.random_range(0..2_usize)], "quantity": rng.random_range(1..5)}]});
                let order = tablet.post("/customer/orders", &body).await.ok();
                acknowledged.lock().unwrap().push(acknowledged_order(&store, &order));
                live.push((order["id"].as_i64().unwrap(), "preparing"));
            }
            60..85 if !live.is_empty() => {
                let index = rng.random_range(0..live.len());
                let (order, next) = live[index];
                admin.patch(&format!("/admin/orders/{order}/status"), &json!({"status": next})).await.ok();
                live[index].1 = "completed";
                if next == "completed" {
                    live.swap_remove(index);
                }
            }
            85..93 if !live.is_empty() => {
                let (order, _) = live.swap_remove(rng.random_range(0..live.len()));
                admin.delete(&format!("/admin/orders/{order}?reason=mistake")).await.ok();
            }
            93.. if !live.is_empty() => {
                let table = store.tables[usize::try_from(table - 1).unwrap()];
                admin.post(&format!("/admin/tables/{table}/complete"), &json!({})).await.ok();
                let login = tablet.post("/customer/auth/session", &json!({})).await.ok();
                tablet = tablet.with_token(login["token"].as_str().unwrap());
                live.clear();
            }
            _ => {}
        }
        sleep(Duration::from_millis(rng.random_range(0..10))).await;
    }
}

fn acknowledged_order(store: &TestStore, order: &Value) -> Acknowledged {
    Acknowledged {
        store: store.code.clone(),
        id: order["id"].as_i64().unwrap(),
        number: order["order_number"].as_str().unwrap().to_owned(),
        total: order["total_amount"].as_i64().unwrap(),
    }
}

/// Waits until each store has `count` more acknowledged orders, so that no store is missing from the backup.
async fn wait_for_orders(acknowledged: &AcknowledgedOrders, stores: &[Arc<TestStore>], count: usize) {
    let from = acknowledged.lock().unwrap().len();
    let more = |store: &TestStore| {
        acknowledged.lock().unwrap()[from..].iter().filter(|acknowledged| acknowledged.store == store.code).count()
    };
    while stores.iter().any(|store| more(store) < count) {
        sleep(Duration::from_millis(5)).await;
    }
}

/// The text result of a query with parameters store ($1) and seq ($2).
async fn text(conn: &mut PgConnection, sql: &str, store: i64, seq: i64) -> String {
    let text: Option<String> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(store).bind(seq).fetch_one(conn).await.unwrap();
    text.unwrap_or_default()
}

/// The orders that were placed up to event $2 of store $1.
const PLACED: &str = "SELECT (data->>'order_id')::bigint FROM events
    WHERE store_id = $1 AND seq <= $2 AND kind = 'new_order'";

/// Digests of the rows that never change, up to the backup's last event. They must be equal in both databases.
fn immutable_rows() -> Vec<(&'static str, String)> {
    let digest = |columns: &str, from: &str, order: &str| {
        format!(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(({columns})::text, '|' ORDER BY {order})), '') FROM {from}"
        )
    };
    vec![
        ("events", digest("t", "events t WHERE store_id = $1 AND seq <= $2", "seq")),
        (
            "orders",
            digest(
                "id, session_id, table_id, table_number, business_day, day_number, total_amount, note, created_at,
                 idempotency_key, content_digest",
                &format!("orders WHERE store_id = $1 AND id IN ({PLACED})"),
                "id",
            ),
        ),
        ("order_items", digest("t", &format!("order_items t WHERE store_id = $1 AND order_id IN ({PLACED})"), "id")),
        ("menus", digest("t", "menus t WHERE store_id = $1 AND $2::bigint > 0", "id")),
        ("categories", digest("t", "categories t WHERE store_id = $1 AND $2::bigint > 0", "id")),
        ("stores", digest("t", "stores t WHERE id = $1 AND $2::bigint > 0", "id")),
        ("users", digest("id, username, password_hash, role", "users WHERE store_id = $1 AND $2::bigint > 0", "id")),
        (
            "tables",
            digest(
                "id, table_number, password_hash, deleted_at",
                "tables WHERE store_id = $1 AND $2::bigint > 0",
                "id",
            ),
        ),
    ]
}

/// The state of orders and sessions at event $2, computed from the events only.
const STATE_FROM_EVENTS: &str = "
    WITH past AS (SELECT seq, kind, session_id, (data->>'order_id')::bigint AS id, data FROM events
                  WHERE store_id = $1 AND seq <= $2),
    placed AS (
      SELECT id, session_id,
             coalesce((SELECT data->>'status' FROM past u WHERE u.kind = 'order_updated' AND u.id = p.id
                       ORDER BY seq DESC LIMIT 1), 'pending') AS status,
             EXISTS (SELECT FROM past d WHERE d.kind = 'order_deleted' AND d.id = p.id) AS is_deleted,
             EXISTS (SELECT FROM past c WHERE c.kind = 'session_completed'
                     AND (c.data->>'session_id')::bigint = p.session_id) AS is_past,
             (data->>'total_amount')::bigint AS total
      FROM past p WHERE kind = 'new_order')
    SELECT md5(string_agg(concat_ws(':', id, status, is_deleted, is_past), '|' ORDER BY id)) || ' '
           || sum(total) FILTER (WHERE NOT is_deleted) || ' ' || count(*) FROM placed";

/// The same state, computed from the rows.
const STATE_FROM_ROWS: &str = "
    SELECT md5(string_agg(concat_ws(':', o.id, o.status, o.cancelled_at IS NOT NULL, s.completed_at IS NOT NULL),
                          '|' ORDER BY o.id)) || ' '
           || sum(o.total_amount) FILTER (WHERE o.cancelled_at IS NULL) || ' ' || count(*)
    FROM orders o JOIN table_sessions s ON s.store_id = o.store_id AND s.id = o.session_id
    WHERE o.store_id = $1 AND $2::bigint > 0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_a_consistent_snapshot_that_serves_on() {
    let app = TestApp::start_on(plain_database().await, |_| {}).await;
    app.set_time(NOON);
    let stores = [Arc::new(app.store("noodles").await), Arc::new(app.store("bar").await)];
    let (acknowledged, open) = (AcknowledgedOrders::default(), Arc::new(AtomicBool::new(true)));
    let busy: Vec<_> = stores
        .iter()
        .flat_map(|store| (1..=3).map(|table| (Arc::clone(store), table)))
        .map(|(store, table)| tokio::spawn(run_table(store, table, Arc::clone(&acknowledged), Arc::clone(&open))))
        .collect();
    wait_for_orders(&acknowledged, &stores, 50).await;

    let shell = Shell::on(&app, "drill");
    let before = acknowledged.lock().unwrap().clone();
    let backup = shell.command(&["backup", "busy.backup"]).spawn().unwrap();
    let output = tokio::task::spawn_blocking(move || backup.wait_with_output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let during = acknowledged.lock().unwrap().len() - before.len();
    assert!(during > 0, "the load should continue during the backup");
    wait_for_orders(&acknowledged, &stores, 25).await;
    open.store(false, Ordering::SeqCst);
    for table in busy {
        table.await.unwrap();
    }

    let elsewhere = empty_database().await;
    let away = Shell::at(url_of(&elsewhere), "drill-away");
    let file = shell.directory.join("busy.backup");
    let summary = away.ok(&["restore", file.to_str().unwrap()], "");
    // The server starts with the system clock, which must not prune the events to be compared.
    let restored = TestApp::start_on(elsewhere.clone(), |config| config.events.retention *= 1_000).await;
    restored.set_time(NOON);
    assert_is_one_snapshot(&app, &restored, &before).await;
    // The backup's summary must equal the restore's.
    let counted = summary.split(';').next().unwrap().trim_start_matches("restored: ");
    assert!(String::from_utf8(output.stdout).unwrap().trim_end().ends_with(counted), "{counted}");
    assert_service_continues(&restored, &stores).await;
    assert!(numbers_are_unique(elsewhere).await);
}

async fn assert_is_one_snapshot(app: &TestApp, restored: &TestApp, before: &[Acknowledged]) {
    let (mut source, mut copy) = (app.connection().await, restored.connection().await);
    let heads: Vec<(i64, i64, String)> = sqlx::query_as(
        "SELECT s.id, event_seq, code FROM stores s JOIN store_streams ON store_id = s.id ORDER BY code",
    )
    .fetch_all(&mut copy)
    .await
    .unwrap();
    assert_eq!(heads.len(), 2);
    for (store, seq, code) in heads {
        for (what, sql) in immutable_rows() {
            let expected = text(&mut source, &sql, store, seq).await;
            assert_eq!(text(&mut copy, &sql, store, seq).await, expected, "{what} of {code}");
        }
        // An order exists if its event does, and its state follows from the events.
        let expected = text(&mut source, STATE_FROM_EVENTS, store, seq).await;
        assert_eq!(text(&mut copy, STATE_FROM_ROWS, store, seq).await, expected, "{code}");
        let events = "SELECT count(*) || ' ' || max(seq) FROM events WHERE store_id = $1 AND $2::bigint > 0";
        assert_eq!(text(&mut copy, events, store, seq).await, format!("{seq} {seq}"));
        let counter = "SELECT (SELECT last_number FROM order_counters WHERE store_id = $1)
                - (SELECT max(day_number) FROM orders WHERE store_id = $1 AND $2::bigint > 0) || ''";
        assert_eq!(text(&mut copy, counter, store, seq).await, "0");
    }
    let there: Vec<(String, i64, String, i64)> = sqlx::query_as(
        "SELECT code, o.id, to_char(business_day, 'YYYYMMDD') || '-' || to_char(day_number, 'FM99900000'), total_amount
         FROM orders o JOIN stores s ON s.id = o.store_id",
    )
    .fetch_all(&mut copy)
    .await
    .unwrap();
    let there: HashSet<(String, i64, i64)> = there.into_iter().map(|(code, id, _, total)| (code, id, total)).collect();
    for Acknowledged { store, id, total, .. } in before {
        assert!(
            there.contains(&(store.clone(), *id, *total)),
            "order {id} of {store} was acknowledged before the backup and is missing"
        );
    }
}

/// Cursors from before the restore get a reset; order numbers continue.
async fn assert_service_continues(restored: &TestApp, stores: &[Arc<TestStore>]) {
    for store in stores {
        let (old_admin, old_tablet) = (store.admin().await, store.tablet(1).await);
        let dashboard = old_admin.get("/admin/tables/dashboard").await.ok();
        let cursor = dashboard["event_id"].as_str().unwrap();
        for (old, path) in [(&old_admin, "/admin/auth/me"), (&old_tablet, "/customer/menu")] {
            let here = restored.anonymous().with_token(old.token());
            here.get(path).await.refused(401, "INVALID_TOKEN");
        }
        let (admin, tablet) = login(restored, store).await;
        let mut stream = admin.stream("/admin/orders/stream", Some(cursor)).await.connected().await;
        assert_eq!(stream.next().await.name, "reset");

        let last: i32 = {
            let mut connection = restored.connection().await;
            let sql = "SELECT max(day_number) FROM orders o JOIN stores s ON s.id = o.store_id WHERE code = $1";
            sqlx::query_scalar(sql).bind(&store.code).fetch_one(&mut connection).await.unwrap()
        };
        for number in last + 1..last + 10 {
            let order = tablet.order(&store.menus[..2]).await.ok();
            assert_eq!(order["order_number"], format!("20261120-{number:03}"));
            let event = stream.next().await;
            assert_eq!((event.name.as_str(), &event.data["order_id"]), ("new_order", &order["id"]));
        }
    }
}

async fn login(app: &TestApp, store: &TestStore) -> (ApiClient, ApiClient) {
    let admin = json!({"store_id": store.code, "username": "admin", "password": "admin1234"});
    let table = json!({"store_id": store.code, "table_number": 1, "password": "1234"});
    let client = app.anonymous();
    let admin = client.post("/admin/auth/login", &admin).await.ok();
    let table = client.post("/customer/auth/login", &table).await.ok();
    (client.with_token(admin["token"].as_str().unwrap()), client.with_token(table["token"].as_str().unwrap()))
}

async fn numbers_are_unique(options: PgConnectOptions) -> bool {
    let sql = "SELECT count(*) = count(DISTINCT (store_id, business_day, day_number))
               AND (SELECT count(*) FROM orders) = (SELECT sum(last_number) FROM order_counters) FROM orders";
    let mut connection = <PgConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}
