//! Users, their roles, and the audit log.

use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::{Value, json};
use tableorder::models::AuditAction;

use crate::support::{ApiClient, TestApp, TestStore};

async fn staff_of(store: &TestStore, owner: &ApiClient) -> ApiClient {
    let account = json!({"username": "mina", "password": "mina1234", "role": "staff"});
    owner.post("/admin/users", &account).await.ok();
    store.login("mina", "mina1234").await
}

#[tokio::test]
async fn staff_run_the_tables_and_owners_run_the_store() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (owner, tablet) = (store.admin().await, store.tablet(1).await);
    let staff = staff_of(&store, &owner).await;
    let order = tablet.order(&store.menus[..1]).await.ok();
    let mistake = tablet.order(&store.menus[..1]).await.ok();

    for path in ["/admin/tables/dashboard", "/admin/orders", "/admin/menus", "/admin/categories", "/admin/auth/me"] {
        staff.get(path).await.ok();
    }
    let device = staff.get("/admin/devices").await.ok()["devices"][0]["id"].clone();
    staff.delete(&format!("/admin/devices/{device}")).await.ok();
    staff.stream("/admin/orders/stream", None).await.connected().await;
    staff.patch(&format!("/admin/orders/{}/status", order["id"]), &json!({"status": "preparing"})).await.ok();
    staff.delete(&format!("/admin/orders/{}", mistake["id"])).await.ok();
    staff.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    let item = format!("/admin/menus/{}", store.menus[0]);
    assert_eq!(staff.patch(&item, &json!({"is_available": false})).await.ok()["is_available"], false);

    let item_before = owner.get(&item).await.ok();
    for change in [json!({"price": 1}), json!({"is_available": true, "name": "x"}), json!({"description": null})] {
        staff.patch(&item, &change).await.refused(403, "FORBIDDEN");
    }
    assert_eq!(owner.get(&item).await.ok(), item_before);
    staff.delete(&item).await.refused(403, "FORBIDDEN");
    staff.post("/admin/categories", &json!({"name": "x"})).await.refused(403, "FORBIDDEN");
    staff.post("/admin/tables", &json!({"table_number": 9, "password": "1234"})).await.refused(403, "FORBIDDEN");
    let table = format!("/admin/tables/{}", store.tables[1]);
    staff.patch(&table, &json!({"password": "9999"})).await.refused(403, "FORBIDDEN");
    for path in ["/admin/users", "/admin/audit"] {
        staff.get(path).await.refused(403, "FORBIDDEN");
    }
    let account = json!({"username": "evil", "password": "evil1234", "role": "owner"});
    staff.post("/admin/users", &account).await.refused(403, "FORBIDDEN");
}

#[tokio::test]
async fn an_owner_manages_the_users_of_the_own_store() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (owner, stranger) = (store.admin().await, other.admin().await);
    let account = json!({"username": "mina", "password": "mina1234", "role": "staff"});
    let created = owner.post("/admin/users", &account).await;
    assert_eq!(created.status, 201);
    let location = created.headers["location"].to_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let mina = created.ok();
    assert_eq!((&mina["username"], &mina["role"]), (&json!("mina"), &json!("staff")));
    assert_eq!(owner.get(&location).await.ok(), mina);
    owner.post("/admin/users", &account).await.refused(409, "DUPLICATE");
    stranger.post("/admin/users", &account).await.ok();
    let names = |list: &Value| {
        let users = list["users"].as_array().unwrap().clone();
        users.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&owner.get("/admin/users").await.ok()), ["admin", "mina"]);
    assert!(!owner.get("/admin/users").await.ok().to_string().contains("argon2"));
    for bad in [
        json!({"username": "", "password": "1234", "role": "staff"}),
        json!({"username": "a\nb", "password": "1234", "role": "staff"}),
        json!({"username": "x", "password": "123", "role": "staff"}),
        json!({"username": "x", "password": "1234", "role": "king"}),
        json!({"username": "x", "password": "1234"}),
    ] {
        owner.post("/admin/users", &bad).await.refused(422, "VALIDATION_ERROR");
    }
    stranger.get(&location).await.refused(404, "USER_NOT_FOUND");
    stranger.patch(&location, &json!({"role": "owner"})).await.refused(404, "USER_NOT_FOUND");
    stranger.delete(&location).await.refused(404, "USER_NOT_FOUND");

    let staff = store.login("mina", "mina1234").await;
    let renamed = owner.patch(&location, &json!({"username": "minah", "role": "owner"})).await.ok();
    assert_eq!((&renamed["username"], &renamed["role"]), (&json!("minah"), &json!("owner")));
    // A change of the role applies at once, without a new login.
    staff.get("/admin/users").await.ok();
    owner.patch(&location, &json!({"username": "admin"})).await.refused(409, "DUPLICATE");
    owner.patch(&location, &json!({"password": "another1"})).await.ok();
    staff.get("/admin/auth/me").await.refused(401, "INVALID_TOKEN");
    let again = store.login("minah", "another1").await;
    let stream = again.stream("/admin/orders/stream", None).await.connected().await;
    owner.delete(&location).await.ok();
    again.get("/admin/auth/me").await.refused(401, "INVALID_TOKEN");
    let end = tokio::time::timeout(Duration::from_secs(5), stream.end())
        .await
        .expect("the stream should end within five seconds");
    assert!(end.is_err(), "the stream should be aborted");
    owner.delete(&location).await.refused(404, "USER_NOT_FOUND");
}

