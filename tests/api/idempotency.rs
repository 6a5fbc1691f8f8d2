//! Idempotency keys: one key creates one order, however often it is sent.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use tableorder::clock::Clock;
use tableorder::services::idempotency;

use crate::support::{Answer, ApiClient, TestApp, answer, order_of};

async fn order(tablet: &ApiClient, key: &str, body: &Value) -> Answer {
    answer(tablet.request(Method::POST, "/customer/orders").header("Idempotency-Key", key).json(body)).await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

#[tokio::test]
async fn concurrent_requests_with_one_key_create_one_order() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    for round in 0..5 {
        let (key, body) = (format!("tap-number-{round}"), order_of(&store.menus[..2]));
        let answers = join_all((0..64).map(|_| order(&tablet, &key, &body))).await;
        assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1);
        let bodies: Vec<Value> = answers.into_iter().map(Answer::ok).collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]));
    }
    let orders = admin.get("/admin/orders").await.ok();
    assert_eq!(orders["orders"].as_array().unwrap().len(), 5);
    let mut stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    assert!(stream.connected_at.ends_with(":5"), "one event per order");
    stream.expect_no_event().await;
    // Replayed requests use no order number.
    let next = tablet.order(&store.menus[..1]).await.ok();
    assert!(next["order_number"].as_str().unwrap().ends_with("-006"));
}

#[tokio::test]
async fn a_retry_gets_the_first_response_after_the_order_changed() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet, neighbour) = (store.admin().await, store.tablet(1).await, store.tablet(2).await);
    let body = json!({"items": [{"menu_id": store.menus[0], "quantity": 2}], "note": "덜 맵게"});
    let first = order(&tablet, "key-of-table-one", &body).await.ok();
    // The same content in another JSON form is the same order; other content is refused.
    let rewritten = json!({"note": "덜 맵게", "extra": 1, "items": [{"quantity": 2, "menu_id": store.menus[0]}]});
    assert_eq!(order(&tablet, "key-of-table-one", &rewritten).await.ok(), first);
    order(&tablet, "key-of-table-one", &order_of(&store.menus[..1])).await.refused(422, "IDEMPOTENCY_MISMATCH");
    // The same key at another table is another order.
    assert_ne!(order(&neighbour, "key-of-table-one", &body).await.ok()["id"], first["id"]);

    let path = format!("/admin/orders/{}", first["id"]);
    admin.patch(&format!("{path}/status"), &json!({"status": "preparing"})).await.ok();
    admin.patch(&format!("/admin/menus/{}", store.menus[0]), &json!({"is_available": false, "price": 1})).await.ok();
    let again = async || {
        let answer = order(&tablet, "key-of-table-one", &body).await;
        assert!(answer.status == 201 && is_replayed(&answer));
        answer.ok()
    };
    assert_eq!(again().await, first);
    admin.delete(&path).await.ok();
    assert_eq!(again().await, first);
    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    assert_eq!(again().await, first);
    order(&tablet, "a-key-never-used", &body).await.refused(409, "SESSION_ENDED");
}

#[tokio::test]
async fn a_refused_order_does_not_use_up_its_key() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let sold_out = order_of(&store.menus[2..]);
    order(&tablet, "sold-out-key", &sold_out).await.refused(409, "MENU_UNAVAILABLE");
    admin.patch(&format!("/admin/menus/{}", store.menus[2]), &json!({"is_available": true})).await.ok();
    let placed = order(&tablet, "sold-out-key", &sold_out).await;
    assert!(!is_replayed(&placed));
    placed.ok();
    for key in ["short", "has a space in it", &"x".repeat(129)] {
        let error = order(&tablet, key, &sold_out).await.refused(422, "VALIDATION_ERROR");
        assert_eq!(error["details"][0]["field"], "Idempotency-Key");
    }
    // Without a key, each request creates an order.
    let one = tablet.order(&store.menus[..1]).await.ok();
    assert_ne!(tablet.order(&store.menus[..1]).await.ok()["id"], one["id"]);
}

