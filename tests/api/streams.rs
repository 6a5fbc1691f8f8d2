//! Streams: framing, resuming, isolation, limits.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tableorder::clock::Clock;
use tableorder::config::Config;
use tableorder::events::retention;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sse::Event;
use crate::support::TestApp;

#[tokio::test]
async fn a_stream_starts_with_connected_and_is_framed_by_the_standard() {
    let app = TestApp::start_with(|config| config.streams.heartbeat = Duration::from_millis(200)).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let mut stream = store.admin().await.stream("/admin/orders/stream", None).await;
    let header = |name: &str| stream.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("cache-control"), "no-store, no-transform");
    assert_eq!(header("x-accel-buffering"), "no");
    assert!(!stream.headers.contains_key("content-encoding"));

    let connected = stream.raw_chunk().await;
    let lines: Vec<&str> = connected.split('\n').collect();
    assert!(lines[0].starts_with("retry: ") && lines[1].starts_with("id: "), "{connected:?}");
    assert_eq!(lines[2], "event: connected");
    assert_eq!(lines[3], format!("data: {{\"event_id\":\"{}\",\"menu_version\":1}}", &lines[1][4..]));
    assert_eq!(lines[4..], ["", ""]);
    assert_eq!(stream.raw_chunk().await, ": alive\n\n");

    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    let event = loop {
        let piece = stream.raw_chunk().await;
        if piece != ": alive\n\n" {
            break piece;
        }
    };
    let lines: Vec<&str> = event.split('\n').collect();
    assert!(lines[0].starts_with("id: ") && lines[0].ends_with(":1"), "{event:?}");
    assert_eq!(lines[1], "event: new_order");
    let data: Value = serde_json::from_str(lines[2].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(data["order_number"].as_str().map(|number| &number[8..]), Some("-001"));
    assert_eq!(lines[3..], ["", ""]);
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_seen() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let start = admin.stream("/admin/orders/stream", None).await.connected().await.connected_at;
    for _ in 0..3 {
        tablet.order(&store.menus[..1]).await.ok();
    }
    let mut stream = admin.stream("/admin/orders/stream", Some(&start)).await.connected().await;
    assert_eq!(stream.connected_at, start);
    let seen = [stream.next().await, stream.next().await, stream.next().await];
    assert_eq!(seen.each_ref().map(Event::seq), [1, 2, 3]);
    drop(stream);

    // The header has priority over the query parameter.
    let path = format!("/admin/orders/stream?last_event_id={}", seen[1].id);
    let mut stream = admin.stream(&path, None).await.connected().await;
    assert_eq!(stream.next().await.seq(), 3);
    let mut stream = admin.stream(&path, Some(&seen[0].id)).await.connected().await;
    assert_eq!([stream.next().await.seq(), stream.next().await.seq()], [2, 3]);
    tablet.order(&store.menus[..1]).await.ok();
    assert_eq!(stream.next().await.seq(), 4);

    // A cursor that cannot be replayed gets a reset at the head.
    let epoch = start.split_once(':').unwrap().0;
    let foreign = other.admin().await.stream("/admin/orders/stream", None).await.connected().await.connected_at;
    for place in
        ["garbage", &format!("{epoch}:5"), &format!("{epoch}:-1"), "0123456789ab:1", &foreign, &format!("{epoch}:+1")]
    {
        let mut stream = admin.stream("/admin/orders/stream", Some(place)).await.connected().await;
        assert_eq!(stream.connected_at, format!("{epoch}:4"), "{place}");
        let reset = stream.next().await;
        assert_eq!((reset.name.as_str(), &reset.id), ("reset", &stream.connected_at), "{place}");
        assert_eq!(reset.data, json!({"event_id": reset.id, "menu_version": 1}));
    }
}

#[tokio::test]
async fn events_of_another_instance_arrive() {
    // Two servers on one database: each finds the other's commits in the table.
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |_| {}).await;
    let admin = store.admin().await;
    let mut elsewhere =
        second.anonymous().with_token(admin.token()).stream("/admin/orders/stream", None).await.connected().await;
    let tablet = store.tablet(1).await;
    for seq in 1..=3 {
        tablet.order(&store.menus[..1]).await.ok();
        assert_eq!(elsewhere.next().await.seq(), seq);
    }
}

