//! The limits of streams per login, table, user and store.

use std::time::{Duration, Instant};

use serde_json::json;
use tableorder::error::Limit;
use tableorder::events::{StreamAccount, StreamLogin, StreamOwner};
use uuid::Uuid;

use crate::support::{Answer, ApiClient, TestApp, answer};

const STAFF: &str = "/admin/orders/stream";
const TABLET: &str = "/customer/orders/stream";

#[track_caller]
fn names(refused: Answer, status: u16, code: &str, limit: &str, maximum: i64) {
    let error = refused.refused(status, code);
    assert_eq!((&error["limit"], &error["maximum"]), (&json!(limit), &json!(maximum)));
}

#[tokio::test]
async fn the_fourth_stream_of_a_login_aborts_its_oldest() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let [first, second] = [store.tablet(1).await, store.tablet(1).await];
    let oldest = first.stream(TABLET, None).await.connected().await;
    let mut beside = second.stream(TABLET, None).await.connected().await;
    let mut foreign = other.tablet(1).await.stream(TABLET, None).await.connected().await;
    let mut newer = Vec::new();
    for _ in 0..3 {
        newer.push(first.stream(TABLET, None).await.connected().await);
    }
    assert!(oldest.end().await.is_err(), "the oldest stream should be aborted");
    first.order(&store.menus[..1]).await.ok();
    for stream in newer.iter_mut().chain([&mut beside]) {
        assert_eq!(stream.next().await.name, "new_order");
    }
    foreign.expect_no_event().await;
}

#[tokio::test]
async fn dashboards_of_one_user_do_not_abort_each_other() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let mut dashboards = Vec::new();
    for _ in 0..4 {
        let admin = store.admin().await;
        for _ in 0..3 {
            dashboards.push(admin.stream(STAFF, None).await.connected().await);
        }
    }
    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    for dashboard in &mut dashboards {
        assert_eq!(dashboard.next().await.name, "new_order");
    }
    assert_eq!(app.hub.open_streams(), 12);
}

#[tokio::test]
async fn streams_of_a_table_and_of_a_user_are_limited() {
    let app = TestApp::start_with(|config| {
        (config.streams.limits.per_table, config.streams.limits.per_user) = (4, 2);
    })
    .await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (tablets, admins) =
        ([store.tablet(1).await, store.tablet(1).await], [store.admin().await, store.admin().await]);
    let mut open = Vec::new();
    for tablet in [&tablets[0], &tablets[0], &tablets[1], &tablets[1]] {
        open.push(tablet.stream(TABLET, None).await.connected().await);
    }
    names(tablets[0].get(TABLET).await, 409, "LIMIT_REACHED", "table_streams", 4);
    for admin in &admins {
        open.push(admin.stream(STAFF, None).await.connected().await);
    }
    names(admins[0].get(STAFF).await, 409, "LIMIT_REACHED", "user_streams", 2);
    store.tablet(2).await.stream(TABLET, None).await.connected().await;
    other.tablet(1).await.stream(TABLET, None).await.connected().await;
    other.admin().await.stream(STAFF, None).await.connected().await;
}

#[tokio::test]
async fn streams_that_are_not_read_count_after_they_are_closed() {
    let app = TestApp::start_with(|config| {
        (config.streams.limits.per_login, config.streams.limits.per_table) = (2, 4);
    })
    .await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (id, tablet) = (app.store_id("demo").await, store.tablet(1).await);
    // A subscription that is not polled, like that of a response that its client does not read.
    let owner = StreamOwner { account: StreamAccount::Table(store.tables[0]), login: StreamLogin::Token(Uuid::nil()) };
    let mut blocked = Vec::new();
    for _ in 0..4 {
        blocked.push(app.hub.subscribe(id, owner).await.unwrap());
    }
    let refused = app.hub.subscribe(id, owner).await.unwrap_err();
    assert_eq!(refused.limit(), Some((Limit::LoginStreams, 2)));
    names(tablet.get(TABLET).await, 409, "LIMIT_REACHED", "table_streams", 4);
    assert_eq!(app.hub.open_streams(), 4);
    store.tablet(2).await.stream(TABLET, None).await.connected().await;
    other.tablet(1).await.stream(TABLET, None).await.connected().await;

    blocked.remove(0);
    let mut stream = tablet.stream(TABLET, None).await.connected().await;
    tablet.order(&store.menus[..1]).await.ok();
    assert_eq!(stream.next().await.name, "new_order");
}

