//! Limits on the number and the age of devices.

use futures_util::future::join_all;
use serde_json::json;
use tableorder::clock::Clock;
use tableorder::security::access::TokenChecker;
use tableorder::services::DeviceService;

use super::{MENU, Tablet, audited, config, is_aborted, listed, renew};
use crate::support::TestApp;

/// The number of devices of all stores, revoked ones included.
async fn rows(app: &TestApp) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM devices").fetch_one(&mut app.connection().await).await.unwrap()
}

fn service_at(app: &TestApp, moment: &'static str) -> DeviceService {
    let access = TokenChecker::new(app.database.clone(), app.cluster.clone(), app.hub.clone());
    let clock = Clock::from_fn(move || moment.parse().unwrap());
    DeviceService::new(app.database.clone(), access, clock, config().devices)
}

#[tokio::test]
async fn beyond_the_cap_the_least_recently_seen_device_is_unpaired() {
    let app = TestApp::start_with(|config| config.devices.per_table = 3).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let admin = store.admin().await;
    app.set_time("2026-11-20T03:00:00Z");
    let (neighbour, stranger) = (Tablet::pair(&store, 2).await, Tablet::pair(&other, 1).await);
    let mut tablets = Vec::new();
    for minute in 1..=3 {
        app.set_time(&format!("2026-11-20T03:0{minute}:00Z"));
        tablets.push(Tablet::pair(&store, 1).await);
    }
    app.set_time("2026-11-20T03:04:00Z");
    tablets[0].renewed().await;
    let stream = tablets[1].stream().await;
    app.set_time("2026-11-20T03:05:00Z");
    let fourth = Tablet::pair(&store, 1).await;

    assert!(!tablets[1].can_read_menu().await, "an unpaired device should lose access at once");
    assert!(is_aborted(stream).await);
    renew(&tablets[1].client).await.refused(401, "TOKEN_EXPIRED");
    for tablet in [&tablets[0], &tablets[2], &fourth, &neighbour, &stranger] {
        assert!(tablet.can_read_menu().await);
    }
    let expected = [fourth.device, tablets[0].device, tablets[2].device, neighbour.device];
    assert_eq!(listed(&admin).await, expected);
    let login = &audited(&admin, "table.login").await[0];
    let unpaired = json!({"device_id": fourth.device, "unpaired_device_ids": [tablets[1].device]});
    assert_eq!((&login["after"], &login["subject_id"]), (&unpaired, &json!(store.tables[0])));
}

#[tokio::test]
async fn a_tablet_with_an_open_stream_counts_as_seen() {
    let app = TestApp::start_with(|config| config.devices.per_table = 2).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    app.set_time("2026-11-20T03:00:00Z");
    let connected = [Tablet::pair(&store, 1).await, Tablet::pair(&other, 1).await];
    let streams = join_all(connected.iter().map(Tablet::stream)).await;
    app.set_time("2026-11-20T04:00:00Z");
    let used_once = [Tablet::pair(&store, 1).await, Tablet::pair(&other, 1).await];
    let now = "2026-11-20T05:00:00Z";
    app.set_time(now);
    service_at(&app, now).mark_connected(&app.hub).await;
    let newest = [Tablet::pair(&store, 1).await, Tablet::pair(&other, 1).await];

    for (index, admin) in [store.admin().await, other.admin().await].iter().enumerate() {
        assert_eq!(listed(admin).await, [newest[index].device, connected[index].device]);
        assert!(connected[index].can_read_menu().await);
        assert!(!used_once[index].can_read_menu().await);
    }
    drop(streams);
}