#[tokio::test]
async fn a_thousand_missed_events_are_replayed_before_live_events() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let start = admin.stream("/admin/orders/stream", None).await.connected().await.connected_at;
    for _ in 0..50 {
        futures_util::future::join_all((0..20).map(|_| tablet.order(&store.menus[..1]))).await;
    }
    let mut stream = admin.stream("/admin/orders/stream", Some(&start)).await.connected().await;
    for seq in 1..=1000 {
        assert_eq!(stream.next().await.seq(), seq);
    }
    tablet.order(&store.menus[..1]).await.ok();
    assert_eq!(stream.next().await.seq(), 1001);
}

#[tokio::test]
async fn large_and_small_missed_events_are_replayed_in_order() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let long_name = json!({"name": "가".repeat(100)});
    admin.patch(&format!("/admin/menus/{}", store.menus[0]), &long_name).await.ok();
    let start = admin.stream("/admin/orders/stream", None).await.connected().await.connected_at;
    // An event of 100 such lines has 40 KB: two of them fill the memory of a stream's replay.
    let large = vec![store.menus[0]; 100];
    for orders in [vec![&large[..]; 30], vec![&large[..1]; 300], vec![&large[..]; 30]] {
        for order in futures_util::future::join_all(orders.into_iter().map(|order| tablet.order(order))).await {
            order.ok();
        }
    }
    let mut stream = admin.stream("/admin/orders/stream", Some(&start)).await.connected().await;
    for seq in 2..=361 {
        assert_eq!(stream.next().await.seq(), seq);
    }
    tablet.order(&store.menus[..1]).await.ok();
    assert_eq!(stream.next().await.seq(), 362);
}

#[tokio::test]
async fn a_stream_is_aborted_when_its_token_expires_or_the_server_stops() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    app.set_time("2026-11-20T18:59:59.500Z");
    let dashboard = admin.stream("/admin/orders/stream", None).await.connected().await;
    let guest = tablet.stream("/customer/orders/stream", None).await.connected().await;
    let expired = tokio::time::timeout(Duration::from_secs(5), dashboard.end())
        .await
        .expect("the stream should end within five seconds");
    assert!(expired.is_err(), "the stream should be aborted");

    app.closing.cancel();
    let stopped =
        tokio::time::timeout(Duration::from_secs(5), guest.end()).await.expect("the stream should end at shutdown");
    assert!(stopped.is_err(), "the stream should be aborted");
}

#[tokio::test]
async fn with_polling_only_an_event_arrives_from_another_instance() {
    let app = TestApp::start_with(|config| config.events.wake_ups = false).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = false).await;
    let admin = second.anonymous().with_token(store.admin().await.token());
    let mut elsewhere = admin.stream("/admin/orders/stream", None).await.connected().await;
    let tablet = store.tablet(1).await;
    for seq in 1..=2 {
        tablet.order(&store.menus[..1]).await.ok();
        assert_eq!(elsewhere.next().await.seq(), seq);
    }
}

#[tokio::test]
async fn a_cut_listener_reconnects() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |_| {}).await;
    let admin = second.anonymous().with_token(store.admin().await.token());
    let mut elsewhere = admin.stream("/admin/orders/stream", None).await.connected().await;
    let tablet = store.tablet(1).await;
    let listeners = async |select: &str| {
        let sql = format!(
            "SELECT count({select}) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
        );
        let mut connection = app.connection().await;
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(tableorder::cluster::LISTENER_NAME)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        count
    };
    while listeners("*").await < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(listeners("pg_terminate_backend(pid)").await, 2);
    tablet.order(&store.menus[..1]).await.ok();
    assert_eq!(elsewhere.next().await.seq(), 1);
    let cut = Instant::now();
    while listeners("*").await < 2 {
        assert!(cut.elapsed() < Duration::from_secs(10), "the listeners should reconnect");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tablet.order(&store.menus[..1]).await.ok();
    assert_eq!(elsewhere.next().await.seq(), 2);
}

