//! The menu cache: reads without queries, and bounded staleness.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tableorder::clock::Clock;
use tableorder::config::Config;
use tableorder::repositories::menu;
use tableorder::services::MenuService;
use tokio::time::{Instant, sleep};

use crate::support::{ApiClient, TestApp, TestStore, answer, with_query_count};

/// Reads at least 30 times, for longer than a cached version's TTL, and returns the query counts of those reads that used queries.
async fn reads_with_queries(read: impl Fn() -> RequestBuilder) -> Vec<u64> {
    let (started, mut counts) = (Instant::now(), Vec::new());
    while started.elapsed() < Duration::from_secs(3) || counts.len() < 30 {
        let (answer, queries) = with_query_count(read()).await;
        assert!(matches!(answer.status.as_u16(), 200 | 304), "{}", answer.body);
        counts.push(queries);
        sleep(Duration::from_millis(20)).await;
    }
    counts.retain(|queries| *queries > 0);
    counts
}

/// Asserts that `read` uses no query for 3 s. On a machine that is too busy to poll for 2 s, the cache expires and the
/// database is read, so there are several attempts.
async fn expect_no_queries(read: impl Fn() -> RequestBuilder) {
    let mut last = Vec::new();
    for _ in 0..4 {
        last = reads_with_queries(&read).await;
        if last.is_empty() {
            return;
        }
    }
    panic!("cached reads should use no query, but some used {last:?}");
}

/// The price of the store's first menu item, as a guest reads it.
async fn price(tablet: &ApiClient) -> Value {
    tablet.get("/customer/menu").await.ok()["menus"][0]["price"].clone()
}

async fn set_price(admin: &ApiClient, store: &TestStore, price: i64) {
    admin.patch(&format!("/admin/menus/{}", store.menus[0]), &json!({"price": price})).await.ok();
}

/// The time until `tablet` reads this price.
async fn seen_after(tablet: &ApiClient, expected: i64) -> Duration {
    let started = Instant::now();
    while price(tablet).await != expected {
        sleep(Duration::from_millis(5)).await;
    }
    started.elapsed()
}

/// A menu service for an instance, with its own cache.
fn menu_service_of(app: &TestApp) -> MenuService {
    let limits = Config::read(|_| None).unwrap().store_limits;
    MenuService::new(app.database.clone(), app.cluster.clone(), app.hub.clone(), limits, Clock::system())
}

#[tokio::test]
async fn an_unchanged_menu_is_read_without_queries() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (tablet, others) = (store.tablet(1).await, other.admin().await);
    let read = || tablet.request(Method::GET, "/customer/menu");
    let (first, queries) = with_query_count(read()).await;
    assert!(
        queries >= 2,
        "the first read should query the token and the menu; otherwise queries are not with_query_count"
    );
    let item = format!("/customer/menu/{}", store.menus[0]);
    let page = format!("/customer/menu/category/{}", first.body["menus"][0]["category_id"]);
    let paths = ["/customer/menu", "/customer/menu/categories", &page, &item];
    join_all(paths.iter().map(|path| expect_no_queries(|| tablet.request(Method::GET, path)))).await;
    let unchanged = with_query_count(read().header("If-None-Match", &first.headers["etag"])).await;
    assert_eq!((unchanged.0.status.as_u16(), unchanged.1), (304, 0));
    assert!(
        with_query_count(others.request(Method::GET, "/admin/menus")).await.1 > 0,
        "uncached reads should be with_query_count"
    );

    for price in 1..=20 {
        set_price(&others, &other, price).await;
        let (answer, queries) = with_query_count(read()).await;
        assert_eq!((answer.body, queries), (first.body.clone(), 0));
    }
    // A change of the own menu costs one query.
    set_price(&store.admin().await, &store, 9_500).await;
    let (changed, queries) = with_query_count(read()).await;
    assert_eq!((&changed.body["menus"][0]["price"], queries), (&json!(9_500), 1));
    assert_eq!(with_query_count(read()).await.1, 0);
}