#[tokio::test]
async fn a_store_keeps_an_owner_even_when_two_remove_each_other() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let owner = store.admin().await;
    let me = format!("/admin/users/{}", owner.get("/admin/auth/me").await.ok()["id"]);
    owner.delete(&me).await.refused(409, "LAST_OWNER");
    // Changing one's own password requires the current password, which this endpoint does not ask for.
    let error = owner.patch(&me, &json!({"password": "taken over"})).await.refused(422, "VALIDATION_ERROR");
    assert_eq!(error["details"][0]["field"], "password");
    owner.patch(&me, &json!({"role": "staff"})).await.refused(409, "LAST_OWNER");
    for round in 0..10 {
        let account = json!({"username": format!("owner-{round}"), "password": "1234", "role": "owner"});
        let second = owner.post("/admin/users", &account).await.ok();
        let theirs = store.login(&format!("owner-{round}"), "1234").await;
        let path = format!("/admin/users/{}", second["id"]);
        let demote = json!({"role": "staff"});
        let (mine, yours) = join(owner.patch(&path, &demote), theirs.patch(&me, &demote)).await;
        let mut codes: Vec<_> = [&mine, &yours].map(|answer| answer.status.as_u16()).into();
        codes.sort_unstable();
        // One request wins. The other is refused: the user is the last owner, or no longer an owner.
        assert!(codes == [200, 409] || codes == [200, 403], "{codes:?}: {} {}", mine.body, yours.body);
        let last = if mine.status == 200 { &owner } else { &theirs };
        last.patch(&me, &json!({"role": "owner"})).await.ok();
        owner.delete(&path).await.ok();
    }
}

