//! Tables, sessions and history.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, TestStore, answer, plain_database};

/// Orders one item at table 1 at `moment` and returns the order number.
async fn order_at(app: &TestApp, store: &TestStore, moment: &str) -> String {
    app.set_time(moment);
    let order = store.tablet(1).await.order(&store.menus[..1]).await.ok();
    order["order_number"].as_str().unwrap().to_owned()
}

async fn complete(store: &TestStore) -> Value {
    store.admin().await.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok()
}

async fn history(store: &TestStore, query: &str) -> Vec<String> {
    let path = format!("/admin/tables/{}/history?{query}", store.tables[0]);
    let page = store.admin().await.get(&path).await.ok();
    let orders = page["orders"].as_array().unwrap();
    orders.iter().map(|order| order["order_number"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_table_is_created_changed_and_deleted() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let admin = store.admin().await;
    let created = admin.post("/admin/tables", &json!({"table_number": 7, "password": "abcd"})).await;
    assert_eq!(created.status, 201);
    let location = created.headers["location"].to_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let table = created.ok();
    assert_eq!(location, format!("/admin/tables/{}", table["id"]));
    assert_eq!(admin.get(&location).await.ok(), table);
    admin.post("/admin/tables", &json!({"table_number": 7, "password": "abcd"})).await.refused(409, "DUPLICATE");
    // The same number at another store.
    other.admin().await.post("/admin/tables", &json!({"table_number": 7, "password": "abcd"})).await.ok();
    for (body, field) in [
        (json!({"table_number": 0, "password": "abcd"}), "table_number"),
        (json!({"table_number": 100_001, "password": "abcd"}), "table_number"),
        (json!({"table_number": 8, "password": "abc"}), "password"),
        (json!({"table_number": 8, "password": "x".repeat(129)}), "password"),
        (json!({"table_number": 8}), "password"),
    ] {
        let error = admin.post("/admin/tables", &body).await.refused(422, "VALIDATION_ERROR");
        assert_eq!(error["details"][0]["field"], field);
    }
    let listed = admin.get("/admin/tables").await.ok();
    assert_eq!(listed["tables"].as_array().unwrap().len(), 4);
    assert_eq!(listed["tables"][3], table);

    let patched = admin.patch(&location, &json!({"table_number": 8})).await.ok();
    assert_eq!(patched["table_number"], 8);
    admin.patch(&location, &json!({"table_number": 1})).await.refused(409, "DUPLICATE");
    admin.patch(&location, &json!({"table_number": null})).await.refused(422, "VALIDATION_ERROR");
    assert_eq!(admin.patch(&location, &json!({})).await.ok(), patched);
    other.admin().await.patch(&location, &json!({"table_number": 9})).await.refused(404, "TABLE_NOT_FOUND");
    other.admin().await.delete(&location).await.refused(404, "TABLE_NOT_FOUND");

    assert_eq!(admin.delete(&location).await.ok()["message"], "삭제되었습니다.");
    admin.delete(&location).await.refused(404, "TABLE_NOT_FOUND");
    // The number can be used again.
    admin.post("/admin/tables", &json!({"table_number": 8, "password": "abcd"})).await.ok();
}

#[tokio::test]
async fn a_new_password_or_deletion_ends_tablet_tokens_and_streams() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, first, second) = (store.admin().await, store.tablet(1).await, store.tablet(2).await);
    let first_stream = first.stream("/customer/orders/stream", None).await.connected().await;
    let second_stream = second.stream("/customer/orders/stream", None).await.connected().await;
    let mut third_stream = store.tablet(3).await.stream("/customer/orders/stream", None).await.connected().await;
    first.get("/customer/menu").await.ok();

    admin.patch(&format!("/admin/tables/{}", store.tables[0]), &json!({"password": "5678"})).await.ok();
    first.get("/customer/menu").await.refused(401, "INVALID_TOKEN");
    first.get("/customer/auth/session/check").await.refused(401, "INVALID_TOKEN");
    first.post("/customer/auth/session", &json!({})).await.refused(401, "INVALID_TOKEN");
    admin.delete(&format!("/admin/tables/{}", store.tables[1])).await.ok();
    second.order(&store.menus[..1]).await.refused(401, "INVALID_TOKEN");
    for stream in [first_stream, second_stream] {
        let end = tokio::time::timeout(Duration::from_secs(5), stream.end())
            .await
            .expect("the stream should end within five seconds");
        assert!(end.is_err(), "the stream should be aborted");
    }
    third_stream.expect_no_event().await;
    let body = json!({"store_id": "demo", "table_number": 1, "password": "1234"});
    app.anonymous().post("/customer/auth/login", &body).await.refused(401, "AUTH_FAILED");
    let body = json!({"store_id": "demo", "table_number": 1, "password": "5678"});
    app.anonymous().post("/customer/auth/login", &body).await.ok();
}