#[tokio::test]
async fn concurrent_reads_load_the_menu_once() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = store.tablet(1).await;
    // The token check and the menu, each with its version, and a second time if the listener connected meanwhile.
    let reads = join_all((0..60).map(|_| with_query_count(tablet.request(Method::GET, "/customer/menu")))).await;
    let queries: u64 = reads.into_iter().map(|(answer, queries)| (answer.ok(), queries).1).sum();
    assert!((1..=8).contains(&queries), "{queries} queries for 60 reads");
}

#[tokio::test]
async fn the_next_read_of_every_page_shows_a_change() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let menu = tablet.get("/customer/menu").await.ok();
    let category = menu["menus"][0]["category_id"].clone();
    let (item, page) = (store.menus[0], format!("/customer/menu/category/{category}"));
    let listed = async |path: &str| {
        let menus = tablet.get(path).await.ok()["menus"].as_array().unwrap().clone();
        menus.iter().map(|menu| (menu["id"].clone(), menu["price"].clone())).collect::<Vec<_>>()
    };
    for price in 1..=30 {
        set_price(&admin, &store, price).await;
        assert_eq!(tablet.get(&format!("/customer/menu/{item}")).await.ok()["price"], price);
        for path in ["/customer/menu", &page] {
            assert_eq!(listed(path).await[0], (json!(item), json!(price)), "{path}");
        }
        let name = format!("{price}번째 이름");
        admin.patch(&format!("/admin/categories/{category}"), &json!({"name": name})).await.ok();
        assert_eq!(tablet.get("/customer/menu/categories").await.ok()["categories"][0]["name"], name);
    }
    let path = format!("/admin/menus/{item}");
    for is_available in [false, true] {
        admin.patch(&path, &json!({"is_available": is_available})).await.ok();
        assert_eq!(listed("/customer/menu").await.len(), if is_available { 2 } else { 1 });
    }
    admin.delete(&path).await.ok();
    assert_eq!(listed(&page).await.len(), 1);
    tablet.get(&format!("/customer/menu/{item}")).await.refused(404, "MENU_NOT_FOUND");
    let empty = admin.post("/admin/categories", &json!({"name": "음료"})).await.ok();
    assert_eq!(listed(&format!("/customer/menu/category/{}", empty["id"])).await, []);
    admin.delete(&format!("/admin/categories/{}", empty["id"])).await.ok();
    tablet.get(&format!("/customer/menu/category/{}", empty["id"])).await.refused(404, "CATEGORY_NOT_FOUND");
}

/// The price of the store's first menu item in a response that must not be older than `menu_version`.
async fn price_at(tablet: &ApiClient, menu_version: &Value) -> Value {
    let menu = tablet.get(&format!("/customer/menu?menu_version={menu_version}")).await.ok();
    assert!(menu["menu_version"].as_i64() >= menu_version.as_i64(), "{menu_version}: {menu}");
    menu["menus"][0]["price"].clone()
}

#[tokio::test]
async fn a_menu_version_from_an_event_can_be_read_on_every_instance() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    // Two instances with notifications, one that only polls.
    let others = join_all(
        [true, true, false]
            .map(|wake_ups| TestApp::start_on(app.options.clone(), move |config| config.events.wake_ups = wake_ups)),
    );
    let others = others.await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let elsewhere: Vec<_> = others.iter().map(|other| other.anonymous().with_token(tablet.token())).collect();
    join_all(elsewhere.iter().map(|tablet| expect_no_queries(|| tablet.request(Method::GET, "/customer/menu")))).await;
    let mut screen = tablet.stream("/customer/orders/stream", None).await.connected().await;
    for round in 1..=30 {
        set_price(&admin, &store, round).await;
        let event = screen.next().await;
        assert_eq!(event.name, "menu_changed");
        let version = &event.data["menu_version"];
        assert_eq!(join_all(elsewhere.iter().map(|tablet| price_at(tablet, version))).await, [round, round, round]);
    }
}

