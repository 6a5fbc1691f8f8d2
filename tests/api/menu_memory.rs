//! The menu from memory: without a query, and never old.

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

use crate::support::{ApiClient, TestApp, TestStore, answer, counted};

/// Reads for longer than a version is believed, and says which of the reads took queries.
async fn reads_with_queries(read: impl Fn() -> RequestBuilder) -> Vec<u64> {
    let (started, mut counts) = (Instant::now(), Vec::new());
    while started.elapsed() < Duration::from_secs(3) {
        let (answer, queries) = counted(read()).await;
        assert!(matches!(answer.status.as_u16(), 200 | 304), "{}", answer.body);
        counts.push(queries);
        sleep(Duration::from_millis(20)).await;
    }
    assert!(counts.len() > 30, "slow as a tortoise, and no proof of anything");
    counts.retain(|queries| *queries > 0);
    counts
}

/// Checks that `read` takes no query at all for a while. A machine that is too busy to poll for two seconds asks the
/// database, as it should, so there is more than one try.
async fn takes_no_query(read: impl Fn() -> RequestBuilder) {
    let mut last = Vec::new();
    for _ in 0..4 {
        last = reads_with_queries(&read).await;
        if last.is_empty() {
            return;
        }
    }
    panic!("reads from memory should take no query, but some took {last:?}");
}

/// The price of the store's first dish, as a guest reads it.
async fn price(tablet: &ApiClient) -> Value {
    tablet.get("/customer/menu").await.ok()["menus"][0]["price"].clone()
}

async fn set_price(admin: &ApiClient, store: &TestStore, price: i64) {
    admin.patch(&format!("/admin/menus/{}", store.menus[0]), &json!({"price": price})).await.ok();
}

/// How long until `tablet` reads this price.
async fn seen_after(tablet: &ApiClient, expected: i64) -> Duration {
    let started = Instant::now();
    while price(tablet).await != expected {
        sleep(Duration::from_millis(5)).await;
    }
    started.elapsed()
}

/// The menus of an instance, with a cache of their own.
fn menus_of(app: &TestApp) -> MenuService {
    let limits = Config::read(|_| None).unwrap().store_limits;
    MenuService::new(app.database.clone(), app.cluster.clone(), app.hub.clone(), limits, Clock::system())
}

#[tokio::test]
async fn a_menu_that_did_not_change_is_read_without_a_query_also_right_after_another_stores_changed() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (tablet, others) = (store.tablet(1).await, other.admin().await);
    let read = || tablet.request(Method::GET, "/customer/menu");
    let (first, queries) = counted(read()).await;
    assert!(queries >= 2, "the first read asks for the token and the menu, or queries are not counted at all");
    let dish = format!("/customer/menu/{}", store.menus[0]);
    let page = format!("/customer/menu/category/{}", first.body["menus"][0]["category_id"]);
    let paths = ["/customer/menu", "/customer/menu/categories", &page, &dish];
    join_all(paths.iter().map(|path| takes_no_query(|| tablet.request(Method::GET, path)))).await;
    let unchanged = counted(read().header("If-None-Match", &first.headers["etag"])).await;
    assert_eq!((unchanged.0.status.as_u16(), unchanged.1), (304, 0));
    assert!(counted(others.request(Method::GET, "/admin/menus")).await.1 > 0, "what is not from memory counts");

    for price in 1..=20 {
        set_price(&others, &other, price).await;
        let (answer, queries) = counted(read()).await;
        assert_eq!((answer.body, queries), (first.body.clone(), 0));
    }
    // And its own, once.
    set_price(&store.admin().await, &store, 9_500).await;
    let (changed, queries) = counted(read()).await;
    assert_eq!((&changed.body["menus"][0]["price"], queries), (&json!(9_500), 1));
    assert_eq!(counted(read()).await.1, 0);
}

#[tokio::test]
async fn tablets_that_all_read_at_once_read_it_once() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = store.tablet(1).await;
    // A token's answer and the menu, each with the version it is kept under, and again should the listener have come
    // up in between.
    let reads = join_all((0..60).map(|_| counted(tablet.request(Method::GET, "/customer/menu")))).await;
    let queries: u64 = reads.into_iter().map(|(answer, queries)| (answer.ok(), queries).1).sum();
    assert!((1..=8).contains(&queries), "{queries} queries for 60 reads");
}

