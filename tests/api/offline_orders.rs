//! Orders that a tablet sends later, because it was offline.

use serde_json::{Value, json};

use crate::support::{Answer, ApiClient, TestApp, answer, order_of};

fn seen(mut order: Value, menu_version: &Value) -> Value {
    order["menu_version"] = menu_version.clone();
    order
}

async fn place(tablet: &ApiClient, body: &Value) -> Answer {
    tablet.post("/customer/orders", body).await
}

async fn menu_version(tablet: &ApiClient) -> Value {
    tablet.get("/customer/menu").await.ok()["menu_version"].clone()
}

#[tokio::test]
async fn an_order_is_refused_if_an_item_has_another_name_or_price() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let item = format!("/admin/menus/{}", store.menus[1]);
    let old = menu_version(&tablet).await;
    let body = seen(order_of(&store.menus[..2]), &old);
    place(&tablet, &body).await.ok();

    for (change, name, price) in
        [(json!({"price": 2_500}), "콜라", 2_500), (json!({"name": "코카콜라"}), "코카콜라", 2_500)]
    {
        let before = menu_version(&tablet).await;
        admin.patch(&item, &change).await.ok();
        let now = menu_version(&tablet).await;
        for stale in [&old, &before] {
            let error = place(&tablet, &seen(body.clone(), stale)).await.refused(409, "MENU_CHANGED");
            assert_eq!(error["menu_version"], now);
            assert_eq!(error["changed"], json!([{"index": 1, "menu_name": name, "unit_price": price}]));
        }
        place(&tablet, &seen(body.clone(), &now)).await.ok();
    }
    // Other items of the menu do not matter. Without a menu version, the current price applies.
    place(&tablet, &seen(order_of(&store.menus[..1]), &old)).await.ok();
    assert_eq!(tablet.order(&store.menus[..2]).await.ok()["total_amount"], 11_500);
    let theirs = other.tablet(1).await;
    let body = seen(order_of(&other.menus[..2]), &menu_version(&theirs).await);
    place(&theirs, &body).await.ok();
}

#[tokio::test]
async fn other_changes_of_the_menu_refuse_no_order() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let body = seen(order_of(&store.menus[..2]), &menu_version(&tablet).await);
    let item = format!("/admin/menus/{}", store.menus[1]);
    admin.patch(&format!("/admin/menus/{}", store.menus[0]), &json!({"price": 9_000})).await.ok();
    admin.patch(&item, &json!({"description": "시원한 콜라", "display_order": 7})).await.ok();
    admin.patch(&item, &json!({"is_available": false})).await.ok();
    admin.patch(&item, &json!({"is_available": true})).await.ok();
    admin.patch(&format!("/admin/menus/{}", store.menus[2]), &json!({"price": 1})).await.ok();
    place(&tablet, &body).await.ok();
    // A version that does not exist yet.
    place(&tablet, &seen(body, &json!(9_999))).await.ok();
}