#[tokio::test]
async fn every_menu_read_accepts_a_minimum_version() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let other = app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = false).await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let elsewhere = second.anonymous().with_token(tablet.token());
    let menu = elsewhere.get("/customer/menu").await;
    let category = menu.body["menus"][0]["category_id"].clone();
    let mut version = menu.body["menu_version"].as_i64().unwrap();
    let paths = ["/customer/menu".to_owned(), format!("/customer/menu/category/{category}")];
    for path in paths {
        set_price(&admin, &store, 100 + version).await;
        version += 1;
        let read = elsewhere.get(&format!("{path}?menu_version={version}")).await.ok();
        assert_eq!(
            (&read["menus"][0]["price"], &read["menu_version"]),
            (&json!(99 + version), &json!(version)),
            "{path}"
        );
    }
    set_price(&admin, &store, 7).await;
    let read = elsewhere.get(&format!("/customer/menu/{}?menu_version={}", store.menus[0], version + 1)).await.ok();
    assert_eq!(read["price"], 7);
    admin.patch(&format!("/admin/categories/{category}"), &json!({"name": "한식"})).await.ok();
    let read = elsewhere.get(&format!("/customer/menu/categories?menu_version={}", version + 2)).await.ok();
    assert_eq!(read["categories"][0]["name"], "한식");
    // Applied before `If-None-Match`: the client's copy is of an older menu.
    set_price(&admin, &store, 8).await;
    let path = format!("/customer/menu?menu_version={}", version + 3);
    let read = answer(elsewhere.request(Method::GET, &path).header("If-None-Match", &menu.headers["etag"])).await;
    assert_eq!(read.ok()["menus"][0]["price"], 8);
    // A version that does not exist costs one query and returns the current menu.
    let (read, queries) = with_query_count(elsewhere.request(Method::GET, "/customer/menu?menu_version=1000000")).await;
    assert_eq!((read.ok()["menus"][0]["price"].clone(), queries), (json!(8), 1));
    elsewhere.get("/customer/menu?menu_version=new").await.refused(400, "MALFORMED_REQUEST");
    // The other store's menu has its own version.
    let others = second.anonymous().with_token(other.tablet(1).await.token());
    assert_eq!(others.get("/customer/menu?menu_version=9").await.ok()["menu_version"], 1);
}

#[tokio::test]
async fn nothing_older_than_the_version_in_connected_is_read() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = false).await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let elsewhere = second.anonymous().with_token(tablet.token());
    for round in 1..=10 {
        price(&elsewhere).await;
        set_price(&admin, &store, round).await;
        // The second cursor cannot be replayed.
        for resume_from in [None, Some("garbage")] {
            let mut stream = elsewhere.stream("/customer/orders/stream", resume_from).await;
            let connected = stream.next().await;
            assert_eq!((connected.name.as_str(), &connected.data["menu_version"]), ("connected", &json!(1 + round)));
            assert_eq!(price(&elsewhere).await, round);
            if resume_from.is_some() {
                let reset = stream.next().await;
                assert_eq!((reset.name.as_str(), &reset.data["menu_version"]), ("reset", &json!(1 + round)));
            }
        }
    }
}

#[tokio::test]
async fn a_change_does_not_wait_for_other_instances() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    // The listener of an instance that does not respond.
    let unresponsive = app.options.clone().application_name(tableorder::cluster::LISTENER_NAME);
    let _unresponsive = PgConnection::connect_with(&unresponsive).await.unwrap();
    let changes = async {
        for price in 1..=10 {
            set_price(&admin, &store, price).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), changes).await.expect("no change should wait for the other instance");
}