#[tokio::test]
async fn completing_a_table_ends_its_session_and_notifies_its_screens() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let path = format!("/admin/tables/{}/complete", store.tables[0]);
    // A login does not start the session.
    admin.post(&path, &json!({})).await.refused(404, "SESSION_NOT_FOUND");
    assert_eq!(tablet.get("/customer/auth/session/check").await.ok(), json!({"valid": true}));
    let order = tablet.order(&store.menus[..2]).await.ok();
    admin.delete(&format!("/admin/tables/{}", store.tables[0])).await.refused(409, "TABLE_HAS_ACTIVE_SESSION");

    let mut guest = tablet.stream("/customer/orders/stream", None).await.connected().await;
    let mut dashboard = admin.stream("/admin/orders/stream", None).await.connected().await;
    let done = admin.post(&path, &json!({})).await.ok();
    assert_eq!((&done["session_id"], &done["order_count"]), (&order["session_id"], &json!(1)));
    assert_eq!((&done["total_amount"], &done["message"]), (&json!(11_000), &json!("이용이 완료되었습니다.")));
    for screen in [&mut guest, &mut dashboard] {
        let event = screen.next().await;
        assert_eq!(event.name, "session_completed");
        assert_eq!((&event.data["session_id"], &event.data["table_id"]), (&order["session_id"], &order["table_id"]));
        assert!(event.data["message"].is_string());
    }
    admin.post(&path, &json!({})).await.refused(404, "SESSION_NOT_FOUND");

    // The old token reads the menu, sees no orders, and gets SESSION_ENDED for a new order.
    tablet.get("/customer/menu").await.ok();
    let none = json!({"orders": [], "total_amount": 0, "next_cursor": null});
    assert_eq!(tablet.get("/customer/orders").await.ok(), none);
    let check = tablet.get("/customer/auth/session/check").await.ok();
    assert_eq!((&check["valid"], check["message"].is_string()), (&json!(false), true));
    tablet.order(&store.menus[..1]).await.refused(409, "SESSION_ENDED");
    // An order that is finished after the session's completion moves to history then.
    let path = format!("/admin/orders/{}", order["id"]);
    for status in ["preparing", "completed"] {
        admin.patch(&format!("{path}/status"), &json!({"status": status})).await.ok();
    }
    admin.patch(&format!("{path}/status"), &json!({"status": "completed"})).await.refused(409, "SESSION_ENDED");
    admin.delete(&path).await.refused(409, "SESSION_ENDED");

    // A new token without a password, for the next session.
    let renewed = tablet.post("/customer/auth/session", &json!({})).await.ok();
    assert_ne!(renewed["session_id"], order["session_id"]);
    assert_eq!(renewed["table_number"], 1);
    let next = tablet.with_token(renewed["token"].as_str().unwrap());
    assert_eq!(next.order(&store.menus[..1]).await.ok()["session_id"], renewed["session_id"]);
    // The new token works; the history has only the first session.
    let past = admin.get(&format!("/admin/tables/{}/history", store.tables[0])).await.ok();
    let past = past["orders"].as_array().unwrap();
    assert_eq!(past.len(), 1);
    assert_eq!((&past[0]["id"], &past[0]["ordered_at"]), (&order["id"], &order["created_at"]));
    assert_eq!(past[0]["completed_at"], done["completed_at"]);
    assert_eq!(past[0]["items"], order["items"]);
    let parsed: Value = serde_json::from_str(past[0]["items_json"].as_str().unwrap()).unwrap();
    assert_eq!(parsed[0], json!({"menu_name": "김치찌개", "unit_price": 9_000, "quantity": 1, "subtotal": 9_000}));
}