#[tokio::test]
async fn a_change_is_in_the_very_next_read_of_every_page() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let menu = tablet.get("/customer/menu").await.ok();
    let category = menu["menus"][0]["category_id"].clone();
    let (dish, page) = (store.menus[0], format!("/customer/menu/category/{category}"));
    let on_the_card = async |path: &str| {
        let menus = tablet.get(path).await.ok()["menus"].as_array().unwrap().clone();
        menus.iter().map(|menu| (menu["id"].clone(), menu["price"].clone())).collect::<Vec<_>>()
    };
    for price in 1..=30 {
        set_price(&admin, &store, price).await;
        assert_eq!(tablet.get(&format!("/customer/menu/{dish}")).await.ok()["price"], price);
        for path in ["/customer/menu", &page] {
            assert_eq!(on_the_card(path).await[0], (json!(dish), json!(price)), "{path}");
        }
        let name = format!("{price}번째 이름");
        admin.patch(&format!("/admin/categories/{category}"), &json!({"name": name})).await.ok();
        assert_eq!(tablet.get("/customer/menu/categories").await.ok()["categories"][0]["name"], name);
    }
    let path = format!("/admin/menus/{dish}");
    for is_available in [false, true] {
        admin.patch(&path, &json!({"is_available": is_available})).await.ok();
        assert_eq!(on_the_card("/customer/menu").await.len(), if is_available { 2 } else { 1 });
    }
    admin.delete(&path).await.ok();
    assert_eq!(on_the_card(&page).await.len(), 1);
    tablet.get(&format!("/customer/menu/{dish}")).await.refused(404, "MENU_NOT_FOUND");
    let empty = admin.post("/admin/categories", &json!({"name": "음료"})).await.ok();
    assert_eq!(on_the_card(&format!("/customer/menu/category/{}", empty["id"])).await, []);
    admin.delete(&format!("/admin/categories/{}", empty["id"])).await.ok();
    tablet.get(&format!("/customer/menu/category/{}", empty["id"])).await.refused(404, "CATEGORY_NOT_FOUND");
}

/// The price of the store's first dish in an answer that must not be older than `menu_version`.
async fn price_at(tablet: &ApiClient, menu_version: &Value) -> Value {
    let menu = tablet.get(&format!("/customer/menu?menu_version={menu_version}")).await.ok();
    assert!(menu["menu_version"].as_i64() >= menu_version.as_i64(), "{menu_version}: {menu}");
    menu["menus"][0]["price"].clone()
}

#[tokio::test]
async fn who_is_told_of_a_menu_version_reads_it_on_every_instance() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    // Two that are told at once, and one that has to poll.
    let others = join_all(
        [true, true, false]
            .map(|wake_ups| TestApp::start_on(app.options.clone(), move |config| config.events.wake_ups = wake_ups)),
    );
    let others = others.await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let elsewhere: Vec<_> = others.iter().map(|other| other.anonymous().with_token(tablet.token())).collect();
    join_all(elsewhere.iter().map(|tablet| takes_no_query(|| tablet.request(Method::GET, "/customer/menu")))).await;
    let mut screen = tablet.stream("/customer/orders/stream", None).await.connected().await;
    for round in 1..=30 {
        set_price(&admin, &store, round).await;
        let told = screen.next().await;
        assert_eq!(told.name, "menu_changed");
        let version = &told.data["menu_version"];
        assert_eq!(join_all(elsewhere.iter().map(|tablet| price_at(tablet, version))).await, [round, round, round]);
    }
}

#[tokio::test]
async fn every_menu_read_takes_the_version_that_it_must_not_be_older_than() {
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
    // Before `If-None-Match`: the copy that the client has is of an older menu.
    set_price(&admin, &store, 8).await;
    let path = format!("/customer/menu?menu_version={}", version + 3);
    let read = answer(elsewhere.request(Method::GET, &path).header("If-None-Match", &menu.headers["etag"])).await;
    assert_eq!(read.ok()["menus"][0]["price"], 8);
    // A version that does not exist is one look at the database, and the current menu.
    let (read, queries) = counted(elsewhere.request(Method::GET, "/customer/menu?menu_version=1000000")).await;
    assert_eq!((read.ok()["menus"][0]["price"].clone(), queries), (json!(8), 1));
    elsewhere.get("/customer/menu?menu_version=new").await.refused(400, "MALFORMED_REQUEST");
    // The other store's menu has a version of its own.
    let others = second.anonymous().with_token(other.tablet(1).await.token());
    assert_eq!(others.get("/customer/menu?menu_version=9").await.ok()["menu_version"], 1);
}

