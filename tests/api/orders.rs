//! Orders: placing, status, cancelling, lists, events.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::monitoring::text::Metrics;
use crate::support::{TestApp, order_of, plain_database, wait_for_locks, with_query_count};

#[tokio::test]
async fn an_order_reaches_only_its_own_dashboard_within_two_seconds() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.store("ours").await, app.store("theirs").await);
    let mut dashboard = ours.admin().await.stream("/admin/orders/stream", None).await.connected().await;
    let mut other_dashboard = theirs.admin().await.stream("/admin/orders/stream", None).await.connected().await;

    let body = json!({"items": [{"menu_id": ours.menus[0], "quantity": 2}, {"menu_id": ours.menus[1], "quantity": 1}],
        "note": "덜 맵게"});
    let order = ours.tablet(2).await.post("/customer/orders", &body).await;
    assert_eq!((order.status.as_u16(), order.headers["location"].to_str().unwrap()), (201, "/api/v1/customer/orders"));
    let order = order.ok();
    assert_eq!(order["total_amount"], 20_000);
    assert_eq!(order["status"], "pending");
    assert_eq!((&order["table_number"], &order["note"]), (&json!(2), &json!("덜 맵게")));

    let event = dashboard.next().await;
    assert_eq!((event.name.as_str(), event.seq()), ("new_order", 1));
    for field in ["order_number", "table_number", "total_amount", "status", "created_at", "session_id", "table_id"] {
        assert_eq!(event.data[field], order[field], "{field}");
    }
    assert_eq!(event.data["order_id"], order["id"]);
    assert_eq!(
        event.data["items"],
        json!([{"menu_name": "김치찌개", "quantity": 2, "subtotal": 18_000},
               {"menu_name": "콜라", "quantity": 1, "subtotal": 2_000}])
    );
    other_dashboard.expect_no_event().await;
}

#[tokio::test]
async fn concurrent_orders_get_consecutive_numbers() {
    let app = TestApp::start().await;
    let store = app.store("busy").await;
    app.store("idle").await;
    app.set_time("2026-11-20T03:00:00Z");
    let tablets = join_all([1, 2, 3, 1, 2, 3, 1, 2].map(|number| store.tablet(number))).await;
    let orders = join_all(tablets.iter().map(|tablet| tablet.order(&store.menus[..2]))).await;
    let numbers: HashSet<String> =
        orders.into_iter().map(|order| order.ok()["order_number"].as_str().unwrap().to_owned()).collect();
    let expected: HashSet<String> = (1..=8).map(|number| format!("20261120-{number:03}")).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn an_order_during_completion_is_on_the_bill_or_refused() {
    let app = TestApp::start().await;
    let store = app.store("race").await;
    let admin = store.admin().await;
    for round in 0..10 {
        let tablet = store.tablet(1).await;
        let first = tablet.order(&store.menus[..1]).await.ok();
        let complete = format!("/admin/tables/{}/complete", store.tables[0]);
        let body = json!({});
        let (second, third, bill) = tokio::join!(
            tablet.order(&store.menus[1..2]),
            tablet.order(&store.menus[1..2]),
            admin.post(&complete, &body)
        );
        let bill = bill.ok();
        let mut on_bill = 1;
        for order in [second, third] {
            if order.status.is_success() {
                on_bill += 1;
            } else {
                order.refused(409, "SESSION_ENDED");
            }
        }
        assert_eq!(bill["order_count"], on_bill, "round {round}");
        assert_eq!(bill["total_amount"], 9_000 + 2_000 * (on_bill - 1), "round {round}");
        assert_eq!(bill["session_id"], first["session_id"]);
        // The next session starts with an empty bill.
        assert_eq!(tablet.get("/customer/orders").await.ok()["orders"], json!([]));
        assert_eq!(store.tablet(1).await.get("/customer/orders").await.ok()["orders"], json!([]));
    }
}

#[tokio::test]
async fn an_order_with_an_unavailable_item_is_refused_and_writes_nothing() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.store("ours").await, app.store("theirs").await);
    let tablet = ours.tablet(1).await;
    let error = tablet.order(&ours.menus).await.refused(409, "MENU_UNAVAILABLE");
    assert_eq!(error["details"][0]["field"], "items[2].menu_id");
    let error = tablet.order(&[ours.menus[0], theirs.menus[0]]).await.refused(404, "MENU_NOT_FOUND");
    assert_eq!(error["details"][0]["field"], "items[1].menu_id");
    tablet
        .post("/customer/orders", &json!({"items": [{"menu_id": -1, "quantity": 1}]}))
        .await
        .refused(404, "MENU_NOT_FOUND");

    // The session has not started either.
    let dashboard = ours.admin().await.get("/admin/tables/dashboard").await.ok();
    assert_eq!(dashboard["tables"][0]["is_active"], false);
    assert_eq!(
        tablet.order(&ours.menus[..1]).await.ok()["order_number"].as_str().unwrap().split_once('-').unwrap().1,
        "001"
    );
}

