//! Streams: framing, resuming, staying apart.

use std::time::Duration;

use serde_json::json;

use crate::support::{Event, TestApp};

#[tokio::test]
async fn a_stream_begins_with_connected_and_is_framed_as_clients_expect() {
    let app = TestApp::start_with(|config| config.streams.heartbeat = Duration::from_millis(200)).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let mut stream = store.admin().await.stream("/admin/orders/stream", None).await;
    let header = |name: &str| stream.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("cache-control"), "no-store, no-transform");
    assert_eq!(header("x-accel-buffering"), "no");
    assert!(!stream.headers.contains_key("content-encoding"));

    let connected = stream.raw().await;
    let lines: Vec<&str> = connected.split('\n').collect();
    assert!(lines[0].starts_with("retry: ") && lines[1].starts_with("id: "), "{connected:?}");
    assert_eq!(lines[2], "event: connected");
    assert_eq!(lines[3], format!("data: {{\"event_id\":\"{}\"}}", &lines[1][4..]));
    assert_eq!(lines[4..], ["", ""]);
    assert_eq!(stream.raw().await, ": alive\n\n");

    store.tablet(1).await.order(&store.menus[..1]).await.ok();
    let event = loop {
        let piece = stream.raw().await;
        if piece != ": alive\n\n" {
            break piece;
        }
    };
    let lines: Vec<&str> = event.split('\n').collect();
    assert!(lines[0].starts_with("id: ") && lines[0].ends_with(":1"), "{event:?}");
    assert_eq!(lines[1], "event: new_order");
    assert!(lines[2].starts_with("data: {\"order_id\":"));
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

    // The header wins over the query; the query serves where there is no header.
    let path = format!("/admin/orders/stream?last_event_id={}", seen[1].id);
    let mut stream = admin.stream(&path, None).await.connected().await;
    assert_eq!(stream.next().await.seq(), 3);
    let mut stream = admin.stream(&path, Some(&seen[0].id)).await.connected().await;
    assert_eq!([stream.next().await.seq(), stream.next().await.seq()], [2, 3]);
    tablet.order(&store.menus[..1]).await.ok();
    assert_eq!(stream.next().await.seq(), 4);

    // What cannot be replayed is a reset at the head.
    let epoch = start.split_once(':').unwrap().0;
    let foreign = other.admin().await.stream("/admin/orders/stream", None).await.connected().await.connected_at;
    for place in
        ["garbage", &format!("{epoch}:5"), &format!("{epoch}:-1"), "0123456789ab:1", &foreign, &format!("{epoch}:+1")]
    {
        let mut stream = admin.stream("/admin/orders/stream", Some(place)).await.connected().await;
        assert_eq!(stream.connected_at, format!("{epoch}:4"), "{place}");
        let reset = stream.next().await;
        assert_eq!((reset.name.as_str(), &reset.id), ("reset", &stream.connected_at), "{place}");
        assert_eq!(reset.data, json!({"event_id": reset.id}));
    }
}

#[tokio::test]
async fn events_written_without_the_hub_arrive_all_the_same() {
    // Two servers on one database: what one commits the other finds in the table.
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
async fn a_thousand_events_missed_are_replayed_page_by_page_and_the_stream_goes_on_live() {
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
async fn a_stream_is_broken_off_when_its_token_ends_and_when_the_server_stops() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.stand_at("2026-11-20T03:00:00Z");
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    app.stand_at("2026-11-20T18:59:59.500Z");
    let dashboard = admin.stream("/admin/orders/stream", None).await.connected().await;
    let guest = tablet.stream("/customer/orders/stream", None).await.connected().await;
    let expired = tokio::time::timeout(Duration::from_secs(5), dashboard.end()).await.expect("within five seconds");
    assert!(expired.is_err(), "it must not end in an orderly way");

    app.closing.cancel();
    let stopped = tokio::time::timeout(Duration::from_secs(5), guest.end()).await.expect("at once");
    assert!(stopped.is_err(), "it must not end in an orderly way");
}
