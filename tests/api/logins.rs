//! Logins, logouts, and the access that tokens give.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::support::{TestApp, answer};

#[tokio::test]
async fn a_tablet_and_a_user_log_in() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let body = json!({"store_id": "demo", "table_number": 2, "password": "1234"});
    let first = app.anonymous().post("/customer/auth/login", &body).await.ok();
    assert_eq!((&first["store_id"], &first["table_number"]), (&json!("demo"), &json!(2)));
    assert_eq!((&first["table_id"], &first["token_type"]), (&json!(store.tables[1]), &json!("bearer")));
    assert_eq!(first["expires_at"], "2026-11-21T03:00:00Z");
    assert_eq!(first["store_name"], "demo의 식당");
    let again = app.anonymous().post("/customer/auth/login", &body).await.ok();
    assert_eq!(again["session_id"], first["session_id"]);

    let body = json!({"store_id": "demo", "username": "admin", "password": "admin1234"});
    let staff = app.anonymous().with_token("stale").post("/admin/auth/login", &body).await.ok();
    assert_eq!(
        (&staff["store_id"], &staff["username"], &staff["role"]),
        (&json!("demo"), &json!("admin"), &json!("owner"))
    );
    assert_eq!(staff["expires_at"], "2026-11-20T19:00:00Z");
}

#[tokio::test]
async fn every_failed_login_gets_the_same_response() {
    let app = TestApp::start().await;
    app.store("demo").await;
    app.store("other").await;
    let anonymous = app.anonymous();
    let mut answers = Vec::new();
    for (store, table, password) in [
        ("demo", 2, "12345"),
        ("demo", 99, "1234"),
        ("nowhere", 2, "1234"),
        ("", 2, "1234"),
        ("demo", 2, ""),
        ("demo", -1, "1234"),
        ("demo", i64::MAX, "1234"),
        ("de\u{0}mo", 2, "1234"),
    ] {
        let body = json!({"store_id": store, "table_number": table, "password": password});
        answers.push(anonymous.post("/customer/auth/login", &body).await.refused(401, "AUTH_FAILED"));
    }
    for (store, username, password) in [
        ("demo", "admin", "admin12345"),
        ("demo", "root", "admin1234"),
        ("nowhere", "admin", "admin1234"),
        ("demo", "ad\u{0}min", "admin1234"),
    ] {
        let body = json!({"store_id": store, "username": username, "password": password});
        answers.push(anonymous.post("/admin/auth/login", &body).await.refused(401, "AUTH_FAILED"));
    }
    for answer in &mut answers {
        answer["request_id"] = json!(null);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");

    let body = json!({"store_id": "demo", "table_number": "2", "password": "1234"});
    let error = anonymous.post("/customer/auth/login", &body).await.refused(422, "VALIDATION_ERROR");
    assert_eq!(error["details"][0]["field"], "table_number");
}

#[tokio::test]
async fn a_token_is_accepted_only_unchanged_and_by_its_own_api() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    tablet.get("/admin/tables/dashboard").await.refused(401, "INVALID_TOKEN_TYPE");
    admin.get("/customer/menu").await.refused(401, "INVALID_TOKEN_TYPE");
    admin.get("/customer/orders/stream").await.refused(401, "INVALID_TOKEN_TYPE");
    app.anonymous().get("/customer/menu").await.refused(401, "UNAUTHORIZED");

    let token = tablet.token();
    let (body, signature) = token.rsplit_once('.').unwrap();
    for bad in [
        format!("\"{token}\""),
        format!("{token}x"),
        body.to_owned(),
        format!("{body}."),
        format!("{body}.{}", signature.chars().rev().collect::<String>()),
        "null".to_owned(),
        "x".repeat(100_000),
    ] {
        let answer = tablet.with_token(&bad).get("/customer/menu").await;
        assert!(matches!(answer.status.as_u16(), 401 | 431), "{bad}: {}", answer.body);
    }
    let basic =
        app.anonymous().request(Method::GET, "/customer/menu").header("Authorization", format!("Basic {token}"));
    answer(basic).await.refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_token_expires() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    app.set_time("2026-11-20T18:59:59Z");
    admin.get("/admin/tables/dashboard").await.ok();
    app.set_time("2026-11-20T19:00:00Z");
    admin.get("/admin/tables/dashboard").await.refused(401, "TOKEN_EXPIRED");
    tablet.get("/customer/menu").await.ok();
    app.set_time("2026-11-21T03:00:00Z");
    tablet.get("/customer/menu").await.refused(401, "TOKEN_EXPIRED");
    // A token stays valid when the clock goes back: its issue time is not checked.
    app.set_time("2026-11-20T02:00:00Z");
    tablet.get("/customer/menu").await.ok();
}