#[tokio::test]
async fn orders_that_race_with_completion_are_all_accounted_for() {
    let app = TestApp::start().await;
    let store = app.store("race").await;
    app.store("other").await;
    let admin = store.admin().await;
    let complete = format!("/admin/tables/{}/complete", store.tables[0]);
    let mut tablet = store.tablet(1).await;
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..200 {
        let first = tablet.order(&store.menus[..1]).await.ok();
        let body = json!({});
        let racing = join_all((0..4).map(|_| tablet.order(&store.menus[1..2])));
        let (orders, bill) = tokio::join!(racing, admin.post(&complete, &body));
        let bill = bill.ok();
        let mut on_bill = 1;
        for order in orders {
            if order.status.is_success() {
                assert_eq!(order.ok()["session_id"], first["session_id"]);
                on_bill += 1;
            } else {
                order.refused(409, "SESSION_ENDED");
                refused += 1;
            }
        }
        accepted += on_bill - 1;
        assert_eq!(
            (&bill["order_count"], &bill["total_amount"]),
            (&json!(on_bill), &json!(9_000 + 2_000 * (on_bill - 1))),
            "round {round}"
        );
        let renewed = tablet.post("/customer/auth/session", &json!({})).await.ok();
        tablet = tablet.with_token(renewed["token"].as_str().unwrap());
        assert_eq!(tablet.get("/customer/orders").await.ok()["orders"], json!([]));
    }
    assert_eq!(accepted + refused, 800);
    assert!(accepted > 0 && refused > 0, "the race should go both ways: {accepted} accepted, {refused} refused");
}

#[tokio::test]
async fn numbers_and_days_follow_the_stores_midnight_in_seoul() {
    let app = TestApp::start().await;
    let store = app.store("seoul").await;
    app.store("other").await;
    assert_eq!(order_at(&app, &store, "2026-11-20T14:59:00Z").await, "20261120-001");
    assert_eq!(order_at(&app, &store, "2026-11-20T15:01:00Z").await, "20261121-001");
    assert_eq!(order_at(&app, &store, "2026-11-20T15:02:00Z").await, "20261121-002");
    complete(&store).await;
    assert_eq!(history(&store, "date_from=2026-11-20&date_to=2026-11-20").await, ["20261120-001"]);
    assert_eq!(history(&store, "date_from=2026-11-21&date_to=2026-11-21").await, ["20261121-002", "20261121-001"]);
    assert_eq!(history(&store, "date_from=2026-11-20&date_to=2026-11-21").await.len(), 3);
    assert_eq!(history(&store, "date_to=2026-11-20").await, ["20261120-001"]);
    assert_eq!(history(&store, "date_from=2026-11-21&date_to=").await.len(), 2);
    assert!(history(&store, "date_from=2026-11-22").await.is_empty());
    assert!(history(&store, "date_from=2026-11-21&date_to=2026-11-20").await.is_empty());
    let path = format!("/admin/tables/{}/history?date_from=yesterday", store.tables[0]);
    store.admin().await.get(&path).await.refused(400, "MALFORMED_REQUEST");
}

