//! The metrics.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;
use tableorder::events::{EventStream, Scope, StreamAccount, StreamLogin, StreamOptions, StreamOwner};
use tableorder::models::{StoreId, UserId};
use tableorder::routers::{docs, pages};
use uuid::Uuid;

use super::text::Metrics;
use crate::support::{Directory, Server, TestApp, hold_connection};

#[tokio::test]
async fn metrics_count_each_kind_of_request_and_event() {
    let app = TestApp::start().await;
    let store = app.store("secret-store").await;
    let directory = Directory::new("metrics");
    let server = Server::start_beside(&app, &directory.0, &[]);
    let admin = server.client.with_token(store.admin().await.token());
    let tablet = server.client.with_token(store.tablet(1).await.token());

    let mut stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    for _ in 0..3 {
        tablet.order(&store.menus[..2]).await.ok();
        stream.next().await;
    }
    let key = |request: reqwest::RequestBuilder| request.header("Idempotency-Key", "a-key-of-its-own");
    for _ in 0..2 {
        let request = tablet.request(reqwest::Method::POST, "/customer/orders");
        key(request).json(&crate::support::order_of(&store.menus[..1])).send().await.unwrap();
    }
    stream.next().await;
    let item = format!("/admin/menus/{}", store.menus[0]);
    admin.patch(&item, &json!({"is_available": false})).await.ok();
    stream.next().await;
    for _ in 0..5 {
        tablet.get("/customer/menu").await.ok();
    }
    let lost = admin.stream("/admin/orders/stream", Some("000000000000:1")).await.connected().await;
    drop(lost);
    for path in ["/nowhere", "/customer/menu/../../etc", "/customer/nowhere/12345"] {
        tablet.get(path).await.refused(404, "ROUTE_NOT_FOUND");
    }
    let login = |password| json!({"store_id": store.code, "username": "admin", "password": password});
    server.client.post("/admin/auth/login", &login("admin1234")).await.ok();
    for _ in 0..5 {
        server.client.post("/admin/auth/login", &login("wrong")).await;
    }
    server.client.post("/admin/auth/login", &login("wrong")).await.refused(429, "TOO_MANY_REQUESTS");

    // The closed stream and the last queued password check are counted until a moment later.
    let is_pending = |metrics: Metrics| {
        metrics.value("tableorder_streams_open") > 1.0 || metrics.value("tableorder_hash_queue_length") > 0.0
    };
    while is_pending(Metrics::of(server.private_client()).await) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let metrics = Metrics::of(server.private_client()).await;
    for (series, value) in [
        ("tableorder_orders_placed_total", 4.0),
        ("tableorder_order_batches_total", 4.0),
        ("tableorder_events_written_total", 5.0),
        ("tableorder_events_delivered_total", 5.0),
        ("tableorder_event_delivery_seconds_count", 5.0),
        ("tableorder_streams_open", 1.0),
        ("tableorder_streams_opened_total", 2.0),
        ("tableorder_streams_limit", 20_000.0),
        ("tableorder_stream_resets_total", 1.0),
        ("tableorder_stream_lags_total", 0.0),
        ("tableorder_streams_aborted_total", 0.0),
        ("tableorder_hub_stores", 1.0),
        ("tableorder_hub_events_waiting", 0.0),
        ("tableorder_hub_listening", 1.0),
        ("tableorder_login_attempts_total{outcome=\"succeeded\"}", 1.0),
        ("tableorder_login_attempts_total{outcome=\"failed\"}", 5.0),
        ("tableorder_login_attempts_total{outcome=\"locked_out\"}", 1.0),
        ("tableorder_login_attempts_total{outcome=\"limited\"}", 0.0),
        ("tableorder_hash_queue_length", 0.0),
        ("tableorder_hash_queue_limit", 256.0),
        ("tableorder_database_up", 1.0),
        ("tableorder_database_connections_limit", 5.0),
        ("tableorder_database_acquire_timeouts_total", 0.0),
        (concat!("tableorder_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
    ] {
        assert!((metrics.value(series) - value).abs() < f64::EPSILON, "{series} should be {value}\n{}", metrics.text);
    }
    for (method, route, status, count) in [
        ("GET", "/api/v1/customer/menu", 200, 5.0),
        ("POST", "/api/v1/customer/orders", 201, 5.0),
        ("PATCH", "/api/v1/admin/menus/{menu_id}", 200, 1.0),
        ("GET", "/api/v1/admin/orders/stream", 200, 2.0),
        ("GET", "unmatched", 404, 3.0),
        ("POST", "/api/v1/admin/auth/login", 401, 5.0),
        ("POST", "/api/v1/admin/auth/login", 429, 1.0),
    ] {
        let counted = metrics.requests(method, route, status);
        assert!((counted - count).abs() < f64::EPSILON, "{method} {route} {status}: {counted}\n{}", metrics.text);
    }
    assert!(metrics.value("tableorder_database_acquire_seconds_count") > 5.0);
    assert!(metrics.value("tableorder_event_delivery_seconds_sum") < 5.0);
    assert!(metrics.value("process_resident_memory_bytes") > 1e6);
    assert!(metrics.value("process_open_fds") > 5.0 && metrics.value("process_threads") > 1.0);
}

#[tokio::test]
async fn labels_are_bounded_and_name_no_store() {
    let app = TestApp::start().await;
    let store = app.store("secret-store").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    for id in 1..50 {
        admin.get(&format!("/admin/orders/{id}")).await;
        tablet.get(&format!("/customer/menu/{id}")).await;
        tablet.get(&format!("/somewhere/{id}")).await;
        let odd = reqwest::Method::from_bytes(format!("ODD{id}").as_bytes()).unwrap();
        let _ = tablet.request(odd, "/customer/menu").send().await;
    }
    let metrics = Metrics::of(&app.anonymous()).await;
    let labels = metrics.labels();
    let known: Vec<_> = labels.keys().map(String::as_str).collect();
    assert_eq!(known, ["le", "limit", "method", "outcome", "route", "status", "version"]);
    let document = tableorder::openapi();
    for route in &labels["route"] {
        let is_known = document.paths.paths.contains_key(route)
            || ["unmatched", "/metrics", "/log-level"].contains(&route.as_str())
            || docs::PATHS.contains(&route.as_str())
            || pages::PATHS.contains(&route.as_str());
        assert!(is_known, "{route}");
    }
    assert!(labels["method"].len() <= 6, "{:?}", labels["method"]);
    assert!(!metrics.text.contains("secret-store"));
}

#[tokio::test]
async fn an_event_of_another_instance_is_counted_as_delivered_here() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let directory = Directory::new("metrics-beside");
    let server = Server::start_beside(&app, &directory.0, &[]);
    let admin = server.client.with_token(store.admin().await.token());
    let mut stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    stream.next().await;
    let metrics = Metrics::of(server.private_client()).await;
    for (series, value) in [
        ("tableorder_events_written_total", 0.0),
        ("tableorder_orders_placed_total", 0.0),
        ("tableorder_events_delivered_total", 1.0),
        ("tableorder_event_delivery_seconds_count", 1.0),
    ] {
        assert!((metrics.value(series) - value).abs() < f64::EPSILON, "{series}\n{}", metrics.text);
    }
    let took = metrics.value("tableorder_event_delivery_seconds_sum");
    assert!(took > 0.0 && took < 2.0, "from the change on the other instance: {took}");
}

#[tokio::test]
async fn an_aborted_stream_is_counted() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    tablet.order(&store.menus[..1]).await.ok();
    admin.post("/admin/auth/logout", &json!({})).await;
    assert!(stream.end().await.is_err());
    let metrics = Metrics::of(&app.anonymous()).await;
    assert!((metrics.value("tableorder_streams_aborted_total") - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_lagging_stream_is_counted_and_loses_no_event() {
    const ORDERS: usize = 300;
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let tablet = store.tablet(1).await;
    let owner = StreamOwner { account: StreamAccount::User(UserId(1)), login: StreamLogin::Token(Uuid::nil()) };
    let subscription = app.hub.subscribe(StoreId(1), owner).await.unwrap();
    let options = StreamOptions {
        scope: Scope::Staff,
        resume_from: None,
        lifetime: Duration::from_hours(1),
        heartbeat: Duration::from_mins(1),
        token_check: Box::new(|| Box::pin(async { true })),
    };
    let mut frames = std::pin::pin!(EventStream::open(subscription, options).into_frames());
    frames.next().await.unwrap().unwrap();
    // The stream is not read meanwhile.
    let orders = stream::iter(0..ORDERS).map(|_| tablet.order(&store.menus[..1]));
    orders.buffer_unordered(16).for_each(async |answer| drop(answer.ok())).await;
    for seq in 1..=ORDERS {
        let frame = String::from_utf8(frames.next().await.unwrap().unwrap().to_vec()).unwrap();
        assert!(frame.lines().next().unwrap().ends_with(&format!(":{seq}")), "{frame}");
    }
    let metrics = Metrics::of(&app.anonymous()).await;
    assert!((metrics.value("tableorder_stream_lags_total") - 1.0).abs() < f64::EPSILON);
    assert!((metrics.value("tableorder_events_delivered_total") - 300.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn an_exhausted_pool_and_a_lost_database_are_visible() {
    let app = TestApp::start_with(|config| {
        config.database.max_connections = 2;
        config.database.acquire_timeout = Duration::from_secs(3);
        config.events.wake_ups = false;
    })
    .await;
    let taken = [hold_connection(&app.database).await.unwrap(), hold_connection(&app.database).await.unwrap()];
    let before = Metrics::of(&app.anonymous()).await;
    assert!((before.value("tableorder_database_connections") - 2.0).abs() < f64::EPSILON);
    assert!(before.value("tableorder_database_connections_idle") < 1.0);
    assert!(
        (before.value("tableorder_hub_listening") - 1.0).abs() < f64::EPSILON,
        "the listener counts as connected when only polling is configured"
    );
    assert!(hold_connection(&app.database).await.is_err());
    let after = Metrics::of(&app.anonymous()).await;
    let timeouts = "tableorder_database_acquire_timeouts_total";
    assert!(after.value(timeouts) > before.value(timeouts));
    drop(taken);
    app.database.close().await;
    assert!(Metrics::of(&app.anonymous()).await.value("tableorder_database_up") < 1.0);
}
