//! Corrections by staff: repeated completion, reopened sessions, restored orders.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tableorder::models::SessionId;
use tableorder::repositories::session;

use crate::support::{Answer, ApiClient, TestApp, TestStore, plain_database, wait_for_locks};

async fn complete(store: &TestStore, admin: &ApiClient, body: &Value) -> Answer {
    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), body).await
}

/// The tablet of table 1 with a token for the current session.
async fn renewed(tablet: &ApiClient) -> ApiClient {
    let login = tablet.post("/customer/auth/session", &json!({})).await.ok();
    tablet.with_token(login["token"].as_str().unwrap())
}

/// Runs both concurrently, the first before the second, or the second before the first, depending on the round.
async fn in_any_order<A, B>(round: usize, first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    match round % 3 {
        0 => tokio::join!(first, second),
        1 => (first.await, second.await),
        _ => {
            let second = second.await;
            (first.await, second)
        }
    }
}

/// Table 1 on the dashboard.
async fn table_one(admin: &ApiClient) -> Value {
    admin.get("/admin/tables/dashboard").await.ok()["tables"][0].clone()
}

async fn set_status(admin: &ApiClient, order: i64, status: &str) -> Answer {
    admin.patch(&format!("/admin/orders/{order}/status"), &json!({"status": status})).await
}

async fn live_ids(admin: &ApiClient, query: &str) -> Vec<i64> {
    let page = admin.get(&format!("/admin/orders{query}")).await.ok();
    page["orders"].as_array().unwrap().iter().map(|order| order["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_repeated_completion_does_not_end_the_next_session() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let other = app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let first = tablet.order(&store.menus[..2]).await.ok();
    let meant = json!({"session_id": first["session_id"]});
    let done = complete(&store, &admin, &meant).await.ok();
    assert_eq!(
        (&done["order_count"], &done["total_amount"], &done["unfinished_count"]),
        (&json!(1), &json!(11_000), &json!(1))
    );

    // The response was lost. The next session starts with an order.
    assert_eq!(complete(&store, &admin, &meant).await.ok(), done);
    let next = renewed(&tablet).await;
    assert_eq!(complete(&store, &admin, &meant).await.ok(), done);
    let theirs = next.order(&store.menus[..1]).await.ok();
    assert_eq!(complete(&store, &admin, &meant).await.ok(), done);
    assert_eq!(next.get("/customer/auth/session/check").await.ok()["valid"], true);

    // Later changes of the orders do not change the response.
    admin.delete(&format!("/admin/orders/{}", first["id"])).await.ok();
    assert_eq!(complete(&store, &admin, &meant).await.ok(), done);

    // A session of another table, or of another store.
    let stranger = other.tablet(1).await.order(&other.menus[..1]).await.ok();
    for wrong in [json!(999_999), stranger["session_id"].clone()] {
        let error = complete(&store, &admin, &json!({"session_id": wrong})).await.refused(409, "SESSION_MISMATCH");
        assert_eq!((&error["session_id"], &error["current_session_id"]), (&wrong, &theirs["session_id"]));
    }
    for (body, code) in [(json!({"session_id": "x"}), 422), (json!({"session_id": null}), 422), (json!([]), 422)] {
        complete(&store, &admin, &body).await.refused(code, "VALIDATION_ERROR");
    }
    other
        .admin()
        .await
        .post(&format!("/admin/tables/{}/complete", store.tables[0]), &meant)
        .await
        .refused(404, "TABLE_NOT_FOUND");

    // Without a body the current session is completed.
    let path = format!("/admin/tables/{}/complete", store.tables[0]);
    let bare = crate::support::answer(admin.request(reqwest::Method::POST, &path)).await.ok();
    assert_eq!(bare["session_id"], theirs["session_id"]);
    let last = renewed(&next).await.order(&store.menus[..1]).await.ok();
    assert_eq!(complete(&store, &admin, &Value::Null).await.ok()["session_id"], last["session_id"]);
    let error = complete(&store, &admin, &json!({"session_id": 999_999})).await.refused(409, "SESSION_MISMATCH");
    assert_eq!(error["current_session_id"], Value::Null);
}

#[tokio::test]
async fn concurrent_completions_write_one() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, mut tablet) = (store.admin().await, store.tablet(1).await);
    for round in 0..20 {
        let order = tablet.order(&store.menus[..1]).await.ok();
        let meant = json!({"session_id": order["session_id"]});
        let answers = join_all((0..8).map(|_| complete(&store, &admin, &meant))).await;
        let answers: Vec<Value> = answers.into_iter().map(Answer::ok).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "round {round}: {answers:?}");
        tablet = renewed(&tablet).await;
    }
    let stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    assert!(stream.connected_at.ends_with(":40"), "one order and one completion per round: {}", stream.connected_at);
}