#[tokio::test]
async fn days_follow_the_time_zone_clock_changes_and_the_day_start() {
    let app = TestApp::start().await;
    let utc = app.store_in("utc", chrono_tz::UTC, "00:00:00").await;
    assert_eq!(order_at(&app, &utc, "2026-11-20T23:59:00Z").await, "20261120-001");
    assert_eq!(order_at(&app, &utc, "2026-11-21T00:01:00Z").await, "20261121-001");
    complete(&utc).await;
    assert_eq!(history(&utc, "date_from=2026-11-21&date_to=2026-11-21").await, ["20261121-001"]);

    // 1 November 2026 has 25 hours in New York: from 04:00Z to 05:00Z the next day.
    let new_york = app.store_in("new-york", chrono_tz::America::New_York, "00:00:00").await;
    assert_eq!(order_at(&app, &new_york, "2026-11-01T03:59:00Z").await, "20261031-001");
    assert_eq!(order_at(&app, &new_york, "2026-11-01T04:01:00Z").await, "20261101-001");
    assert_eq!(order_at(&app, &new_york, "2026-11-02T04:59:00Z").await, "20261101-002");
    assert_eq!(order_at(&app, &new_york, "2026-11-02T05:01:00Z").await, "20261102-001");
    complete(&new_york).await;
    assert_eq!(history(&new_york, "date_from=2026-11-01&date_to=2026-11-01").await, ["20261101-002", "20261101-001"]);

    let bar = app.store_in("bar", chrono_tz::Asia::Seoul, "04:00:00").await;
    assert_eq!(order_at(&app, &bar, "2026-11-20T18:59:00Z").await, "20261120-001");
    assert_eq!(order_at(&app, &bar, "2026-11-20T19:01:00Z").await, "20261121-001");
    complete(&bar).await;
    assert_eq!(history(&bar, "date_from=2026-11-20&date_to=2026-11-20").await, ["20261120-001"]);
}