#[tokio::test]
async fn the_audit_log_records_who_changed_what() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (owner, tablet) = (store.admin().await, store.tablet(1).await);
    let staff = staff_of(&store, &owner).await;
    let order = tablet.order(&store.menus[..1]).await.ok();
    tablet.order(&store.menus[1..2]).await.ok();
    let item = format!("/admin/menus/{}", store.menus[0]);
    owner.patch(&item, &json!({"price": 9500})).await.ok();
    staff.delete(&format!("/admin/orders/{}?reason=mistake", order["id"])).await.ok();
    staff.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    owner.patch(&format!("/admin/tables/{}", store.tables[1]), &json!({"password": "open-sesame"})).await.ok();
    owner.delete(&format!("/admin/tables/{}", store.tables[2])).await.ok();
    owner.delete(&item).await.ok();
    // A refused change is not recorded; a failed login is.
    owner.delete(&item).await.refused(404, "MENU_NOT_FOUND");
    let wrong = json!({"store_id": "demo", "username": "mina", "password": "wrong"});
    app.anonymous().post("/admin/auth/login", &wrong).await.refused(401, "AUTH_FAILED");
    // It is recorded after the response.
    while owner.get("/admin/audit?action=user.login_failed").await.ok()["entries"] == json!([]) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let log = owner.get("/admin/audit").await.ok();
    let entries = log["entries"].as_array().unwrap();
    let recorded: Vec<String> = entries
        .iter()
        .rev()
        .map(|entry| format!("{} {}", entry["actor"]["name"].as_str().unwrap(), entry["action"].as_str().unwrap()))
        .collect();
    assert_eq!(
        recorded,
        [
            "admin user.login",
            "1 table.login",
            "admin user.created",
            "mina user.login",
            "admin menu.updated",
            "mina order.deleted",
            "mina session.completed",
            "admin table.updated",
            "admin table.deleted",
            "admin menu.deleted",
            "mina user.login_failed",
        ]
    );
    let of = |action: &str| entries.iter().find(|entry| entry["action"] == action).unwrap().clone();
    let change = of("menu.updated");
    assert_eq!((&change["before"]["price"], &change["after"]["price"]), (&json!(9000), &json!(9500)));
    assert_eq!(change["actor"]["address"], "127.0.0.1");
    assert_eq!(change["subject_id"], json!(store.menus[0]));
    let deletion = of("order.deleted");
    assert_eq!((&deletion["before"]["total_amount"], &deletion["after"]["reason"]), (&json!(9000), &json!("mistake")));
    assert_eq!(of("session.completed")["after"]["total_amount"], 2000);
    assert!(
        !log.to_string().contains("open-sesame") && !log.to_string().contains("argon2"),
        "the log should contain no password"
    );

    let mut paged = Vec::new();
    let mut path = "/admin/audit?limit=4".to_owned();
    loop {
        let page = owner.get(&path).await.ok();
        paged.extend(page["entries"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/admin/audit?limit=4&cursor={next}");
    }
    assert_eq!(&paged, entries);
    let logins = owner.get("/admin/audit?action=user.login").await.ok();
    assert_eq!(logins["entries"].as_array().unwrap().len(), 2);
    for bad in ["limit=0", "limit=201", "cursor=xyz", "action=everything"] {
        owner.get(&format!("/admin/audit?{bad}")).await.refused(400, "MALFORMED_REQUEST");
    }
    let theirs = other.admin().await.get("/admin/audit").await.ok();
    assert_eq!(theirs["entries"].as_array().unwrap().len(), 1, "the other store sees only its own login");
}

#[tokio::test]
async fn every_audited_action_appears_in_the_audit_log() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (owner, tablet) = (store.admin().await, store.tablet(1).await);
    let made = async |path: &str, body: Value| format!("{path}/{}", owner.post(path, &body).await.ok()["id"]);
    let user = made("/admin/users", json!({"username": "mina", "password": "mina1234", "role": "staff"})).await;
    let mina = store.login("mina", "mina1234").await;
    mina.post("/admin/auth/password", &json!({"current_password": "mina1234", "new_password": "1234"})).await.ok();
    mina.post("/admin/auth/logout", &json!({})).await.ok();
    let category = made("/admin/categories", json!({"name": "음료"})).await;
    let category_id: i64 = category.rsplit('/').next().unwrap().parse().unwrap();
    let menu = made("/admin/menus", json!({"category_id": category_id, "name": "물", "price": 0})).await;
    let menu_id: i64 = menu.rsplit('/').next().unwrap().parse().unwrap();
    let table = made("/admin/tables", json!({"table_number": 9, "password": "1234"})).await;
    for (path, change) in [
        (&user, json!({"role": "owner"})),
        (&category, json!({"name": "마실 것"})),
        (&menu, json!({"price": 1000})),
        (&table, json!({"table_number": 10})),
    ] {
        owner.patch(path, &change).await.ok();
    }
    owner.put("/admin/menus/order", &json!({"category_id": category_id, "ids": [menu_id]})).await.ok();
    let categories = owner.get("/admin/categories").await.ok();
    let ids: Vec<i64> =
        categories["categories"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect();
    owner.put("/admin/categories/order", &json!({"ids": ids})).await.ok();
    for path in [&menu, &category, &table, &user] {
        owner.delete(path).await.ok();
    }
    let order = tablet.order(&store.menus[..1]).await.ok();
    tablet.order(&store.menus[..1]).await.ok();
    owner.delete(&format!("/admin/orders/{}", order["id"])).await.ok();
    owner.post(&format!("/admin/orders/{}/restore", order["id"]), &json!({})).await.ok();
    owner.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    owner.post(&format!("/admin/sessions/{}/reopen", order["session_id"]), &json!({})).await.ok();
    let device = tablet.post("/customer/auth/session", &json!({})).await.ok()["device_id"].clone();
    owner.delete(&format!("/admin/devices/{device}")).await.ok();
    let wrong = json!({"store_id": "demo", "username": "admin", "table_number": 1, "password": "wrong"});
    app.anonymous().post("/admin/auth/login", &wrong).await.refused(401, "AUTH_FAILED");
    app.anonymous().post("/customer/auth/login", &wrong).await.refused(401, "AUTH_FAILED");

    let demo = sqlx::query("UPDATE stores SET is_demo = true WHERE code = 'other'");
    demo.execute(&mut app.connection().await).await.unwrap();
    owner.delete("/admin/demo-store").await.ok();

    for action in AuditAction::ALL {
        let asked = Instant::now();
        let path = format!("/admin/audit?action={}", action.as_str());
        // Failed logins are recorded after the response.
        while owner.get(&path).await.ok()["entries"] == json!([]) {
            assert!(asked.elapsed() < Duration::from_secs(5), "{} should be in the log", action.as_str());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