#[tokio::test]
async fn a_stream_begins_with_the_menu_version_and_nothing_older_is_read_after_it() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = false).await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let elsewhere = second.anonymous().with_token(tablet.token());
    for round in 1..=10 {
        price(&elsewhere).await;
        set_price(&admin, &store, round).await;
        // The second is a cursor that cannot be replayed.
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
async fn a_change_waits_for_no_other_instance() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    // A listener of an instance that does not react.
    let mute = app.options.clone().application_name(tableorder::cluster::LISTENER_NAME);
    let _mute = PgConnection::connect_with(&mute).await.unwrap();
    let changes = async {
        for price in 1..=10 {
            set_price(&admin, &store, price).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), changes).await.expect("no change should wait");
}

#[tokio::test]
async fn an_instance_that_stops_or_starts_serves_no_menu_older_than_two_seconds() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    let id = app.store_id("demo").await;
    for price in 1..=5 {
        let other = TestApp::start_on(app.options.clone(), |_| {}).await;
        let menus = menus_of(&other);
        let current = async || menus.current(id).await.unwrap().items[0].details.price.get();
        current().await;
        // It has only just started, and neither listens nor polls any more, while requests are under way still.
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
async fn without_wake_ups_a_change_is_read_on_another_instance_within_a_second() {
    let app = TestApp::start_with(|config| config.events.wake_ups = false).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = false).await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let elsewhere = second.anonymous().with_token(tablet.token());
    takes_no_query(|| elsewhere.request(Method::GET, "/customer/menu")).await;
    for round in 1..=5 {
        set_price(&admin, &store, round).await;
        let took = seen_after(&elsewhere, round).await;
        // The poll comes once a second; the other half is for a machine that is busy.
        assert!(took < Duration::from_millis(1_500), "{took:?}");
    }
}

#[tokio::test]
async fn while_listeners_are_cut_off_no_menu_is_older_than_two_seconds() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |_| {}).await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let elsewhere = second.anonymous().with_token(tablet.token());
    takes_no_query(|| elsewhere.request(Method::GET, "/customer/menu")).await;
    let cut = async || {
        let mut connection = app.connection().await;
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = $1";
        let cut: i64 =
            sqlx::query_scalar(sql).bind(tableorder::cluster::LISTENER_NAME).fetch_one(&mut connection).await.unwrap();
        cut
    };
    let mut were_cut = 0;
    for price in 1..=10 {
        were_cut += cut().await;
        set_price(&admin, &store, price).await;
        let version = tablet.get("/customer/menu").await.ok()["menu_version"].clone();
        if price % 2 == 0 {
            assert_eq!(price_at(&elsewhere, &version).await, price);
        }
        let took = seen_after(&elsewhere, price).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
        sleep(Duration::from_millis(u64::try_from(price).unwrap() * 60)).await;
    }
    assert!(were_cut >= 4, "the listeners come back and are cut again");
    // When they are left alone, the memory is trusted again.
    takes_no_query(|| elsewhere.request(Method::GET, "/customer/menu")).await;
}

#[tokio::test]
async fn a_snapshot_has_the_version_it_states_or_the_newer_one_asked_for() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    // Instances whose hubs nobody wakes: what is committed here they do not hear of for a second.
    let second = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = false).await;
    let menus = menus_of(&second);
    let admin = store.admin().await;
    let id = app.store_id("demo").await;
    let start = menus.current(id).await.unwrap();
    assert_eq!((start.version, start.items.len()), (1, 3), "sold-out ones too");
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
    let remembering = async {
        while menus.current(id).await.unwrap().version < 60 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::join!(changing, reading, remembering);

    for price in 61..=65 {
        set_price(&admin, &store, price).await;
        let newer = menus.at_least(id, price).await.unwrap();
        assert_eq!((newer.version, newer.items[0].details.price.get()), (price, price));
        assert_eq!(menus.current(id).await.unwrap().version, price, "from here on for every caller");
    }
    let etag = async |store: &TestStore| store.tablet(1).await.get("/customer/menu").await.headers["etag"].clone();
    assert_eq!(etag(&store).await, etag(&store.on(&second)).await, "the same on every instance");
}