#[tokio::test]
async fn an_order_is_refused_after_its_deadline() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = store.tablet(1).await;
    app.set_time("2026-11-29T03:00:00Z");
    let until = |moment: &str| {
        let mut body = order_of(&store.menus[..1]);
        body["not_after"] = json!(moment);
        body
    };
    place(&tablet, &until("2026-11-29T03:00:00Z")).await.ok();
    place(&tablet, &until("2026-11-30T12:00:00+09:00")).await.ok();
    place(&tablet, &until("2026-11-29T02:59:59Z")).await.refused(409, "ORDER_EXPIRED");
    let error = place(&tablet, &until("2026-11-30T03:00:01Z")).await.refused(422, "VALIDATION_ERROR");
    assert_eq!(error["details"][0]["field"], "not_after");
    let error = place(&tablet, &until("tomorrow")).await.refused(422, "VALIDATION_ERROR");
    assert_eq!(error["details"][0]["field"], "not_after");
    // The deadline is checked before everything else.
    let mut late = until("2026-11-29T02:00:00Z");
    late["items"][0]["menu_id"] = json!(store.menus[2]);
    place(&tablet, &late).await.refused(409, "ORDER_EXPIRED");
    assert_eq!(tablet.get("/customer/orders").await.ok()["orders"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_retry_of_a_placed_order_succeeds_after_its_deadline() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    app.set_time("2026-11-29T03:00:00Z");
    let mut body = seen(order_of(&store.menus[..1]), &menu_version(&tablet).await);
    body["not_after"] = json!("2026-11-29T03:10:00Z");
    let send = async |body: &Value| {
        let request = tablet.request(reqwest::Method::POST, "/customer/orders");
        answer(request.header("Idempotency-Key", "from-the-queue").json(body)).await
    };
    let first = send(&body).await.ok();
    admin.patch(&format!("/admin/menus/{}", store.menus[0]), &json!({"price": 10_000})).await.ok();
    app.set_time("2026-11-29T04:00:00Z");
    assert_eq!(send(&body).await.ok(), first);
    // The version and the deadline are not part of the order's content.
    body["menu_version"] = json!(1);
    body["not_after"] = json!("2026-11-29T05:00:00Z");
    assert_eq!(send(&body).await.ok(), first);
}

#[tokio::test]
async fn a_queued_order_is_not_placed_for_the_next_party() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet, neighbour) = (store.admin().await, store.tablet(1).await, store.tablet(2).await);
    let send = async |tablet: &ApiClient, key: &str, session: &Value| {
        let mut body = order_of(&store.menus[..1]);
        body["session_id"] = session.clone();
        answer(tablet.request(reqwest::Method::POST, "/customer/orders").header("Idempotency-Key", key).json(&body))
            .await
    };
    let session_of =
        async |tablet: &ApiClient| tablet.post("/customer/auth/session", &json!({})).await.ok()["session_id"].clone();
    let (session, of_neighbour) = (session_of(&tablet).await, session_of(&neighbour).await);
    let placed = send(&tablet, "without-an-answer", &session).await.ok();
    send(&neighbour, "of-the-neighbour", &of_neighbour).await.ok();

    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    let login = tablet.post("/customer/auth/session", &json!({})).await.ok();
    let (next, renewed) = (&login["session_id"], tablet.with_token(login["token"].as_str().unwrap()));
    assert_eq!(send(&renewed, "without-an-answer", &session).await.ok(), placed);
    // An order that was never placed, one of another table, and one without a key.
    for (key, meant) in
        [("still-queued", &session), ("of-the-neighbour", &of_neighbour), ("of-no-session", &json!(i64::MAX))]
    {
        let error = send(&renewed, key, meant).await.refused(409, "SESSION_MISMATCH");
        assert_eq!((&error["session_id"], &error["current_session_id"]), (meant, next));
    }
    let mut without_key = order_of(&store.menus[..1]);
    without_key["session_id"] = session;
    place(&renewed, &without_key).await.refused(409, "SESSION_MISMATCH");
    assert_eq!(renewed.get("/customer/orders").await.ok()["orders"], json!([]));

    let order = send(&renewed, "of-the-next-party", next).await.ok();
    assert_eq!(&order["session_id"], next);
    // A client that restarts its keys in each session means a new order when it names the session.
    let own = send(&renewed, "without-an-answer", next).await.ok();
    assert_eq!(&own["session_id"], next);
    assert_ne!(own["id"], placed["id"]);
    assert_eq!(send(&renewed, "without-an-answer", next).await.ok(), own);
    // The end of the token's own session takes precedence.
    send(&tablet, "with-an-old-token", next).await.refused(409, "SESSION_ENDED");
}

#[tokio::test]
async fn an_order_that_is_queued_past_its_deadline_is_not_placed() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = store.tablet(1).await;
    app.set_time("2026-11-29T03:00:00Z");
    tablet.order(&store.menus[..1]).await.ok();
    // The first order waits for the session lock, the others for the first.
    let mut connection = app.connection().await;
    let mut tx = sqlx::Connection::begin(&mut connection).await.unwrap();
    sqlx::query("SELECT FROM table_sessions FOR UPDATE").execute(&mut *tx).await.unwrap();
    let mut body = order_of(&store.menus[..1]);
    let first = tokio::spawn({
        let (tablet, body) = (tablet.clone(), body.clone());
        async move { place(&tablet, &body).await }
    });
    crate::support::wait_for_locks(&app.options, 1).await;
    body["not_after"] = json!("2026-11-29T03:00:05Z");
    let second = tokio::spawn({
        let tablet = tablet.clone();
        async move { place(&tablet, &body).await }
    });
    // Time to be queued behind the first order. (If an order is not queued yet, its deadline is over anyway.)
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    app.set_time("2026-11-29T03:00:06Z");
    tx.rollback().await.unwrap();
    first.await.unwrap().ok();
    second.await.unwrap().refused(409, "ORDER_EXPIRED");
}