#[tokio::test]
async fn a_stopping_or_starting_instance_serves_no_menu_older_than_2_s() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    let id = app.store_id("demo").await;
    for price in 1..=5 {
        let other = TestApp::start_on(app.options.clone(), |_| {}).await;
        let menus = menu_service_of(&other);
        let current = async || menus.current(id).await.unwrap().items[0].details.price.get();
        current().await;
        // The instance has just started, and stops listening and polling while requests are still served.
        other.closing.cancel();
        set_price(&admin, &store, price).await;
        let changed = Instant::now();
        while current().await != price {
            assert!(changed.elapsed() < Duration::from_secs(2), "{price} should be read by now");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn with_polling_only_a_change_reaches_other_instances_in_a_second() {
    let app = TestApp::start_with(|config| config.events.wake_ups = false).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = false).await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let elsewhere = second.anonymous().with_token(tablet.token());
    expect_no_queries(|| elsewhere.request(Method::GET, "/customer/menu")).await;
    for round in 1..=5 {
        set_price(&admin, &store, round).await;
        let took = seen_after(&elsewhere, round).await;
        // One second between polls, and half a second for a slow machine.
        assert!(took < Duration::from_millis(1_500), "{took:?}");
    }
}

#[tokio::test]
async fn without_listeners_no_menu_is_older_than_two_seconds() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |_| {}).await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let elsewhere = second.anonymous().with_token(tablet.token());
    expect_no_queries(|| elsewhere.request(Method::GET, "/customer/menu")).await;
    let cut = async || {
        let mut connection = app.connection().await;
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = $1";
        let cut: i64 =
            sqlx::query_scalar(sql).bind(tableorder::cluster::LISTENER_NAME).fetch_one(&mut connection).await.unwrap();
        cut
    };
    let mut cut_count = 0;
    for price in 1..=10 {
        cut_count += cut().await;
        set_price(&admin, &store, price).await;
        let version = tablet.get("/customer/menu").await.ok()["menu_version"].clone();
        if price % 2 == 0 {
            assert_eq!(price_at(&elsewhere, &version).await, price);
        }
        let took = seen_after(&elsewhere, price).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
        sleep(Duration::from_millis(u64::try_from(price).unwrap() * 60)).await;
    }
    assert!(cut_count >= 4, "the listeners should reconnect and be cut again");
    // Afterwards the cache is used again.
    expect_no_queries(|| elsewhere.request(Method::GET, "/customer/menu")).await;
}

#[tokio::test]
async fn a_snapshot_has_its_stated_version_or_the_newer_one_requested() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    // Without notifications, this instance sees other instances' commits only at its next poll.
    let second = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = false).await;
    let menus = menu_service_of(&second);
    let admin = store.admin().await;
    let id = app.store_id("demo").await;
    let start = menus.current(id).await.unwrap();
    assert_eq!((start.version, start.items.len()), (1, 3), "sold-out items are included");
    assert!(start.item(store.menus[2]).is_some_and(|item| !item.details.is_available));

    let changing = async {
        for price in 2..=60 {
            set_price(&admin, &store, price).await;
        }
    };
    let reading = async {
        let mut version = 1;
        while version < 60 {
            let mut connection = second.connection().await;
            let read = menu::read(&mut connection, id).await.unwrap();
            if read.version > 1 {
                assert_eq!(read.items[0].details.price.get(), read.version);
            }
            version = read.version;
        }
    };
    let caching = async {
        while menus.current(id).await.unwrap().version < 60 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::join!(changing, reading, caching);

    for price in 61..=65 {
        set_price(&admin, &store, price).await;
        let newer = menus.at_least(id, price).await.unwrap();
        assert_eq!((newer.version, newer.items[0].details.price.get()), (price, price));
        assert_eq!(menus.current(id).await.unwrap().version, price, "the newer version should be cached");
    }
    let etag = async |store: &TestStore| store.tablet(1).await.get("/customer/menu").await.headers["etag"].clone();
    assert_eq!(etag(&store).await, etag(&store.on(&second)).await, "the ETag should be the same on every instance");
}