#[tokio::test]
async fn concurrent_first_logins_of_a_table_open_one_session() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let body = json!({"store_id": store.code, "table_number": 1, "password": "1234"});
    let anonymous = app.anonymous();
    let logins = futures_util::future::join_all((0..20).map(|_| anonymous.post("/customer/auth/login", &body))).await;
    let sessions: std::collections::HashSet<i64> =
        logins.into_iter().map(|login| login.ok()["session_id"].as_i64().unwrap()).collect();
    assert_eq!(sessions.len(), 1);
}

#[tokio::test]
async fn a_logout_ends_only_its_own_token_and_its_streams() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (mine, colleague) = (store.admin().await, store.admin().await);
    let elsewhere = TestApp::start_on(app.options.clone(), |_| {}).await;
    let mine_elsewhere = elsewhere.anonymous().with_token(mine.token());
    mine_elsewhere.get("/admin/auth/me").await.ok();
    let streams = [
        mine.stream("/admin/orders/stream", None).await.connected().await,
        mine_elsewhere.stream("/admin/orders/stream", None).await.connected().await,
    ];
    let mut colleagues = colleague.stream("/admin/orders/stream", None).await.connected().await;

    assert!(mine.post("/admin/auth/logout", &json!({})).await.ok()["message"].is_string());
    mine.get("/admin/auth/me").await.refused(401, "INVALID_TOKEN");
    for stream in streams {
        let end = tokio::time::timeout(Duration::from_secs(5), stream.end())
            .await
            .expect("the stream should end within five seconds");
        assert!(end.is_err(), "the stream should be aborted");
    }
    mine_elsewhere.get("/admin/auth/me").await.refused(401, "INVALID_TOKEN");
    colleague.get("/admin/auth/me").await.ok();
    colleagues.expect_no_event().await;
    other.admin().await.get("/admin/auth/me").await.ok();
}

#[tokio::test]
async fn a_password_change_ends_all_other_logins() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (mine, colleague) = (store.admin().await, store.admin().await);
    let change = async |current: &str, new: &str| {
        mine.post("/admin/auth/password", &json!({"current_password": current, "new_password": new})).await
    };
    let error = change("wrong", "admin5678").await.refused(422, "VALIDATION_ERROR");
    assert_eq!(error["details"][0]["field"], "current_password");
    let error = change("admin1234", "abc").await.refused(422, "VALIDATION_ERROR");
    assert_eq!(error["details"][0]["field"], "new_password");
    change("admin1234", "admin5678").await.ok();
    let me = mine.get("/admin/auth/me").await.ok();
    assert_eq!((&me["username"], &me["role"], &me["store_id"]), (&json!("admin"), &json!("owner"), &json!("demo")));
    colleague.get("/admin/auth/me").await.refused(401, "INVALID_TOKEN");
    change("admin5678", "admin9999").await.ok();
    mine.get("/admin/auth/me").await.ok();
    let login = |password: &str| json!({"store_id": "demo", "username": "admin", "password": password});
    app.anonymous().post("/admin/auth/login", &login("admin1234")).await.refused(401, "AUTH_FAILED");
    app.anonymous().post("/admin/auth/login", &login("admin9999")).await.ok();
    let others = json!({"store_id": "other", "username": "admin", "password": "admin1234"});
    app.anonymous().post("/admin/auth/login", &others).await.ok();
}
