//! Revocation: staff end the access of a lost tablet.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;

use super::{MENU, Tablet, audited, is_aborted, listed, renew, without_device};
use crate::support::{TestApp, answer};

#[tokio::test]
async fn only_the_revoked_device_is_refused() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    app.set_time("2026-11-20T03:00:00Z");
    let admin = store.admin().await;
    let lost = Tablet::pair(&store, 1).await;
    let others = [Tablet::pair(&store, 1).await, Tablet::pair(&store, 2).await, Tablet::pair(&other, 1).await];
    let lost_renewed = lost.renewed().await;

    assert!(admin.delete(&lost.path()).await.ok()["message"].is_string());
    for token in [&lost, &lost_renewed] {
        assert!(!token.can_read_menu().await);
        token.client.order(&store.menus[..1]).await.refused(401, "INVALID_TOKEN");
        token.client.get("/customer/auth/session/check").await.refused(401, "INVALID_TOKEN");
        let request = token.client.request(Method::GET, "/customer/orders/stream");
        answer(request).await.refused(401, "INVALID_TOKEN");
        renew(&token.client).await.refused(409, "DEVICE_REVOKED");
    }
    for tablet in &others {
        assert!(tablet.can_read_menu().await);
        tablet.renewed().await;
    }
    assert_eq!(listed(&admin).await.len(), 2);
    app.set_time("2026-11-22T03:00:00Z");
    lost.client.get(MENU).await.refused(401, "TOKEN_EXPIRED");
    renew(&lost.client).await.refused(409, "DEVICE_REVOKED");
    // After a login with the password, the tablet is a new device.
    assert!(Tablet::pair(&store, 1).await.can_read_menu().await);
}

#[tokio::test]
async fn a_device_is_revoked_once_and_only_by_its_own_store() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, stranger) = (store.admin().await, other.admin().await);
    let tablet = Tablet::pair(&store, 1).await;
    stranger.delete(&tablet.path()).await.refused(404, "DEVICE_NOT_FOUND");
    assert!(tablet.can_read_menu().await);
    admin.delete(&tablet.path()).await.ok();
    admin.delete(&tablet.path()).await.refused(404, "DEVICE_NOT_FOUND");
    admin.delete("/admin/devices/x").await.refused(400, "MALFORMED_REQUEST");
    assert_eq!(audited(&admin, "device.revoked").await.len(), 1);
}

#[tokio::test]
async fn revoking_a_device_ends_the_old_token_it_was_paired_for() {
    let app = TestApp::start_with(|config| config.devices.per_table = 1).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    let (old, another) = (without_device(&store.tablet(1).await), without_device(&store.tablet(2).await));
    let device = renew(&old).await.ok()["device_id"].clone();
    renew(&another).await.ok();
    admin.delete(&format!("/admin/devices/{device}")).await.ok();
    // Also after other devices of the table were paired and revoked.
    for _ in 0..3 {
        let next = Tablet::pair(&store, 1).await;
        admin.delete(&next.path()).await.ok();
        old.get(MENU).await.refused(401, "INVALID_TOKEN");
        renew(&old).await.refused(409, "DEVICE_REVOKED");
    }
    another.get(MENU).await.ok();
}

#[tokio::test]
async fn streams_of_a_revoked_device_end_on_every_instance() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let second = TestApp::start_on(app.options.clone(), |_| {}).await;
    let (lost, kept) = (Tablet::pair(&store, 1).await, Tablet::pair(&store, 1).await);
    let stranger = Tablet::pair(&other, 1).await;
    let there = |tablet: &Tablet| Tablet {
        client: second.anonymous().with_token(tablet.client.token()),
        device: tablet.device,
    };
    let ended = [lost.stream().await, there(&lost).stream().await];
    let mut open = [kept.stream().await, there(&kept).stream().await, stranger.stream().await];
    store.admin().await.delete(&lost.path()).await.ok();
    for stream in ended {
        assert!(is_aborted(stream).await);
    }
    assert!(!there(&lost).can_read_menu().await);
    for stream in &mut open {
        stream.expect_no_event().await;
    }
    kept.client.order(&store.menus[..1]).await.ok();
    for stream in &mut open[..2] {
        assert_eq!(stream.next().await.name, "new_order");
    }
}

#[tokio::test]
async fn a_revocation_is_audited_with_before_and_after() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let (admin, tablet) = (store.admin().await, Tablet::pair(&store, 2).await);
    app.set_time("2026-11-20T04:00:00Z");
    admin.delete(&tablet.path()).await.ok();
    let entry = &audited(&admin, "device.revoked").await[0];
    let before = json!({
        "table_id": store.tables[1],
        "table_number": 2,
        "paired_at": "2026-11-20T03:00:00Z",
        "last_seen_at": "2026-11-20T03:00:00Z",
    });
    assert_eq!((&entry["before"], &entry["after"]), (&before, &json!({"revoked_at": "2026-11-20T04:00:00Z"})));
    assert_eq!((&entry["subject_id"], &entry["actor"]["name"]), (&json!(tablet.device), &json!("admin")));
}

/// A tablet renews its token and uses the new one while its device is revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_renewed_token_is_valid_after_a_concurrent_revocation() {
    const ROUNDS: usize = 60;
    let app = TestApp::start_with(|config| config.login.successes_per_account = 1_000).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let second = TestApp::start_on(app.options.clone(), |_| {}).await;
    let (admin, neighbour) = (store.admin().await, Tablet::pair(&store, 2).await);
    let (mut renewed, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let body = json!({"store_id": "demo", "table_number": 1, "password": "1234"});
        let login = app.anonymous().post("/customer/auth/login", &body).await.ok();
        let tablet = Tablet::from_login(&app.anonymous(), &login);
        // Renew alternately on the revoking instance and on another one. The delay of the revocation varies.
        let client =
            if round % 2 == 0 { tablet.client.clone() } else { second.anonymous().with_token(tablet.client.token()) };
        let delay = Duration::from_micros(u64::try_from(round).unwrap() % 12 * 300);
        let renewing = tokio::spawn(async move {
            let login = renew(&client).await;
            if login.status != 200 {
                login.refused(409, "DEVICE_REVOKED");
                return None;
            }
            let token = login.ok()["token"].as_str().unwrap().to_owned();
            // Used at once, so that a positive token check may be cached during the revocation.
            client.with_token(&token).get(MENU).await;
            Some(token)
        });
        let revoking = tokio::spawn({
            let (admin, path) = (admin.clone(), tablet.path());
            async move {
                sleep(delay).await;
                admin.delete(&path).await.ok()
            }
        });
        let (token, revoked) = tokio::join!(renewing, revoking);
        revoked.unwrap();
        match token.unwrap() {
            Some(token) => {
                renewed += 1;
                let new = Tablet { client: tablet.client.with_token(&token), ..tablet };
                assert!(!new.can_read_menu().await, "round {round}");
                renew(&new.client).await.refused(409, "DEVICE_REVOKED");
            }
            None => refused += 1,
        }
        assert!(neighbour.can_read_menu().await);
    }
    assert!(renewed > 0 && refused > 0, "the race should go both ways: {renewed} renewed, {refused} refused");
}