#[tokio::test]
async fn a_session_completed_by_mistake_can_be_reopened() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let other = app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let order = tablet.order(&store.menus[..1]).await.ok();
    let reopen = format!("/admin/sessions/{}/reopen", order["session_id"]);
    complete(&store, &admin, &json!({})).await.ok();
    // The tablet has the next session, which has no orders yet.
    let next = renewed(&tablet).await;
    let mut screen = next.stream("/customer/orders/stream", None).await.connected().await;
    let mut neighbour = store.tablet(2).await.stream("/customer/orders/stream", None).await.connected().await;
    let mut stranger = other.tablet(1).await.stream("/customer/orders/stream", None).await.connected().await;
    other.admin().await.post(&reopen, &json!({})).await.refused(404, "SESSION_NOT_FOUND");

    let reopened = admin.post(&reopen, &json!({})).await.ok();
    assert_eq!(
        reopened,
        json!({"session_id": order["session_id"], "table_id": store.tables[0], "table_number": 1,
                                "order_count": 1, "total_amount": 9_000})
    );
    assert_eq!(admin.post(&reopen, &json!({})).await.ok(), reopened, "a second request should change nothing");
    for screen in [&mut screen, &mut neighbour] {
        let event = screen.next().await;
        assert_eq!((event.name.as_str(), &event.data["session_id"]), ("session_reopened", &order["session_id"]));
    }
    stranger.expect_no_event().await;
    // The empty session is removed. The tablet renews its token and has the reopened session's orders.
    next.order(&store.menus[..1]).await.refused(409, "SESSION_ENDED");
    let back = renewed(&next).await;
    assert_eq!(back.get("/customer/orders").await.ok()["orders"][0]["id"], order["id"]);
    assert_eq!(back.order(&store.menus[..1]).await.ok()["session_id"], order["session_id"]);
    tablet.get("/customer/orders").await.ok();
    assert_eq!(table_one(&admin).await["order_count"], 2);

    // Once the next session has an order, the earlier one cannot be reopened, not even after the next one is completed.
    complete(&store, &admin, &json!({})).await.ok();
    let next = renewed(&back).await;
    next.order(&store.menus[..1]).await.ok();
    admin.post(&reopen, &json!({})).await.refused(409, "TABLE_HAS_ACTIVE_SESSION");
    complete(&store, &admin, &json!({})).await.ok();
    admin.post(&reopen, &json!({})).await.refused(409, "SESSION_ENDED");
    let log = admin.get("/admin/audit?action=session.reopened").await.ok();
    assert_eq!(log["entries"].as_array().unwrap().len(), 1);
    assert_eq!(log["entries"][0]["subject_id"], order["session_id"]);
}

#[tokio::test]
async fn removing_an_empty_session_reads_no_orders() {
    let app = TestApp::start_on(plain_database().await, |_| {}).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    other.tablet(1).await.order(&other.menus[..1]).await.ok();
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    tablet.order(&store.menus[..1]).await.ok();
    complete(&store, &admin, &json!({})).await.ok();
    let next = tablet.post("/customer/auth/session", &json!({})).await.ok();
    let many = "INSERT INTO orders (store_id, session_id, table_id, business_day, day_number, status, total_amount,
                                    created_at, updated_at)
                SELECT store_id, session_id, table_id, business_day, number, status, total_amount, created_at, updated_at
                FROM orders, generate_series(100, 3000) number;
                ANALYZE orders";
    sqlx::raw_sql(many).execute(&mut app.connection().await).await.unwrap();
    let mut connection = app.connection().await;
    sqlx::raw_sql("BEGIN").execute(&mut connection).await.unwrap();
    let id = SessionId(next["session_id"].as_i64().unwrap());
    session::remove_unstarted(&mut connection, app.store_id("demo").await, id).await.unwrap();
    // The foreign key's cascade looks for the orders of the session.
    let read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'orders'";
    assert_eq!(sqlx::query_scalar::<_, i64>(read).fetch_one(&mut connection).await.unwrap(), 0);
}