#[tokio::test]
async fn a_quantity_out_of_range_or_of_another_type_names_its_field() {
    let app = TestApp::start().await;
    let store = app.store("strict").await;
    let tablet = store.tablet(1).await;
    for quantity in [json!(0), json!(-1), json!(1000), json!(1_i64 << 31), json!("two"), json!(1.5), json!(null)] {
        let body = json!({"items": [{"menu_id": store.menus[0], "quantity": quantity}]});
        let error = tablet.post("/customer/orders", &body).await.refused(422, "VALIDATION_ERROR");
        assert_eq!(error["details"][0]["field"], "items[0].quantity", "{quantity}");
    }
    let lines = |count: usize| order_of(&vec![store.menus[0]; count]);
    tablet.post("/customer/orders", &lines(0)).await.refused(422, "VALIDATION_ERROR");
    tablet.post("/customer/orders", &lines(101)).await.refused(422, "VALIDATION_ERROR");
    assert_eq!(tablet.post("/customer/orders", &lines(100)).await.ok()["items"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn the_total_of_the_largest_order_is_exact() {
    let app = TestApp::start().await;
    let store = app.store("palace").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    admin.patch(&format!("/admin/menus/{}", store.menus[0]), &json!({"price": 100_000_000})).await.ok();
    let body = json!({"items": vec![json!({"menu_id": store.menus[0], "quantity": 999}); 100]});
    for _ in 0..2 {
        assert_eq!(tablet.post("/customer/orders", &body).await.ok()["total_amount"], 9_990_000_000_000_i64);
    }
    assert_eq!(tablet.get("/customer/orders").await.ok()["total_amount"], 19_980_000_000_000_i64);
    let dashboard = admin.get("/admin/tables/dashboard").await.ok();
    assert_eq!(dashboard["tables"][0]["total_amount"], 19_980_000_000_000_i64);
}

#[tokio::test]
async fn staff_advance_an_order_step_by_step_and_both_screens_see_it() {
    let app = TestApp::start().await;
    let store = app.store("kitchen").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let order = tablet.order(&store.menus[..1]).await.ok();
    let mut screens = [
        admin.stream("/admin/orders/stream", None).await.connected().await,
        tablet.stream("/customer/orders/stream", None).await.connected().await,
    ];
    let mut neighbour = store.tablet(2).await.stream("/customer/orders/stream", None).await.connected().await;
    let path = format!("/admin/orders/{}/status", order["id"]);
    let go = async |status: &str| admin.patch(&path, &json!({"status": status})).await;

    go("completed").await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(go("preparing").await.ok()["status"], "preparing");
    assert_eq!(go("preparing").await.ok()["status"], "preparing");
    go("pending").await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(go("completed").await.ok()["status"], "completed");
    go("served").await.refused(422, "VALIDATION_ERROR");

    for screen in &mut screens {
        for status in ["preparing", "completed"] {
            let event = screen.next().await;
            assert_eq!(event.name, "order_updated");
            let expected = json!({"order_id": order["id"], "status": status, "table_id": order["table_id"],
                "session_id": order["session_id"]});
            assert_eq!(event.data, expected);
        }
        screen.expect_no_event().await;
    }
    neighbour.expect_no_event().await;
}

#[tokio::test]
async fn another_stores_orders_sessions_and_tables_are_not_found() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.store("ours").await, app.store("theirs").await);
    let order = theirs.tablet(1).await.order(&theirs.menus[..1]).await.ok();
    let admin = ours.admin().await;
    let status = json!({"status": "preparing"});
    admin.patch(&format!("/admin/orders/{}/status", order["id"]), &status).await.refused(404, "ORDER_NOT_FOUND");
    admin.get(&format!("/admin/orders/session/{}", order["session_id"])).await.refused(404, "SESSION_NOT_FOUND");
    admin
        .post(&format!("/admin/tables/{}/complete", theirs.tables[0]), &json!({}))
        .await
        .refused(404, "TABLE_NOT_FOUND");
    assert_eq!(theirs.tablet(1).await.get("/customer/orders").await.ok()["orders"][0], order);
}

#[tokio::test]
async fn the_dashboard_shows_each_table_with_its_newest_three_orders() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("floor").await, app.store("other").await);
    other.tablet(1).await.order(&other.menus[..1]).await.ok();
    let (admin, tablet) = (store.admin().await, store.tablet(2).await);
    let mut orders = Vec::new();
    for _ in 0..4 {
        orders.push(tablet.order(&store.menus[..2]).await.ok());
    }
    admin.patch(&format!("/admin/orders/{}/status", orders[0]["id"]), &json!({"status": "preparing"})).await.ok();

    let dashboard = admin.get("/admin/tables/dashboard").await.ok();
    let floor: Vec<&Value> = dashboard["tables"].as_array().unwrap().iter().collect();
    assert_eq!(floor.iter().map(|table| table["table_number"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    let table = floor[1];
    assert_eq!((&table["is_active"], &table["started_at"]), (&json!(true), &orders[0]["created_at"]));
    assert_eq!(table["session_id"], orders[0]["session_id"]);
    assert_eq!((&table["order_count"], &table["pending_count"]), (&json!(4), &json!(3)));
    assert_eq!(table["total_amount"], 44_000);
    assert_eq!(table["latest_orders"], json!([orders[3], orders[2], orders[1]]));
    assert_eq!((&floor[0]["is_active"], &floor[0]["started_at"]), (&json!(false), &Value::Null));
    assert!(dashboard["event_id"].as_str().unwrap().ends_with(":5"));

    let session = admin.get(&format!("/admin/orders/session/{}", orders[0]["session_id"])).await.ok();
    assert_eq!(session["orders"].as_array().unwrap().len(), 4);
    assert_eq!(session["orders"][0], orders[3]);
}

#[tokio::test]
async fn a_cancelled_order_leaves_lists_and_totals_and_is_kept_for_audit() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let kept = tablet.order(&store.menus[..1]).await.ok();
    let mistake = tablet.order(&store.menus[1..2]).await.ok();
    let mut screens = [
        admin.stream("/admin/orders/stream", None).await.connected().await,
        tablet.stream("/customer/orders/stream", None).await.connected().await,
    ];
    let path = format!("/admin/orders/{}", mistake["id"]);
    other.admin().await.delete(&path).await.refused(404, "ORDER_NOT_FOUND");
    admin.delete(&format!("{path}?reason={}", "x".repeat(501))).await.refused(422, "VALIDATION_ERROR");
    assert!(admin.delete(&format!("{path}?reason=%EC%9E%98%EB%AA%BB")).await.ok()["message"].is_string());
    admin.delete(&path).await.refused(404, "ORDER_NOT_FOUND");
    admin.get(&path).await.refused(404, "ORDER_NOT_FOUND");
    admin.patch(&format!("{path}/status"), &json!({"status": "preparing"})).await.refused(404, "ORDER_NOT_FOUND");

    assert_eq!(
        tablet.get("/customer/orders").await.ok(),
        json!({"orders": [kept], "total_amount": 9_000, "next_cursor": null})
    );
    assert_eq!(admin.get("/admin/orders").await.ok()["orders"], json!([kept]));
    let dashboard = admin.get("/admin/tables/dashboard").await.ok();
    assert_eq!(
        (&dashboard["tables"][0]["total_amount"], &dashboard["tables"][0]["order_count"]),
        (&json!(9_000), &json!(1))
    );
    for screen in &mut screens {
        let event = screen.next().await;
        assert_eq!(event.name, "order_deleted");
        let expected =
            json!({"order_id": mistake["id"], "table_id": mistake["table_id"], "session_id": mistake["session_id"]});
        assert_eq!(event.data, expected);
    }
    let mut connection = app.connection().await;
    let (by, reason): (String, String) =
        sqlx::query_as("SELECT cancelled_by, cancel_reason FROM orders WHERE cancelled_at IS NOT NULL")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!((by.as_str(), reason.as_str()), ("admin", "잘못"));
}

#[tokio::test]
async fn live_orders_are_filtered_and_paged() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    other.tablet(1).await.order(&other.menus[..1]).await.ok();
    let admin = store.admin().await;
    let (first, second) = (store.tablet(1).await, store.tablet(2).await);
    let mut placed = Vec::new();
    for tablet in [&first, &second, &first, &second, &first] {
        placed.push(tablet.order(&store.menus[..2]).await.ok());
    }
    admin.patch(&format!("/admin/orders/{}/status", placed[0]["id"]), &json!({"status": "preparing"})).await.ok();
    let ids = async |query: &str| {
        let page = admin.get(&format!("/admin/orders?{query}")).await.ok();
        page["orders"].as_array().unwrap().iter().map(|order| order["id"].clone()).collect::<Vec<_>>()
    };
    let of = |indexes: &[usize]| indexes.iter().map(|index| placed[*index]["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids("").await, of(&[4, 3, 2, 1, 0]));
    assert_eq!(ids("status=preparing").await, of(&[0]));
    assert_eq!(ids(&format!("table_id={}&status=pending", store.tables[0])).await, of(&[4, 2]));
    assert!(ids(&format!("table_id={}", other.tables[0])).await.is_empty());
    let page = admin.get("/admin/orders?limit=2").await.ok();
    assert_eq!(ids(&format!("limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await, of(&[2, 1]));
    assert_eq!(admin.get("/admin/orders?limit=5").await.ok()["next_cursor"], Value::Null);
    for query in ["status=cooking", "table_id=one", "limit=-1"] {
        admin.get(&format!("/admin/orders?{query}")).await.refused(400, "MALFORMED_REQUEST");
    }
    assert_eq!(admin.get(&format!("/admin/orders/{}", placed[1]["id"])).await.ok(), placed[1]);
    other.admin().await.get(&format!("/admin/orders/{}", placed[1]["id"])).await.refused(404, "ORDER_NOT_FOUND");
    // Of a completed session, only unfinished orders are live.
    admin.patch(&format!("/admin/orders/{}/status", placed[0]["id"]), &json!({"status": "completed"})).await.ok();
    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    assert_eq!(ids("").await, of(&[4, 3, 2, 1]));
}

#[tokio::test]
async fn concurrent_status_changes_skip_no_step() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    for _ in 0..10 {
        let order = tablet.order(&store.menus[..1]).await.ok();
        let path = format!("/admin/orders/{}/status", order["id"]);
        let mut dashboard = admin.stream("/admin/orders/stream", None).await.connected().await;
        let body = json!({"status": "preparing"});
        let pressed = join_all((0..4).map(|_| admin.patch(&path, &body))).await;
        assert!(pressed.into_iter().all(|answer| answer.ok()["status"] == "preparing"));
        assert_eq!(dashboard.next().await.data["status"], "preparing");
        dashboard.expect_no_event().await;
    }
}

#[tokio::test]
async fn an_order_uses_the_current_price_on_every_instance() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    // The second instance gets no notifications, so its cache is behind.
    let elsewhere = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = false).await;
    let (owner, tablet) = (store.admin().await, store.tablet(1).await);
    let tablet = elsewhere.anonymous().with_token(tablet.token());
    let stranger = elsewhere.anonymous().with_token(other.tablet(1).await.token());
    let item = format!("/admin/menus/{}", store.menus[0]);
    let mut total = 0;
    for price in 1..=20 {
        owner.patch(&item, &json!({"price": price})).await.ok();
        let order = tablet.order(&store.menus[..1]).await.ok();
        assert_eq!(order["items"][0]["unit_price"], price);
        owner.patch(&item, &json!({"is_available": false})).await.ok();
        tablet.order(&store.menus[..1]).await.refused(409, "MENU_UNAVAILABLE");
        owner.patch(&item, &json!({"is_available": true, "name": format!("찌개 {price}")})).await.ok();
        let order = tablet.order(&store.menus[..1]).await.ok();
        assert_eq!(order["items"][0]["menu_name"], format!("찌개 {price}"));
        total += 2 * price;
        assert_eq!(stranger.order(&other.menus[..1]).await.ok()["total_amount"], 9000);
    }
    assert_eq!(tablet.get("/customer/orders").await.ok()["total_amount"], total);
    owner.delete(&item).await.ok();
    tablet.order(&store.menus[..1]).await.refused(404, "MENU_NOT_FOUND");
}

#[tokio::test]
async fn batched_orders_of_one_store_are_checked_one_by_one() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    let tablets = [store.tablet(1).await, store.tablet(2).await, store.tablet(3).await];
    let ended = store.tablet(3).await;
    tablets[2].order(&store.menus[..1]).await.ok();
    admin.post(&format!("/admin/tables/{}/complete", store.tables[2]), &json!({})).await.ok();
    let mut stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    let noted = |note: &str| json!({"items": [{"menu_id": store.menus[0], "quantity": 1}], "note": note});
    let sold_out = order_of(&store.menus[1..]);
    let posts = (0..60).map(|number| {
        let (tablets, noted, sold_out, ended) = (&tablets, &noted, &sold_out, &ended);
        async move {
            match number % 4 {
                0 => ended.post("/customer/orders", &noted("too late")).await.refused(409, "SESSION_ENDED"),
                1 => tablets[0].post("/customer/orders", sold_out).await.refused(409, "MENU_UNAVAILABLE"),
                table => {
                    let note = format!("order {number}");
                    let order = tablets[table - 2].post("/customer/orders", &noted(&note)).await.ok();
                    assert_eq!(order["note"], note);
                    assert_eq!(order["table_number"], table - 1);
                    order
                }
            }
        }
    });
    let answers = join_all(posts).await;
    let mut placed: Vec<_> = answers.into_iter().filter(|answer| answer["id"].is_number()).collect();
    assert_eq!(placed.len(), 30);
    let mut events = Vec::new();
    for _ in 0..30 {
        events.push(stream.next().await.data);
    }
    stream.expect_no_event().await;
    placed.sort_by_key(|order| order["order_number"].as_str().unwrap().to_owned());
    for (order, event) in placed.iter().zip(&events) {
        for field in ["order_number", "table_number", "total_amount", "status", "created_at", "session_id", "table_id"]
        {
            assert_eq!(order[field], event[field], "{field}");
        }
        assert_eq!(order["id"], event["order_id"]);
    }
    // Replayed events equal the live ones.
    let mut resumed = admin.stream("/admin/orders/stream", Some(&stream.connected_at)).await.connected().await;
    for event in &events {
        assert_eq!(resumed.next().await.data, *event);
    }
}

#[tokio::test]
async fn an_event_is_replayed_with_the_same_bytes() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let mut live = admin.stream("/admin/orders/stream", None).await.connected().await;
    let start = live.connected_at.clone();
    let mut orders = vec![tablet.order(&store.menus[..2]).await.ok()];
    let past_999 = "UPDATE order_counters SET last_number = 999";
    sqlx::raw_sql(past_999).execute(&mut app.connection().await).await.unwrap();
    // A name with characters that JSON escapes.
    let rename = json!({"name": "\"따옴표\" \\ 김치\u{1F372}"});
    admin.patch(&format!("/admin/menus/{}", store.menus[0]), &rename).await.ok();
    orders.push(tablet.order(&store.menus[..1]).await.ok());
    admin.patch(&format!("/admin/orders/{}/status", orders[0]["id"]), &json!({"status": "preparing"})).await.ok();
    admin.delete(&format!("/admin/orders/{}", orders[1]["id"])).await.ok();
    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();

    let mut replayed = admin.stream("/admin/orders/stream", Some(&start)).await.connected().await;
    let mut placed = orders.iter();
    for name in ["new_order", "menu_changed", "new_order", "order_updated", "order_deleted", "session_completed"] {
        let event = live.next().await;
        assert_eq!(event.name, name);
        assert_eq!(replayed.next().await, event, "id, name and data bytes should be equal");
        if name == "new_order" {
            let order = placed.next().unwrap();
            for field in ["order_number", "table_number", "total_amount", "status", "created_at", "session_id"] {
                assert_eq!(event.data[field], order[field], "{field}");
            }
            assert_eq!(event.data["order_id"], order["id"]);
            assert_eq!(event.data["items"][0]["menu_name"], order["items"][0]["menu_name"]);
        }
    }
    assert!(orders[1]["order_number"].as_str().unwrap().ends_with("-1000"));
}