#[tokio::test]
async fn a_retry_after_a_new_login_returns_the_same_order() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    app.set_time("2026-11-20T03:00:00Z");
    let complete = async || {
        admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    };
    let body = order_of(&store.menus[..1]);
    let first = order(&store.tablet(1).await, "order-0001", &body).await.ok();
    complete().await;

    // The response was lost, the session was completed, and the tablet logged in again.
    let tablet = store.tablet(1).await;
    let retried = join_all((0..16).map(|_| order(&tablet, "order-0001", &body))).await;
    for answer in retried {
        assert!(answer.status == 201 && is_replayed(&answer));
        assert_eq!(answer.ok(), first);
    }
    assert_eq!(
        tablet.get("/customer/orders").await.ok()["orders"],
        json!([]),
        "the next session's bill should be empty"
    );
    // A client that restarts its keys in each session.
    let other_content = order(&tablet, "order-0001", &order_of(&store.menus[..2])).await;
    assert!(!is_replayed(&other_content));
    assert_ne!(other_content.ok()["id"], first["id"]);
    // From here on the key belongs to that order in this session.
    order(&tablet, "order-0001", &body).await.refused(422, "IDEMPOTENCY_MISMATCH");
    // The key is unknown at another table.
    assert!(!is_replayed(&order(&store.tablet(2).await, "order-0001", &body).await));

    complete().await;
    app.set_time("2026-11-21T03:00:01Z");
    let next_day = order(&store.tablet(1).await, "order-0001", &body).await;
    assert!(!is_replayed(&next_day), "after 24 hours the same content should create another order");
    assert_ne!(next_day.ok()["id"], first["id"]);
}

/// Sends a request of a user with a key.
async fn keyed(admin: &ApiClient, path: &str, key: &str, body: &Value) -> Answer {
    answer(admin.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
}

/// A menu item to add.
async fn new_item(admin: &ApiClient, name: &str) -> Value {
    let category = &admin.get("/admin/categories").await.ok()["categories"][0]["id"];
    json!({"category_id": category, "name": name, "price": 7_000})
}

async fn items_named(admin: &ApiClient, name: &str) -> usize {
    let list = admin.get("/admin/menus").await.ok();
    list["menus"].as_array().unwrap().iter().filter(|item| item["name"] == name).count()
}

#[tokio::test]
async fn concurrent_requests_with_one_key_add_one_menu_item() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let elsewhere = TestApp::start_on(app.options.clone(), |_| {}).await;
    let admin = store.admin().await;
    let admins = [admin.clone(), store.on(&elsewhere).admin().await];
    let body = new_item(&admin, "파전").await;
    let add = |index: usize| keyed(&admins[index % 2], "/admin/menus", "new-item-1", &body);
    let answers = join_all((0..16).map(add)).await;
    assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.headers.contains_key("location")));
    let bodies: Vec<Value> = answers.into_iter().map(Answer::ok).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(items_named(&admin, "파전").await, 1);

    // The first answer, also after a change and a deletion. Other content is refused.
    let path = format!("/admin/menus/{}", bodies[0]["id"]);
    admin.patch(&path, &json!({"price": 8_000})).await.ok();
    assert_eq!(add(0).await.ok(), bodies[0]);
    admin.delete(&path).await.ok();
    assert_eq!(add(1).await.ok(), bodies[0]);
    let more = json!({"display_order": 3, "category_id": body["category_id"], "name": "파전", "price": 7_000});
    keyed(&admin, "/admin/menus", "new-item-1", &more).await.refused(422, "IDEMPOTENCY_MISMATCH");
    let table = format!("/admin/tables/{}/complete", store.tables[0]);
    keyed(&admin, &table, "new-item-1", &json!({})).await.refused(422, "IDEMPOTENCY_MISMATCH");

    // The key of another user, and of another store.
    admin.post("/admin/users", &json!({"username": "second", "password": "second1234", "role": "owner"})).await.ok();
    let second = store.login("second", "second1234").await;
    let their_admin = other.admin().await;
    for (owner, body) in [(&second, body.clone()), (&their_admin, new_item(&their_admin, "파전").await)] {
        let added = keyed(owner, "/admin/menus", "new-item-1", &body).await;
        assert!(!is_replayed(&added));
        added.ok();
        assert_eq!(items_named(owner, "파전").await, 1);
    }
}