#[tokio::test]
async fn history_is_paged_without_gaps_and_without_cancelled_orders() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let mut deleted = Value::Null;
    for _ in 0..8 {
        deleted = tablet.order(&store.menus[..1]).await.ok();
    }
    admin.delete(&format!("/admin/orders/{}", deleted["id"])).await.ok();
    complete(&store).await;
    let path = format!("/admin/tables/{}/history", store.tables[0]);
    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let page = admin.get(&format!("{path}?limit=3&cursor={cursor}")).await.ok();
        seen.extend(page["orders"].as_array().unwrap().iter().map(|order| order["order_number"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let expected: Vec<Value> = (1..=7).rev().map(|number| json!(format!("20261120-{number:03}"))).collect();
    assert_eq!(seen, expected);
    for query in ["limit=0", "limit=201", "limit=many", "cursor=nonsense"] {
        admin.get(&format!("{path}?{query}")).await.refused(400, "MALFORMED_REQUEST");
    }
    admin.get("/admin/tables/999999/history").await.refused(404, "TABLE_NOT_FOUND");
}

#[tokio::test]
async fn deleting_a_table_during_orders_causes_no_server_error() {
    let app = TestApp::start().await;
    let store = app.store("race").await;
    app.store("other").await;
    let admin = store.admin().await;
    for number in 10..30 {
        let table = admin.post("/admin/tables", &json!({"table_number": number, "password": "1234"})).await.ok();
        let tablet = store.tablet(number).await;
        let path = format!("/admin/tables/{}", table["id"]);
        let orders = join_all((0..4).map(|_| tablet.order(&store.menus[..1])));
        let (orders, deletion) = tokio::join!(orders, admin.delete(&path));
        let accepted = orders.into_iter().filter(|order| {
            // A late order finds its session ended or its token invalid.
            assert!(matches!(order.status.as_u16(), 201 | 401 | 409), "{}", order.body);
            order.status == 201
        });
        if accepted.count() > 0 {
            deletion.refused(409, "TABLE_HAS_ACTIVE_SESSION");
        } else {
            deletion.ok();
        }
    }
}

#[tokio::test]
async fn numbers_grow_past_999() {
    let app = TestApp::start().await;
    let store = app.store("busy").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let tablet = store.tablet(1).await;
    tablet.order(&store.menus[..1]).await.ok();
    let mut connection = app.connection().await;
    sqlx::query("UPDATE order_counters SET last_number = 998 WHERE last_number = 1")
        .execute(&mut connection)
        .await
        .unwrap();
    for number in ["20261120-999", "20261120-1000", "20261120-1001"] {
        assert_eq!(tablet.order(&store.menus[..1]).await.ok()["order_number"], number);
    }
    let orders = tablet.get("/customer/orders").await.ok();
    assert_eq!(orders["orders"][0]["order_number"], "20261120-1001", "newest first, sorted by number and not by text");
}

#[tokio::test]
async fn orders_keep_the_table_number_they_were_placed_with() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(3).await);
    let body = json!({"items": [{"menu_id": store.menus[0], "quantity": 1}]});
    let order = async |key: &str| {
        let request = tablet.request(Method::POST, "/customer/orders").header("Idempotency-Key", key);
        answer(request.json(&body)).await.ok()
    };
    let first = order("before-the-new-number").await;
    let by_older_release = order("placed-by-release-0.1.0").await;
    let without_number = format!("UPDATE orders SET table_number = NULL WHERE id = {}", by_older_release["id"]);
    sqlx::raw_sql(sqlx::AssertSqlSafe(without_number)).execute(&mut app.connection().await).await.unwrap();
    assert_eq!(order("placed-by-release-0.1.0").await, by_older_release);

    admin.patch(&format!("/admin/tables/{}", store.tables[2]), &json!({"table_number": 333})).await.ok();
    assert_eq!(order("before-the-new-number").await, first, "the first response is replayed");
    assert_eq!(order("placed-by-release-0.1.0").await, by_older_release);
    let after = order("after-the-new-number").await;
    assert_eq!((&first["table_number"], &after["table_number"]), (&json!(3), &json!(333)));
    let numbers = |orders: &Value| -> Vec<Value> {
        orders.as_array().unwrap().iter().map(|order| order["table_number"].clone()).collect()
    };
    let newest_first = [json!(333), json!(3), json!(3)];
    assert_eq!(numbers(&admin.get("/admin/orders").await.ok()["orders"]), newest_first);
    assert_eq!(numbers(&tablet.get("/customer/orders").await.ok()["orders"]), newest_first);
    let dashboard = admin.get("/admin/tables/dashboard").await.ok();
    let table = dashboard["tables"].as_array().unwrap().iter().find(|table| table["table_number"] == 333).unwrap();
    assert_eq!(numbers(&table["latest_orders"]), newest_first);
}

#[tokio::test]
async fn orders_of_earlier_releases_get_their_table_numbers() {
    let app = TestApp::start_on(plain_database().await, |_| {}).await;
    let stores = [app.store("demo").await, app.store("other").await];
    for store in &stores {
        for table in 1..=2 {
            store.tablet(table).await.order(&store.menus[..1]).await.ok();
        }
    }
    let mut connection = app.connection().await;
    let many = "INSERT INTO orders (store_id, session_id, table_id, business_day, day_number, status, total_amount,
                                    created_at, updated_at)
                SELECT o.store_id, o.session_id, o.table_id, '2026-01-01', o.day_number * 100000 + n, 'completed', 1, now(), now()
                FROM orders o, generate_series(1, 3000) n;
                UPDATE orders SET table_number = NULL";
    sqlx::raw_sql(many).execute(&mut connection).await.unwrap();
    let backfill = include_str!("../../migrations/20261128000002_orders_table_number_backfill.sql");
    sqlx::raw_sql(backfill).execute(&mut connection).await.unwrap();
    let counts = "SELECT count(*), count(*) FILTER (WHERE o.table_number = t.table_number)
                  FROM orders o JOIN tables t ON t.store_id = o.store_id AND t.id = o.table_id";
    let counts: (i64, i64) = sqlx::query_as(counts).fetch_one(&mut connection).await.unwrap();
    assert_eq!(counts, (12_004, 12_004));
}
