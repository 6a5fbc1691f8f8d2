//! Renewal: new tokens for paired tablets, without the password.

use std::num::NonZero;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{MENU, Tablet, audited, listed, renew, without_device};
use crate::support::{TestApp, answer};
use crate::tokens::with_claims;

#[tokio::test]
async fn an_expired_token_of_a_paired_device_is_renewed() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let tablet = Tablet::pair(&store, 1).await;
    app.set_time("2026-11-28T03:00:00Z");
    tablet.client.get(MENU).await.refused(401, "TOKEN_EXPIRED");
    let login = renew(&tablet.client).await.ok();
    assert_eq!((&login["device_id"], &login["expires_at"]), (&json!(tablet.device), &json!("2026-11-29T03:00:00Z")));
    let renewed = Tablet::from_login(&tablet.client, &login);
    assert!(renewed.can_read_menu().await);
    tablet.client.get(MENU).await.refused(401, "TOKEN_EXPIRED");
    let devices = store.admin().await.get("/admin/devices").await.ok();
    assert_eq!(devices["devices"][0]["last_seen_at"], "2026-11-28T03:00:00Z");
    assert_eq!(devices["devices"][0]["paired_at"], "2026-11-20T03:00:00Z");
}

#[tokio::test]
async fn a_token_is_renewed_while_its_session_runs() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = Tablet::pair(&store, 1).await;
    let order = tablet.client.order(&store.menus[..1]).await.ok();
    let renewed = tablet.renewed().await;
    assert_eq!(renewed.device, tablet.device);
    let second = renewed.client.order(&store.menus[..1]).await.ok();
    assert_eq!(second["session_id"], order["session_id"]);
    assert!(tablet.can_read_menu().await, "the previous token should be valid until it expires");
}

#[tokio::test]
async fn after_completion_a_renewed_token_belongs_to_the_next_session() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, Tablet::pair(&store, 1).await);
    let order = tablet.client.order(&store.menus[..1]).await.ok();
    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    tablet.client.order(&store.menus[..1]).await.refused(409, "SESSION_ENDED");
    let next = tablet.renewed().await.client.order(&store.menus[..1]).await.ok();
    assert_ne!(next["session_id"], order["session_id"]);
}

#[tokio::test]
async fn a_new_table_password_ends_the_pairings_of_the_table() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    app.set_time("2026-11-20T03:00:00Z");
    let admin = store.admin().await;
    let (tablet, neighbour) = (Tablet::pair(&store, 1).await, Tablet::pair(&store, 2).await);
    let stranger = Tablet::pair(&other, 1).await;
    let path = format!("/admin/tables/{}", store.tables[0]);
    admin.patch(&path, &json!({"password": "5678"})).await.ok();
    renew(&tablet.client).await.refused(401, "INVALID_TOKEN");
    neighbour.renewed().await;
    stranger.renewed().await;
    assert_eq!(listed(&admin).await, [neighbour.device]);
    admin.delete(&tablet.path()).await.refused(404, "DEVICE_NOT_FOUND");
    app.set_time("2026-11-22T03:00:00Z");
    renew(&tablet.client).await.refused(401, "INVALID_TOKEN");
}

#[tokio::test]
async fn a_token_of_a_deleted_table_is_not_renewed() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, Tablet::pair(&store, 1).await);
    admin.delete(&format!("/admin/tables/{}", store.tables[0])).await.ok();
    renew(&tablet.client).await.refused(401, "INVALID_TOKEN");
    assert_eq!(listed(&admin).await, [0; 0]);
}

#[tokio::test]
async fn an_old_pairing_needs_the_password() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-08-01T03:00:00Z");
    let tablet = Tablet::pair(&store, 1).await;
    // After exactly 90 days the pairing can still be renewed, and the token lives for a day.
    app.set_time("2026-10-30T03:00:00Z");
    let tablet = tablet.renewed().await;
    app.set_time("2026-10-30T03:00:01Z");
    renew(&tablet.client).await.refused(401, "TOKEN_EXPIRED");
    assert!(tablet.can_read_menu().await);
    assert_eq!(listed(&store.admin().await).await, [tablet.device]);
    app.set_time("2026-10-31T03:00:00Z");
    renew(&tablet.client).await.refused(401, "TOKEN_EXPIRED");
    let admin = store.admin().await;
    assert_eq!(listed(&admin).await, [0; 0]);
    assert_ne!(Tablet::pair(&store, 1).await.device, tablet.device);
}

#[tokio::test]
async fn only_the_renewal_accepts_an_expired_token() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let tablet = Tablet::pair(&store, 1).await;
    app.set_time("2026-11-22T03:00:00Z");
    let document = serde_json::to_value(tableorder::openapi()).unwrap();
    let mut refused = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let schemes = operation["security"].as_array().into_iter().flatten();
            if !schemes.into_iter().any(|scheme| scheme.get("table_token").is_some()) {
                continue;
            }
            let path = path.strip_prefix("/api/v1").unwrap().replace("{menu_id}", "1").replace("{category_id}", "1");
            assert!(!path.contains('{'), "{path}");
            let request = tablet.client.request(method.to_uppercase().parse().unwrap(), &path);
            let answer = answer(request.json(&json!({"items": [{"menu_id": store.menus[0], "quantity": 1}]}))).await;
            if operation["operationId"] == "customer_renew_session" {
                answer.ok();
            } else {
                answer.refused(401, "TOKEN_EXPIRED");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 8, "every other operation with a table token should refuse it");
}