#[tokio::test]
async fn tablets_do_not_use_the_streams_reserved_for_dashboards() {
    let app = TestApp::start_with(|config| config.streams.limits.per_store = 8).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let mut tablets: Vec<ApiClient> = Vec::new();
    let mut open = Vec::new();
    for number in [1, 2, 3, 1, 2, 3] {
        let tablet = store.tablet(number).await;
        open.push(tablet.stream(TABLET, None).await.connected().await);
        tablets.push(tablet);
    }
    names(store.tablet(1).await.get(TABLET).await, 503, "SERVICE_UNAVAILABLE", "store_streams", 6);
    for _ in 0..2 {
        open.push(store.admin().await.stream(STAFF, None).await.connected().await);
    }
    names(store.admin().await.get(STAFF).await, 503, "SERVICE_UNAVAILABLE", "store_streams", 8);
    other.tablet(1).await.stream(TABLET, None).await.connected().await;
}

#[tokio::test]
async fn tablets_of_all_stores_leave_streams_for_dashboards() {
    let app = TestApp::start_with(|config| config.streams.limits.in_all = 4).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let mut open = Vec::new();
    for tablet in [store.tablet(1).await, store.tablet(2).await, other.tablet(1).await] {
        open.push(tablet.stream(TABLET, None).await.connected().await);
    }
    names(other.tablet(2).await.get(TABLET).await, 503, "SERVICE_UNAVAILABLE", "streams", 3);
    open.push(other.admin().await.stream(STAFF, None).await.connected().await);
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_none_opens_after() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    tablet.order(&store.menus[..1]).await.ok();
    let mut stream = tablet.stream(TABLET, None).await.connected().await;
    let missed_from = stream.connected_at.clone();
    let mut dashboard = admin.stream(STAFF, None).await.connected().await;
    let mut neighbour = store.tablet(2).await.stream(TABLET, None).await.connected().await;
    let mut foreign = other.tablet(1).await.stream(TABLET, None).await.connected().await;
    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    let end = stream.next().await;
    assert_eq!(end.name, "session_completed");
    let received_at = Instant::now();
    assert!(stream.end().await.is_err(), "the stream should be aborted");
    // A second on the server. A browser discards an event that its page reads too late.
    assert!(received_at.elapsed() > Duration::from_millis(100), "the stream should end some time after its last event");
    tablet.get(TABLET).await.refused(409, "SESSION_ENDED");
    // A tablet that was offline receives the end of the session once.
    let mut away = tablet.stream(TABLET, Some(&missed_from)).await.connected().await;
    assert_eq!(away.next().await.id, end.id);
    assert!(away.end().await.is_err(), "the stream should be aborted");
    store.tablet(2).await.order(&store.menus[..1]).await.ok();
    for place in [&end.id, "garbage"] {
        let request = tablet.request(reqwest::Method::GET, TABLET).header("Last-Event-ID", place);
        answer(request).await.refused(409, "SESSION_ENDED");
    }
    assert_eq!(dashboard.next().await.name, "session_completed");
    assert_eq!(neighbour.next().await.name, "new_order", "only its own order");
    foreign.expect_no_event().await;
}

#[tokio::test]
async fn streams_of_a_reopened_session_miss_no_event() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let order = tablet.order(&store.menus[..1]).await.ok();
    let seen = tablet.stream(TABLET, None).await.connected().await.connected_at;
    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    admin.post(&format!("/admin/sessions/{}/reopen", order["session_id"]), &json!({})).await.ok();
    let mut replayed = tablet.stream(TABLET, Some(&seen)).await.connected().await;
    assert_eq!(replayed.next().await.name, "session_completed");
    let last = replayed.next().await;
    assert_eq!(last.name, "session_reopened");
    assert!(replayed.end().await.is_err(), "the stream should be aborted after the end of the session");
    let mut resumed = tablet.stream(TABLET, Some(&last.id)).await.connected().await;
    tablet.order(&store.menus[..1]).await.ok();
    assert_eq!(resumed.next().await.name, "new_order");
}