#[tokio::test]
async fn concurrent_reopenings_write_one_and_all_succeed() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let order = tablet.order(&store.menus[..1]).await.ok();
    let reopen = format!("/admin/sessions/{}/reopen", order["session_id"]);
    for round in 0..20 {
        complete(&store, &admin, &json!({})).await.ok();
        renewed(&tablet).await;
        let body = json!({});
        let answers = join_all((0..8).map(|_| admin.post(&reopen, &body))).await;
        let answers: Vec<Value> = answers.into_iter().map(Answer::ok).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "round {round}: {answers:?}");
    }
    let stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    assert!(
        stream.connected_at.ends_with(":41"),
        "one completion and one reopening per round: {}",
        stream.connected_at
    );
}

#[tokio::test]
async fn reopening_a_session_cuts_no_page_of_the_history_short() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let (admin, mut tablet) = (store.admin().await, store.tablet(1).await);
    let mut last = json!(null);
    for _ in 0..3 {
        tablet = renewed(&tablet).await;
        last = tablet.order(&store.menus[..1]).await.ok();
        complete(&store, &admin, &json!({})).await.ok();
    }
    let (path, body) = (format!("/admin/sessions/{}/reopen", last["session_id"]), json!({}));
    let reopening = async {
        for _ in 0..60 {
            admin.post(&path, &body).await.ok();
            complete(&store, &admin, &body).await.ok();
        }
    };
    let history = format!("/admin/tables/{}/history?limit=1", store.tables[0]);
    let reading = async {
        loop {
            let page = admin.get(&history).await.ok();
            assert!(page["next_cursor"].is_string(), "two older orders follow: {page}");
        }
    };
    tokio::select! {
        () = reopening => {}
        () = reading => {}
    }
}

#[tokio::test]
async fn reopening_or_the_next_first_order_wins_the_race() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, mut tablet) = (store.admin().await, store.tablet(1).await);
    let (mut reopened, mut ordered) = (0, 0);
    for round in 0..60 {
        let order = tablet.order(&store.menus[..1]).await.ok();
        complete(&store, &admin, &json!({"session_id": order["session_id"]})).await.ok();
        let next = renewed(&tablet).await;
        let (path, body) = (format!("/admin/sessions/{}/reopen", order["session_id"]), json!({}));
        let login = async || {
            // Requests of another device of the table.
            next.post("/customer/auth/session", &json!({})).await.ok();
        };
        let race = in_any_order(round, admin.post(&path, &body), next.order(&store.menus[1..2]));
        let ((reopening, first), ()) = tokio::join!(race, login());
        let goes_on = table_one(&admin).await;
        if reopening.status.is_success() {
            reopened += 1;
            first.refused(409, "SESSION_ENDED");
            assert_eq!((&goes_on["session_id"], &goes_on["total_amount"]), (&order["session_id"], &json!(9_000)));
        } else {
            ordered += 1;
            reopening.refused(409, "TABLE_HAS_ACTIVE_SESSION");
            assert_eq!((&goes_on["session_id"], &goes_on["total_amount"]), (&first.ok()["session_id"], &json!(2_000)));
        }
        complete(&store, &admin, &json!({"session_id": goes_on["session_id"]})).await.ok();
        assert_eq!(table_one(&admin).await["is_active"], false, "round {round}");
        tablet = renewed(&next).await;
    }
    assert!(reopened > 0 && ordered > 0, "the race should go both ways: {reopened} reopened, {ordered} ordered");
}