#[tokio::test]
async fn a_renewal_checks_everything_but_the_expiry() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    app.set_time("2026-11-20T03:00:00Z");
    let (tablet, admin) = (Tablet::pair(&store, 1).await, store.admin().await);
    let (neighbour, stranger) = (Tablet::pair(&store, 2).await, Tablet::pair(&other, 1).await);
    app.set_time("2026-11-22T03:00:00Z");
    let with = |name: &str, value: Value| {
        tablet.client.with_token(&with_claims(tablet.client.token(), |claims| claims[name] = value))
    };
    let token = tablet.client.token();
    for bad in [
        with("iss", json!("elsewhere")),
        with("epoch", json!("0193475e-94a8-7d2c-9c57-0a6c1f3f7f10")),
        with("version", json!(2)),
        with("store", json!(1_000_000)),
        with("sub", json!(1_000_000)),
        tablet.client.with_token(&token[..token.len() - 1]),
        tablet.client.with_token(&format!("\"{token}\"")),
    ] {
        renew(&bad).await.refused(401, "INVALID_TOKEN");
    }
    for device in [neighbour.device, stranger.device, 1_000_000] {
        renew(&with("device", json!(device))).await.refused(401, "TOKEN_EXPIRED");
    }
    renew(&admin).await.refused(401, "INVALID_TOKEN_TYPE");
    renew(&app.anonymous()).await.refused(401, "UNAUTHORIZED");
    tablet.renewed().await;
}

#[tokio::test]
async fn a_token_without_a_device_is_paired_at_its_first_renewal() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    let old = without_device(&store.tablet(1).await);
    old.get(MENU).await.ok();
    let first = renew(&old).await.ok();
    let renewed = Tablet::from_login(&old, &first);
    assert!(renewed.can_read_menu().await);
    assert_eq!(listed(&admin).await.len(), 2, "the login's device and the new one");
    assert_eq!(renew(&old).await.ok()["device_id"], first["device_id"], "every renewal should return the same device");
    assert_eq!(listed(&admin).await[0], renewed.device);
}

#[tokio::test]
async fn concurrent_renewals_of_one_old_token_pair_one_device() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let elsewhere = TestApp::start_on(app.options.clone(), |_| {}).await;
    let admin = store.admin().await;
    let old = without_device(&store.tablet(1).await);
    let there = elsewhere.anonymous().with_token(old.token());
    let answers = join_all((0..30).map(|n| renew(if n % 2 == 0 { &old } else { &there }))).await;
    let mut devices: Vec<i64> = answers.into_iter().map(|login| login.ok()["device_id"].as_i64().unwrap()).collect();
    devices.dedup();
    assert_eq!(devices.len(), 1, "{devices:?}");
    assert_eq!(listed(&admin).await.len(), 2, "the login's device and the new one");
}

#[tokio::test]
async fn an_expired_token_without_a_device_needs_the_password() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let old = without_device(&store.tablet(1).await);
    renew(&old).await.ok();
    app.set_time("2026-11-21T03:00:00Z");
    renew(&old).await.refused(401, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn renewals_of_one_device_are_limited() {
    let app = TestApp::start_with(|config| config.devices.renewals_per_minute = NonZero::new(5).unwrap()).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (hostile, same_table) = (Tablet::pair(&store, 1).await, Tablet::pair(&store, 1).await);
    let (neighbour, stranger) = (Tablet::pair(&store, 2).await, Tablet::pair(&other, 1).await);
    let answers = join_all((0..20).map(|_| renew(&hostile.client))).await;
    let renewed = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((5..10).contains(&renewed), "{renewed} of 20 concurrent renewals");
    let refused = answers.into_iter().find(|answer| answer.status != 200).unwrap();
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    let error = refused.refused(429, "TOO_MANY_REQUESTS");
    assert_eq!((&error["limit"], &error["maximum"]), (&json!("device_renewals_per_minute"), &json!(5)));
    assert!(hostile.can_read_menu().await);
    for tablet in [&same_table, &neighbour, &stranger] {
        tablet.renewed().await;
    }
}

#[tokio::test]
async fn a_renewal_is_audited_once_a_day() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let (tablet, second) = (Tablet::pair(&store, 1).await, Tablet::pair(&store, 1).await);
    for moment in ["2026-11-20T04:00:00Z", "2026-11-20T12:00:00Z", "2026-11-21T03:59:59Z"] {
        app.set_time(moment);
        tablet.renewed().await;
    }
    second.renewed().await;
    assert_eq!(audited(&store.admin().await, "device.renewed").await.len(), 2, "one entry per device");
    app.set_time("2026-11-21T04:00:00Z");
    join_all((0..10).map(|_| tablet.renewed())).await;
    let entries = audited(&store.admin().await, "device.renewed").await;
    assert_eq!(entries.len(), 3);
    let entry = &entries[0];
    assert_eq!((&entry["subject_id"], &entry["at"]), (&json!(tablet.device), &json!("2026-11-21T04:00:00Z")));
    let actor = json!({"kind": "table", "id": store.tables[0], "name": "1", "address": "127.0.0.1"});
    assert_eq!(entry["actor"], actor);
}