#[tokio::test]
async fn a_dashboard_and_the_stream_from_its_cursor_miss_no_order() {
    let many = |config: &mut Config| config.streams.limits.per_login = 12;
    let app = TestApp::start_with(many).await;
    let store = app.store("busy").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), many).await;
    let admin = store.admin().await;
    let tablets = [store.tablet(1).await, store.tablet(2).await, store.tablet(3).await];
    let writing = async {
        join_all(tablets.iter().map(async |tablet| {
            for _ in 0..60 {
                tablet.order(&store.menus[..1]).await.ok();
            }
        }))
        .await
    };
    // Dashboards load at random moments on both instances.
    let watching = join_all((0..12).map(async |number: u64| {
        let admin = if number.is_multiple_of(2) { admin.clone() } else { second.anonymous().with_token(admin.token()) };
        tokio::time::sleep(Duration::from_millis(number * 40)).await;
        let snapshot = admin.get("/admin/tables/dashboard").await.ok();
        let mut stream = admin.stream("/admin/orders/stream", snapshot["event_id"].as_str()).await.connected().await;
        let floor = snapshot["tables"].as_array().unwrap();
        let mut orders: i64 = floor.iter().map(|table| table["order_count"].as_i64().unwrap()).sum();
        let mut seq = snapshot["event_id"].as_str().unwrap().split_once(':').unwrap().1.parse::<i64>().unwrap();
        assert_eq!(orders, seq, "the snapshot should be consistent with its cursor");
        while orders < 180 {
            let event = stream.next().await;
            assert_eq!((event.name.as_str(), event.seq()), ("new_order", seq + 1));
            (orders, seq) = (orders + 1, event.seq());
        }
        stream.expect_no_event().await;
    }));
    tokio::join!(writing, watching);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected_alone() {
    let app = TestApp::start_with(|config| config.http.write_timeout = Duration::from_secs(1)).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let mut slow = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!(
        "GET /api/v1/admin/orders/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        admin.token()
    );
    slow.write_all(request.as_bytes()).await.unwrap();
    let mut quick = admin.stream("/admin/orders/stream", None).await.connected().await;
    while app.hub.open_streams() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Large events, until all buffers are full and the write deadline of one second has passed.
    let large = json!({"items": vec![json!({"menu_id": store.menus[0], "quantity": 1}); 100]});
    let mut seq = 0;
    let started = Instant::now();
    while app.hub.open_streams() == 2 {
        assert!(started.elapsed() < Duration::from_mins(1), "the slow client should be disconnected");
        tablet.post("/customer/orders", &large).await.ok();
        seq += 1;
        assert_eq!(quick.next().await.seq(), seq);
    }
    drop(slow);
}

#[tokio::test]
async fn streams_of_a_store_are_limited() {
    let app = TestApp::start_with(|config| config.streams.limits.per_store = 2).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let admin = store.admin().await;
    let first = admin.stream("/admin/orders/stream", None).await.connected().await;
    let _second = store.tablet(1).await.stream("/customer/orders/stream", None).await.connected().await;
    let refused = admin.get("/admin/orders/stream").await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(503, "SERVICE_UNAVAILABLE");
    other.admin().await.stream("/admin/orders/stream", None).await.connected().await;
    drop(first);
    while app.hub.open_streams() > 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    admin.stream("/admin/orders/stream", None).await.connected().await;
}

#[tokio::test]
async fn a_stream_is_aborted_at_its_maximum_age() {
    let app = TestApp::start_with(|config| config.streams.max_age = Some(Duration::from_millis(300))).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let stream = store.admin().await.stream("/admin/orders/stream", None).await.connected().await;
    let end = tokio::time::timeout(Duration::from_secs(2), stream.end())
        .await
        .expect("the stream should end at its maximum age");
    assert!(end.is_err(), "the stream should be aborted");
}

#[tokio::test]
async fn a_ticket_opens_only_its_stores_stream_and_for_one_minute() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    app.set_time("2026-11-20T03:00:00Z");
    let admin = store.admin().await;
    let issued = admin.post("/admin/orders/stream/ticket", &json!({})).await.ok();
    assert_eq!(issued["expires_in"], 60);
    let ticket = issued["ticket"].as_str().unwrap();
    let anonymous = app.anonymous();
    let path = format!("/admin/orders/stream?ticket={ticket}");
    let mut stream = anonymous.stream(&path, None).await.connected().await;
    other.tablet(1).await.order(&other.menus[..1]).await.ok();
    let order = store.tablet(1).await.order(&store.menus[..1]).await.ok();
    let event = stream.next().await;
    assert_eq!(event.data["order_id"], order["id"]);
    // It resumes by header or, after a page reload, by query parameter.
    let resumed = format!("{path}&last_event_id={}", stream.connected_at);
    assert_eq!(anonymous.stream(&resumed, None).await.connected().await.next().await, event);

    for path in ["/admin/tables/dashboard", "/admin/auth/me", "/customer/menu", "/customer/orders/stream"] {
        anonymous.with_token(ticket).get(path).await.refused(401, "INVALID_TOKEN_TYPE");
        let answer = anonymous.get(&format!("{path}?ticket={ticket}")).await;
        answer.refused(401, "UNAUTHORIZED");
    }
    let with = async |ticket: &str| anonymous.get(&format!("/admin/orders/stream?ticket={ticket}")).await;
    with(admin.token()).await.refused(401, "INVALID_TOKEN_TYPE");
    with("nonsense").await.refused(401, "INVALID_TOKEN");
    store.tablet(1).await.post("/admin/orders/stream/ticket", &json!({})).await.refused(401, "INVALID_TOKEN_TYPE");
    app.set_time("2026-11-20T03:01:00Z");
    with(ticket).await.refused(401, "TOKEN_EXPIRED");

    // The stream continues until the login behind the ticket ends.
    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    assert_eq!(stream.next().await.name, "new_order");
    let fresh = admin.post("/admin/orders/stream/ticket", &json!({})).await.ok();
    admin.post("/admin/auth/logout", &json!({})).await.ok();
    let end = tokio::time::timeout(Duration::from_secs(5), stream.end())
        .await
        .expect("the stream should end within five seconds");
    assert!(end.is_err(), "the stream should be aborted");
    with(fresh["ticket"].as_str().unwrap()).await.refused(401, "INVALID_TOKEN");
}