#[tokio::test]
async fn a_cancelled_order_is_restored_unchanged() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let other = app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let order = tablet.order(&store.menus[..2]).await.ok();
    let path = format!("/admin/orders/{}", order["id"]);
    let preparing = admin.patch(&format!("{path}/status"), &json!({"status": "preparing"})).await.ok();
    admin.delete(&path).await.ok();
    assert_eq!(table_one(&admin).await["order_count"], 0);
    let mut screens = [
        admin.stream("/admin/orders/stream", None).await.connected().await,
        tablet.stream("/customer/orders/stream", None).await.connected().await,
    ];
    let mut neighbour = store.tablet(2).await.stream("/customer/orders/stream", None).await.connected().await;

    other.admin().await.post(&format!("{path}/restore"), &json!({})).await.refused(404, "ORDER_NOT_FOUND");
    let restored = admin.post(&format!("{path}/restore"), &json!({})).await.ok();
    assert_eq!((&restored["items"], &restored["status"]), (&preparing["items"], &json!("preparing")));
    assert_eq!(
        admin.post(&format!("{path}/restore"), &json!({})).await.ok(),
        restored,
        "a second request should change nothing"
    );
    for screen in &mut screens {
        let event = screen.next().await;
        assert_eq!((event.name.as_str(), &event.data["order_id"]), ("order_restored", &order["id"]));
        assert_eq!((&event.data["status"], &event.data["total_amount"]), (&json!("preparing"), &json!(11_000)));
        screen.expect_no_event().await;
    }
    neighbour.expect_no_event().await;
    assert_eq!(table_one(&admin).await["total_amount"], 11_000);
    assert_eq!(tablet.get("/customer/orders").await.ok()["orders"][0]["id"], order["id"]);
    let log = admin.get("/admin/audit?action=order.restored").await.ok();
    assert_eq!(log["entries"].as_array().unwrap().len(), 1);

    admin.delete(&path).await.ok();
    complete(&store, &admin, &json!({})).await.ok();
    admin.post(&format!("{path}/restore"), &json!({})).await.refused(409, "SESSION_ENDED");
}

#[tokio::test]
async fn a_restored_order_is_on_the_completed_bill_or_refused() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, mut tablet) = (store.admin().await, store.tablet(1).await);
    let (mut on_bill, mut too_late) = (0, 0);
    for round in 0..60 {
        tablet.order(&store.menus[..1]).await.ok();
        let order = tablet.order(&store.menus[1..2]).await.ok();
        admin.delete(&format!("/admin/orders/{}", order["id"])).await.ok();
        let (path, body) = (format!("/admin/orders/{}/restore", order["id"]), json!({}));
        let (restored, bill) = in_any_order(round, admin.post(&path, &body), complete(&store, &admin, &body)).await;
        let total = bill.ok()["total_amount"].as_i64().unwrap();
        if restored.status.is_success() {
            on_bill += 1;
            assert_eq!(total, 11_000);
        } else {
            too_late += 1;
            restored.refused(409, "SESSION_ENDED");
            assert_eq!(total, 9_000);
        }
        tablet = renewed(&tablet).await;
    }
    assert!(on_bill > 0 && too_late > 0, "the race should go both ways: {on_bill} on the bill, {too_late} too late");
}

#[tokio::test]
async fn an_order_cancelled_while_the_completion_waits_stays_cancelled() {
    let app = TestApp::start_on(plain_database().await, |_| {}).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    other.tablet(1).await.order(&other.menus[..1]).await.ok();
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    tablet.order(&store.menus[..1]).await.ok();
    let order = tablet.order(&store.menus[1..2]).await.ok();
    let path = format!("/admin/orders/{}", order["id"]);
    let mut holder = app.connection().await;
    // A completion waits for this lock, a cancellation does not.
    sqlx::raw_sql("BEGIN; SELECT FROM table_sessions FOR SHARE").execute(&mut holder).await.unwrap();
    let cancel = async {
        wait_for_locks(&app.options, 1).await;
        admin.delete(&path).await.ok();
        sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    };
    let (bill, ()) = tokio::join!(complete(&store, &admin, &Value::Null), cancel);
    assert_eq!(bill.ok()["total_amount"], 9_000);
    admin.post(&format!("{path}/restore"), &json!({})).await.refused(409, "SESSION_ENDED");
}

#[tokio::test]
async fn an_order_cancelled_while_its_restoration_waits_is_not_restored() {
    let app = TestApp::start_on(plain_database().await, |_| {}).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    other.tablet(1).await.order(&other.menus[..1]).await.ok();
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    tablet.order(&store.menus[..1]).await.ok();
    let order = tablet.order(&store.menus[1..2]).await.ok();
    let path = format!("/admin/orders/{}/restore", order["id"]);
    // Cancels the order and completes its session, like two requests to another instance.
    let mut holder = app.connection().await;
    let cancel = "UPDATE orders SET cancelled_at = now(), cancelled_by = 'admin' WHERE id = $1";
    let complete = "UPDATE table_sessions SET completed_at = clock_timestamp(), order_count = 1, total_amount = 9000,
                    unfinished_count = 1 WHERE id = $1";
    sqlx::raw_sql("BEGIN").execute(&mut holder).await.unwrap();
    for (sql, id) in [(cancel, &order["id"]), (complete, &order["session_id"])] {
        sqlx::query(sql).bind(id.as_i64()).execute(&mut holder).await.unwrap();
    }
    let commit = async {
        wait_for_locks(&app.options, 1).await;
        sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    };
    let body = json!({});
    let (restored, ()) = tokio::join!(admin.post(&path, &body), commit);
    restored.refused(409, "SESSION_ENDED");
    assert_eq!(live_ids(&admin, "").await.len(), 1);
}

