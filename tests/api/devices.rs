//! Devices, the paired tablets: how their tokens are renewed, listed and revoked.

mod bounds;
mod renewal;
mod revocation;

use std::time::Duration;

use serde_json::{Value, json};
use tableorder::config::{Config, DeviceConfig};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Answer, ApiClient, EventReader, TestApp, TestStore};
use crate::tokens::with_claims;

const MENU: &str = "/customer/menu";

/// The time within which the streams of a revoked device end.
const ABORT_DEADLINE: Duration = Duration::from_secs(5);

/// A tablet and its device.
struct Tablet {
    client: ApiClient,
    device: i64,
}

impl Tablet {
    /// Logs in at table `number`, which pairs a device.
    async fn pair(store: &TestStore, number: i32) -> Self {
        let client = store.tablet(number).await;
        let devices = store.admin().await.get("/admin/devices").await.ok();
        let ids = devices["devices"].as_array().unwrap().iter().map(|device| device["id"].as_i64().unwrap());
        Self { client, device: ids.max().unwrap() }
    }

    /// The tablet with a renewed token.
    async fn renewed(&self) -> Self {
        let login = renew(&self.client).await.ok();
        Self::from_login(&self.client, &login)
    }

    fn from_login(client: &ApiClient, login: &Value) -> Self {
        let client = client.with_token(login["token"].as_str().unwrap());
        Self { client, device: login["device_id"].as_i64().unwrap() }
    }

    fn path(&self) -> String {
        format!("/admin/devices/{}", self.device)
    }

    async fn can_read_menu(&self) -> bool {
        let answer = self.client.get(MENU).await;
        if answer.status != 200 {
            answer.refused(401, "INVALID_TOKEN");
            return false;
        }
        true
    }

    async fn stream(&self) -> EventReader {
        self.client.stream("/customer/orders/stream", None).await.connected().await
    }
}

async fn renew(client: &ApiClient) -> Answer {
    client.post("/customer/auth/session", &json!({})).await
}

/// A token without a device, as issued by releases before devices.
fn without_device(tablet: &ApiClient) -> ApiClient {
    tablet.with_token(&with_claims(tablet.token(), |claims| {
        claims.as_object_mut().unwrap().remove("device").expect("a token should contain its device");
    }))
}

async fn listed(admin: &ApiClient) -> Vec<i64> {
    let list = admin.get("/admin/devices?limit=200").await.ok();
    list["devices"].as_array().unwrap().iter().map(|device| device["id"].as_i64().unwrap()).collect()
}

async fn audited(admin: &ApiClient, action: &str) -> Vec<Value> {
    let log = admin.get(&format!("/admin/audit?action={action}")).await.ok();
    log["entries"].as_array().unwrap().clone()
}

async fn is_aborted(stream: EventReader) -> bool {
    timeout(ABORT_DEADLINE, stream.end()).await.expect("the stream should end within five seconds").is_err()
}

#[tokio::test]
async fn a_login_pairs_a_device_that_its_store_lists() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    app.set_time("2026-11-20T03:00:00Z");
    let body = json!({"store_id": "demo", "table_number": 2, "password": "1234"});
    let login = app.anonymous().post("/customer/auth/login", &body).await.ok();
    other.tablet(1).await;
    let expected = json!({
        "devices": [{
            "id": login["device_id"],
            "table_id": store.tables[1],
            "table_number": 2,
            "paired_at": "2026-11-20T03:00:00Z",
            "last_seen_at": "2026-11-20T03:00:00Z",
        }],
        "next_cursor": null,
    });
    assert_eq!(store.admin().await.get("/admin/devices").await.ok(), expected);
}

#[tokio::test]
async fn a_failed_login_pairs_no_device() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let body = json!({"store_id": "demo", "table_number": 2, "password": "wrong"});
    app.anonymous().post("/customer/auth/login", &body).await.refused(401, "AUTH_FAILED");
    assert_eq!(listed(&store.admin().await).await, [0; 0]);
}

#[tokio::test]
async fn a_stream_updates_last_seen_every_ten_minutes() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let (admin, tablet) = (store.admin().await, Tablet::pair(&store, 1).await);
    let seen = async || admin.get("/admin/devices").await.ok()["devices"][0]["last_seen_at"].clone();
    app.set_time("2026-11-20T03:09:59Z");
    tablet.stream().await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(seen().await, "2026-11-20T03:00:00Z");
    app.set_time("2026-11-20T03:10:00Z");
    tablet.stream().await;
    let opened = Instant::now();
    while seen().await != "2026-11-20T03:10:00Z" {
        assert!(opened.elapsed() < Duration::from_secs(5));
        sleep(Duration::from_millis(10)).await;
    }
}

fn config() -> Config {
    Config::read(|_| None).unwrap()
}

#[tokio::test]
async fn devices_are_paged_by_last_seen_newest_first() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let admin = store.admin().await;
    app.set_time("2026-11-20T03:00:00Z");
    let mut expected = Vec::new();
    for number in [1, 2, 3, 1] {
        // Two devices have the same time.
        app.set_time(if expected.len() < 2 { "2026-11-20T03:00:00.123456Z" } else { "2026-11-20T03:01:00Z" });
        expected.insert(0, Tablet::pair(&store, number).await.device);
        Tablet::pair(&other, number).await;
    }
    let mut paged = Vec::new();
    let mut path = "/admin/devices?limit=1".to_owned();
    loop {
        let page = admin.get(&path).await.ok();
        paged.extend(page["devices"].as_array().unwrap().iter().map(|device| device["id"].as_i64().unwrap()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/admin/devices?limit=1&cursor={next}");
    }
    assert_eq!(paged, expected);
    for bad in ["limit=0", "limit=201", "cursor=x", "cursor=1", "cursor=99999999999999999999-1", "cursor=1-x"] {
        admin.get(&format!("/admin/devices?{bad}")).await.refused(400, "MALFORMED_REQUEST");
    }
}

#[tokio::test]
async fn the_settings_of_devices_have_their_defaults() {
    let DeviceConfig { pairing_lifetime, per_table, renewals_per_minute } = config().devices;
    assert_eq!((pairing_lifetime, per_table), (Duration::from_hours(24 * 90), 50));
    assert_eq!(renewals_per_minute.get(), 300);
}

#[tokio::test]
async fn an_order_names_the_device_that_placed_it() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    other.tablet(1).await.order(&other.menus[..1]).await.ok();
    let admin = store.admin().await;
    let tablets = [Tablet::pair(&store, 1).await, Tablet::pair(&store, 1).await];
    for tablet in &tablets {
        let placed = json!({"kind": "device", "device_id": tablet.device});
        let order = tablet.client.order(&store.menus[..1]).await.ok();
        assert_eq!(order["placed_by"], placed);
        assert_eq!(tablet.client.get("/customer/orders").await.ok()["orders"][0]["placed_by"], placed);
        assert_eq!(admin.get(&format!("/admin/orders/{}", order["id"])).await.ok(), order);
        let dashboard = admin.get("/admin/tables/dashboard").await.ok();
        assert_eq!(dashboard["tables"][0]["latest_orders"][0]["placed_by"], placed);
    }
    let old = without_device(&tablets[0].client).order(&store.menus[..1]).await.ok();
    assert_eq!(old["placed_by"], Value::Null);
}
