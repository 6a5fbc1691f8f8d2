//! Idempotency keys: one key creates one order, however often it is sent.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

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