#[tokio::test]
async fn a_refused_menu_item_does_not_use_up_its_key() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    let mut body = new_item(&admin, "육전").await;
    let category = body["category_id"].take();
    body["category_id"] = json!(999_999);
    keyed(&admin, "/admin/menus", "refused-first", &body).await.refused(404, "CATEGORY_NOT_FOUND");
    body["category_id"] = category;
    assert!(!is_replayed(&keyed(&admin, "/admin/menus", "refused-first", &body).await));
    assert_eq!(items_named(&admin, "육전").await, 1);
    let error = keyed(&admin, "/admin/menus", "short", &body).await.refused(422, "VALIDATION_ERROR");
    assert_eq!(error["details"][0]["field"], "Idempotency-Key");
}

#[tokio::test]
async fn a_repeated_completion_with_a_key_never_ends_the_next_session() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    let complete = |key: &'static str| {
        let path = format!("/admin/tables/{}/complete", store.tables[0]);
        let admin = admin.clone();
        async move { keyed(&admin, &path, key, &json!({})).await }
    };
    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    let answers = join_all((0..8).map(|_| complete("party-one"))).await;
    assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1);
    let first = answers.into_iter().map(Answer::ok).next_back().unwrap();

    let next = store.tablet(1).await;
    next.order(&store.menus[..1]).await.ok();
    let again = complete("party-one").await;
    assert!(is_replayed(&again));
    assert_eq!(again.ok(), first);
    assert_eq!(next.get("/customer/orders").await.ok()["orders"].as_array().unwrap().len(), 1);
    assert_ne!(complete("party-two").await.ok()["session_id"], first["session_id"]);
}

#[tokio::test]
async fn completing_a_completed_session_again_stores_no_key() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    let session = store.tablet(1).await.order(&store.menus[..1]).await.ok()["session_id"].clone();
    let path = format!("/admin/tables/{}/complete", store.tables[0]);
    let body = json!({"session_id": session});
    let first = keyed(&admin, &path, "key-number-0", &body).await.ok();
    for number in 1..=20 {
        assert_eq!(keyed(&admin, &path, &format!("key-number-{number}"), &body).await.ok(), first);
    }
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM idempotency_keys")
        .fetch_one(&mut app.connection().await)
        .await
        .unwrap();
    assert_eq!(keys, 1);
}

#[tokio::test]
async fn a_users_key_is_forgotten_after_a_day() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let admins = [store.admin().await, other.admin().await];
    app.set_time("2026-11-20T03:00:00Z");
    for admin in &admins {
        let body = new_item(admin, "빈대떡").await;
        keyed(admin, "/admin/menus", "for-one-day", &body).await.ok();
    }
    let prune_at = async |moment: &'static str| {
        let clock = Clock::from_fn(move || moment.parse().unwrap());
        idempotency::prune(&app.database, &clock).await.unwrap()
    };
    assert_eq!(prune_at("2026-11-21T02:59:59Z").await, 0);
    app.set_time("2026-11-21T03:00:00Z");
    let body = new_item(&admins[0], "빈대떡").await;
    let again = keyed(&admins[0], "/admin/menus", "for-one-day", &body).await;
    assert!(!is_replayed(&again), "the key should have expired, though its row was not deleted yet");
    again.ok();
    assert_eq!(prune_at("2026-11-21T03:00:00Z").await, 1, "the key of the other store");
    assert_eq!(items_named(&admins[0], "빈대떡").await, 2);
}
