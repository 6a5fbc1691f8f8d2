//! The limits of one session: orders, lines, order rate.

use std::num::NonZero;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tableorder::config::Config;

use crate::monitoring::text::Metrics;
use crate::support::{Answer, ApiClient, TestApp, TestStore, answer, order_of};

/// At most 4 orders and 100 lines in a session.
fn small(config: &mut Config) {
    (config.session_limits.orders, config.session_limits.lines) = (4, 100);
}

/// A burst of three orders, then so slow a rate that no test waits for the next one.
fn slow(config: &mut Config) {
    config.session_limits.orders_per_second = NonZero::new(1);
    config.session_limits.order_burst = NonZero::new(3).unwrap();
}

async fn with_key(tablet: &ApiClient, key: &str, body: &Value) -> Answer {
    answer(tablet.request(reqwest::Method::POST, "/customer/orders").header("Idempotency-Key", key).json(body)).await
}

#[track_caller]
fn assert_full(refused: Answer, limit: &str, maximum: i64) {
    let error = refused.refused(409, "SESSION_FULL");
    assert_eq!((&error["limit"], &error["maximum"]), (&json!(limit), &json!(maximum)));
    assert_eq!(error["details"][0]["field"], limit);
}

/// The number of orders on the bill of table 1.
async fn bill_order_count(store: &TestStore) -> i64 {
    let dashboard = store.admin().await.get("/admin/tables/dashboard").await.ok();
    dashboard["tables"][0]["order_count"].as_i64().unwrap()
}

#[tokio::test]
async fn an_order_beyond_the_session_limit_is_refused() {
    let app = TestApp::start_with(small).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let mut dashboard = admin.stream("/admin/orders/stream", None).await.connected().await;
    let body = order_of(&store.menus[..1]);
    let first = with_key(&tablet, "the-first", &body).await.ok();
    for _ in 1..4 {
        tablet.order(&store.menus[..1]).await.ok();
    }
    assert_full(tablet.order(&store.menus[..1]).await, "session_orders", 4);
    // A retry of a placed order is not a new order. A cancelled order still counts.
    assert_eq!(with_key(&tablet, "the-first", &body).await.ok(), first);
    admin.delete(&format!("/admin/orders/{}", first["id"])).await.ok();
    assert_full(tablet.order(&store.menus[..1]).await, "session_orders", 4);
    store.tablet(2).await.order(&store.menus[..1]).await.ok();
    other.tablet(1).await.order(&other.menus[..1]).await.ok();

    // Staff get one notice.
    let mut notices = Vec::new();
    for _ in 0..7 {
        let event = dashboard.next().await;
        if event.name == "limit_reached" {
            notices.push(event.data);
        }
    }
    dashboard.expect_no_event().await;
    let expected = json!({"limit": "session_orders", "maximum": 4, "session_id": first["session_id"],
                          "table_id": store.tables[0], "table_number": 1});
    assert_eq!(notices, [expected]);

    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    store.tablet(1).await.order(&store.menus[..1]).await.ok();
}

#[tokio::test]
async fn the_lines_of_a_session_are_bounded() {
    let app = TestApp::start_with(small).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = store.tablet(1).await;
    let of_lines = |lines: usize| json!({"items": vec![json!({"menu_id": store.menus[0], "quantity": 1}); lines]});
    tablet.post("/customer/orders", &of_lines(60)).await.ok();
    assert_full(tablet.post("/customer/orders", &of_lines(41)).await, "session_lines", 100);
    tablet.post("/customer/orders", &of_lines(40)).await.ok();
    assert_full(tablet.post("/customer/orders", &of_lines(1)).await, "session_lines", 100);
    assert_eq!(bill_order_count(&store).await, 2);
}

#[tokio::test]
async fn concurrent_orders_stay_within_the_session_limit() {
    let app = TestApp::start_with(small).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), small).await;
    let tablets = [store.tablet(1).await, store.on(&second).tablet(1).await];
    let orders = join_all((0..40).map(|number: usize| tablets[number % 2].order(&store.menus[..1]))).await;
    assert_eq!(orders.iter().filter(|answer| answer.status == 201).count(), 4);
    for refused in orders.into_iter().filter(|answer| answer.status != 201) {
        assert_full(refused, "session_orders", 4);
    }
    assert_eq!(bill_order_count(&store).await, 4);
}

#[tokio::test]
async fn a_session_above_its_order_rate_gets_429_and_staff_are_notified() {
    let app = TestApp::start_with(slow).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let mut dashboard = admin.stream("/admin/orders/stream", None).await.connected().await;
    let mut neighbour = store.tablet(2).await.stream("/customer/orders/stream", None).await.connected().await;
    let answers = join_all((0..30).map(|_| tablet.order(&store.menus[..1]))).await;
    let placed = answers.iter().filter(|answer| answer.status == 201).count();
    assert!((3..10).contains(&placed), "{placed} of 30 concurrent orders");
    let refused = answers.into_iter().find(|answer| answer.status != 201).unwrap();
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    let error = refused.refused(429, "TOO_MANY_REQUESTS");
    assert_eq!((&error["limit"], &error["maximum"]), (&json!("session_orders_per_second"), &json!(1)));
    // Other tables and other stores are not affected.
    store.tablet(2).await.order(&store.menus[..1]).await.ok();
    other.tablet(1).await.order(&other.menus[..1]).await.ok();

    let mut names = Vec::new();
    for _ in 0..placed + 2 {
        names.push(dashboard.next().await.name);
    }
    dashboard.expect_no_event().await;
    assert_eq!(names.iter().filter(|name| *name == "limit_reached").count(), 1);
    assert_eq!(neighbour.next().await.name, "new_order", "only its own order; the notice is for staff");
    let metrics = Metrics::of(&app.anonymous()).await;
    let refused = metrics.value("tableorder_limits_reached_total{limit=\"session_orders_per_second\"}");
    assert_eq!(format!("{refused:.0}"), (30 - placed).to_string());
}

#[tokio::test]
async fn orders_of_a_session_are_paged() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let mut placed = Vec::new();
    for _ in 0..5 {
        placed.insert(0, tablet.order(&store.menus[..1]).await.ok());
    }
    let session = placed[0]["session_id"].clone();
    other.tablet(1).await.order(&other.menus[..1]).await.ok();
    for (client, path) in
        [(&tablet, "/customer/orders".to_owned()), (&admin, format!("/admin/orders/session/{session}"))]
    {
        let all = client.get(&path).await.ok();
        assert_eq!(all, json!({"orders": placed, "total_amount": 45_000, "next_cursor": null}));
        let (mut pages, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("{path}?limit=2&cursor={cursor}")).await.ok();
            assert_eq!(page["total_amount"], 45_000, "the total of the whole session");
            pages.extend(page["orders"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(pages, placed);
        for query in ["limit=0", "limit=201", "limit=x", "cursor=x"] {
            client.get(&format!("{path}?{query}")).await.refused(400, "MALFORMED_REQUEST");
        }
    }
}

#[tokio::test]
async fn an_unpaged_list_is_bounded_by_the_session_limit() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = store.tablet(1).await;
    for _ in 0..6 {
        tablet.order(&store.menus[..1]).await.ok();
    }
    // The session has more orders, from before the limit existed.
    let tightened = TestApp::start_on(app.options.clone(), small).await;
    let list = store.on(&tightened).tablet(1).await.get("/customer/orders").await.ok();
    assert_eq!((list["orders"].as_array().unwrap().len(), &list["total_amount"]), (4, &json!(54_000)));
    assert_eq!(list["next_cursor"], list["orders"][3]["order_number"]);
}