#[tokio::test]
async fn refused_orders_do_not_load_the_menu() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = store.tablet(1).await;
    tablet.get("/customer/menu").await.ok();
    let loads = async || Metrics::of(&app.anonymous()).await.value("tableorder_menu_loads_total");
    let before = loads().await;
    let sold_out = order_of(&store.menus);
    for _ in 0..20 {
        tablet.post("/customer/orders", &sold_out).await.refused(409, "MENU_UNAVAILABLE");
    }
    assert!((loads().await - before).abs() < f64::EPSILON);
    let (refused, queries) = with_query_count(tablet.request(Method::POST, "/customer/orders").json(&sold_out)).await;
    refused.refused(409, "MENU_UNAVAILABLE");
    assert_eq!(queries, 2, "one query for the session, one for the menu version");

    let offered = json!({"is_available": true});
    store.admin().await.patch(&format!("/admin/menus/{}", store.menus[2]), &offered).await.ok();
    tablet.order(&store.menus).await.ok();
}

#[tokio::test]
async fn a_new_table_password_does_not_deadlock_with_orders() {
    let options = plain_database().await;
    // With a long deadlock_timeout PostgreSQL does not resolve a deadlock, so the request would be refused.
    let mut holder = PgConnection::connect_with(&options).await.unwrap();
    let settings = "DO $$ BEGIN
                     EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = %L', current_database(), '10min');
                   END $$";
    sqlx::raw_sql(settings).execute(&mut holder).await.unwrap();
    let app = TestApp::start_on(options.clone(), |_| {}).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(2).await);
    tablet.order(&store.menus[..1]).await.ok();

    // An order that holds the store's stream row and has not referenced its table yet.
    sqlx::raw_sql("BEGIN; SELECT FROM order_counters FOR UPDATE").execute(&mut holder).await.unwrap();
    let menus = store.menus.clone();
    let order = tokio::spawn(async move { tablet.order(&menus[..1]).await });
    wait_for_locks(&options, 1).await;
    // A change that holds the table and waits for the stream row.
    let path = format!("/admin/tables/{}", store.tables[1]);
    let change = tokio::spawn(async move { admin.patch(&path, &json!({"password": "5678"})).await });
    wait_for_locks(&options, 2).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    order.await.unwrap().ok();
    change.await.unwrap().ok();
}