#[tokio::test]
async fn many_logins_do_not_unpair_a_tablet_in_use() {
    let app = TestApp::start_with(|config| config.devices.per_table = 3).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    app.set_time("2026-11-20T03:00:00Z");
    let in_use = [Tablet::pair(&store, 1).await, Tablet::pair(&other, 1).await];
    let streams = join_all(in_use.iter().map(Tablet::stream)).await;
    let now = "2026-11-20T04:00:00Z";
    app.set_time(now);
    service_at(&app, now).mark_connected(&app.hub).await;
    app.set_time("2026-11-20T04:09:00Z");
    for _ in 0..5 {
        Tablet::pair(&store, 1).await;
    }
    assert!(in_use[0].can_read_menu().await, "its stream was last recorded before the logins");
    assert!(in_use[1].can_read_menu().await);
    assert_eq!(listed(&store.admin().await).await.len(), 3);
    drop(streams);
}

#[tokio::test]
async fn a_login_stays_paired_after_the_clock_went_back() {
    let app = TestApp::start_with(|config| config.devices.per_table = 1).await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let before = Tablet::pair(&store, 1).await;
    app.set_time("2026-11-20T02:30:00Z");
    let tablet = Tablet::pair(&store, 1).await;
    assert!(tablet.can_read_menu().await);
    assert!(!before.can_read_menu().await);
}

#[tokio::test]
async fn unpairing_a_device_without_valid_tokens_revokes_nothing() {
    let app = TestApp::start_with(|config| config.devices.per_table = 1).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let id = app.store_id("demo").await;
    app.set_time("2026-11-20T03:00:00Z");
    Tablet::pair(&store, 1).await;
    let version = async || app.cluster.versions(id).await.unwrap().access;
    let before = version().await;
    app.set_time("2026-11-21T03:00:00Z");
    let next = Tablet::pair(&store, 1).await;
    assert_eq!(listed(&store.admin().await).await, [next.device]);
    assert_eq!(version().await, before, "no cached token check should be invalidated");
    Tablet::pair(&store, 1).await;
    assert_eq!(version().await, before + 1);
}

#[tokio::test]
async fn concurrent_logins_pair_no_more_devices_than_the_cap() {
    let app = TestApp::start_with(|config| config.devices.per_table = 3).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let elsewhere = store.on(&TestApp::start_on(app.options.clone(), |config| config.devices.per_table = 3).await);
    let logins = join_all((0..20).map(|n| if n % 2 == 0 { store.tablet(1) } else { elsewhere.tablet(1) })).await;
    assert_eq!(listed(&store.admin().await).await.len(), 3);
    let mut valid = 0;
    for client in logins {
        let there = app.anonymous().with_token(client.token());
        valid += usize::from(there.get(MENU).await.status == 200);
    }
    assert_eq!(valid, 3);
}

#[tokio::test]
async fn revoked_devices_are_bounded_and_displace_no_paired_device() {
    let app = TestApp::start_with(|config| config.devices.per_table = 2).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    let kept = Tablet::pair(&store, 1).await;
    for _ in 0..4 {
        let next = Tablet::pair(&store, 1).await;
        admin.delete(&next.path()).await.ok();
    }
    Tablet::pair(&store, 1).await;
    assert!(kept.can_read_menu().await);
    assert_eq!(rows(&app).await, 4, "two paired and two revoked");
}

#[tokio::test]
async fn old_pairings_are_deleted_once_their_last_token_expired() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    app.set_time("2026-08-01T03:00:00Z");
    let tablet = Tablet::pair(&store, 1).await;
    Tablet::pair(&other, 1).await;
    app.set_time("2026-10-30T03:00:00Z");
    tablet.renewed().await;
    Tablet::pair(&store, 1).await;
    let prune_at = async |moment: &'static str| service_at(&app, moment).prune().await.unwrap();
    assert_eq!(prune_at("2026-10-30T03:00:00Z").await, 0);
    assert_eq!(prune_at("2026-10-30T03:00:01Z").await, 1, "the other store's device, whose token expired long ago");
    assert_eq!(prune_at("2026-10-31T02:59:59Z").await, 0);
    assert_eq!(prune_at("2026-10-31T03:00:00Z").await, 1);
    renew(&tablet.client).await.refused(401, "TOKEN_EXPIRED");
    assert_eq!(rows(&app).await, 1);
}