#[tokio::test]
async fn events_beyond_their_retention_are_pruned_and_old_cursors_reset() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let week = Duration::from_hours(7 * 24);
    app.set_time("2026-11-01T03:00:00Z");
    let start = store.admin().await.stream("/admin/orders/stream", None).await.connected().await.connected_at;
    for _ in 0..3 {
        store.tablet(1).await.order(&store.menus[..1]).await.ok();
    }
    app.set_time("2026-11-20T03:00:00Z");
    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    other.tablet(1).await.order(&other.menus[..1]).await.ok();
    let now = "2026-11-20T03:00:01Z".parse().unwrap();
    // The server may already have pruned some.
    assert!(retention::prune(&app.database, now, week).await.unwrap() <= 3);
    assert_eq!(retention::prune(&app.database, now, week).await.unwrap(), 0);
    let left = "SELECT count(*) FROM events WHERE created_at < '2026-11-20'";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&mut app.connection().await).await.unwrap();
    assert_eq!(left, 0);

    let admin = store.admin().await;
    let epoch = start.split_once(':').unwrap().0;
    let mut away = admin.stream("/admin/orders/stream", Some(&start)).await.connected().await;
    assert_eq!(away.connected_at, format!("{epoch}:4"));
    assert_eq!(away.next().await.name, "reset");
    let mut just_in_time = admin.stream("/admin/orders/stream", Some(&format!("{epoch}:3"))).await.connected().await;
    assert_eq!(just_in_time.next().await.seq(), 4);
    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    assert_eq!([away.next().await.seq(), just_in_time.next().await.seq()], [5, 5]);
}

#[tokio::test]
async fn an_event_with_an_old_time_does_not_prune_newer_events() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = store.tablet(1).await;
    let start = store.admin().await.stream("/admin/orders/stream", None).await.connected().await.connected_at;
    for _ in 0..3 {
        tablet.order(&store.menus[..1]).await.ok();
    }
    // As written by a machine whose clock is not set yet.
    let backdate = "UPDATE events SET created_at = '1970-01-01' WHERE seq = 2";
    sqlx::query(backdate).execute(&mut app.connection().await).await.unwrap();
    let week = Duration::from_hours(7 * 24);
    assert_eq!(retention::prune(&app.database, Clock::system().now(), week).await.unwrap(), 0);
    let mut stream = store.admin().await.stream("/admin/orders/stream", Some(&start)).await.connected().await;
    for seq in 1..=3 {
        assert_eq!(stream.next().await.seq(), seq);
    }
    // An event with a future time does not protect older events either.
    let postdate = "UPDATE events SET created_at = '2099-01-01' WHERE seq = 1";
    sqlx::query(postdate).execute(&mut app.connection().await).await.unwrap();
    assert_eq!(retention::prune(&app.database, Clock::system().now(), week).await.unwrap(), 2);
}

#[tokio::test]
async fn a_stream_over_http_1_0_is_refused() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    for (path, token) in
        [("/api/v1/admin/orders/stream", admin.token()), ("/api/v1/customer/orders/stream", tablet.token())]
    {
        let mut client = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap();
        // As nginx sends it by default.
        let request =
            format!("GET {path} HTTP/1.0\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.0 505 "), "{answer}");
        assert!(answer.contains("\"HTTP_VERSION_NOT_SUPPORTED\""), "{answer}");
    }
}