#[tokio::test]
async fn unfinished_orders_of_a_completed_session_stay_live_for_a_day() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let other = app.store("other").await;
    app.set_time("2026-11-20T12:00:00Z");
    let (mut admin, tablet) = (store.admin().await, store.tablet(1).await);
    let ids = async |count: usize| {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(tablet.order(&store.menus[..1]).await.ok()["id"].as_i64().unwrap());
        }
        ids
    };
    let placed = ids(4).await;
    set_status(&admin, placed[0], "preparing").await.ok();
    set_status(&admin, placed[1], "preparing").await.ok();
    set_status(&admin, placed[1], "completed").await.ok();
    let done = complete(&store, &admin, &json!({})).await.ok();
    assert_eq!((&done["order_count"], &done["unfinished_count"]), (&json!(4), &json!(3)));

    let next = renewed(&tablet).await;
    let theirs = next.order(&store.menus[1..2]).await.ok()["id"].as_i64().unwrap();
    assert_eq!(live_ids(&admin, "").await, [theirs, placed[3], placed[2], placed[0]]);
    assert_eq!(live_ids(&admin, "?status=preparing").await, [placed[0]]);
    assert_eq!(live_ids(&admin, &format!("?table_id={}", store.tables[1])).await, [0; 0]);
    assert_eq!(live_ids(&other.admin().await, "").await, [0; 0]);
    let page = admin.get("/admin/orders?limit=2").await.ok();
    let rest = live_ids(&admin, &format!("?limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!(rest, [placed[2], placed[0]]);
    let row = table_one(&admin).await;
    assert_eq!(
        (&row["carried_over_count"], &row["pending_count"], &row["total_amount"]),
        (&json!(3), &json!(1), &json!(2_000))
    );

    // A finished or cancelled order is not live.
    assert_eq!(set_status(&admin, placed[0], "completed").await.ok()["status"], "completed");
    admin.delete(&format!("/admin/orders/{}", placed[2])).await.ok();
    set_status(&admin, placed[1], "completed").await.refused(409, "SESSION_ENDED");
    assert_eq!(live_ids(&admin, "").await, [theirs, placed[3]]);
    let log = admin.get("/admin/audit?action=order.deleted").await.ok();
    assert_eq!(log["entries"][0]["after"]["is_after_completion"], true);

    // A cancellation after the completion can be taken back; the final bill has the order anyway.
    let mut dashboard = admin.stream("/admin/orders/stream", None).await.connected().await;
    let restore = |order: i64| format!("/admin/orders/{order}/restore");
    let restored = admin.post(&restore(placed[2]), &json!({})).await.ok();
    assert_eq!((&restored["id"], &restored["status"]), (&json!(placed[2]), &json!("pending")));
    assert_eq!(dashboard.next().await.name, "order_restored");
    assert_eq!(live_ids(&admin, "").await, [theirs, placed[3], placed[2]]);
    other.admin().await.post(&restore(placed[2]), &json!({})).await.refused(404, "ORDER_NOT_FOUND");
    admin.delete(&format!("/admin/orders/{}", placed[2])).await.ok();

    // It is live on the next business day and in history after that.
    app.set_time("2026-11-21T14:59:00Z");
    admin = store.admin().await;
    assert_eq!(table_one(&admin).await["carried_over_count"], 1);
    app.set_time("2026-11-21T15:00:00Z");
    assert_eq!(live_ids(&admin, "").await, [theirs]);
    assert_eq!(table_one(&admin).await["carried_over_count"], 0);
    set_status(&admin, placed[3], "preparing").await.refused(409, "SESSION_ENDED");
    admin.post(&restore(placed[2]), &json!({})).await.refused(409, "SESSION_ENDED");
}
