//! The limits of one store.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tableorder::config::Config;

use crate::monitoring::text::Metrics;
use crate::support::{Answer, ApiClient, TestApp};

/// Limits one above the number of tables, users and categories of a test store.
fn tight(config: &mut Config) {
    let limits = &mut config.store_limits;
    (limits.tables, limits.users, limits.categories, limits.menu_items) = (4, 2, 2, 4);
}

/// Asserts that the error contains the limit's name and value, in both languages.
#[track_caller]
fn names(refused: Answer, limit: &str, maximum: i64) {
    let error = refused.refused(409, "LIMIT_REACHED");
    assert_eq!((&error["limit"], &error["maximum"]), (&json!(limit), &json!(maximum)));
    assert_eq!(error["details"][0]["field"], limit);
    assert!(error["details"][0]["reason"].as_str().unwrap().contains(&maximum.to_string()));
}

async fn add(admin: &ApiClient, what: &str, number: i32) -> Answer {
    let categories = admin.get("/admin/categories").await.ok();
    let body = match what {
        "/admin/tables" => json!({"table_number": number, "password": "1234"}),
        "/admin/users" => json!({"username": format!("staff{number}"), "password": "1234", "role": "staff"}),
        "/admin/categories" => json!({"name": format!("category {number}")}),
        _ => json!({"name": "item", "price": 1000, "category_id": categories["categories"][0]["id"]}),
    };
    admin.post(what, &body).await
}

#[tokio::test]
async fn an_entry_beyond_the_store_limit_is_refused() {
    let app = TestApp::start_with(tight).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, other) = (store.admin().await, other.admin().await);
    for (what, limit, maximum) in [
        ("/admin/tables", "tables", 4),
        ("/admin/users", "users", 2),
        ("/admin/categories", "categories", 2),
        ("/admin/menus", "menu_items", 4),
    ] {
        let added = add(&admin, what, 11).await.ok();
        names(add(&admin, what, 12).await, limit, maximum);
        add(&other, what, 11).await.ok();
        let english = admin.request(reqwest::Method::POST, what).header("Accept-Language", "en");
        let body = json!({"table_number": 13, "username": "staff13", "name": "n", "price": 1, "password": "1234",
                          "role": "staff", "category_id": 1});
        let english = crate::support::answer(english.json(&body)).await;
        assert!(english.body["error"]["details"][0]["reason"].as_str().unwrap().is_ascii(), "{}", english.body);
        // A deletion frees its slot.
        admin.delete(&format!("{what}/{}", added["id"])).await.ok();
        add(&admin, what, 14).await.ok();
    }
    let metrics = Metrics::of(&app.anonymous()).await;
    for limit in ["tables", "users", "categories", "menu_items"] {
        let refused = metrics.value(&format!("tableorder_limits_reached_total{{limit=\"{limit}\"}}"));
        assert!((refused - 2.0).abs() < f64::EPSILON, "{limit}: {refused}");
    }
}

#[tokio::test]
async fn concurrent_additions_stay_within_the_limit() {
    let app = TestApp::start_with(tight).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    for what in ["/admin/tables", "/admin/users", "/admin/categories", "/admin/menus"] {
        let added = join_all((20..28).map(|number| add(&admin, what, number))).await;
        let made = added.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(made, 1, "{what}");
        assert!(added.iter().all(|answer| [201, 409].contains(&answer.status.as_u16())), "{what}");
    }
}

#[tokio::test]
async fn menu_texts_are_bounded_and_can_always_be_shortened() {
    let app = TestApp::start_with(|config| config.store_limits.menu_bytes = 4_000).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let admin = store.admin().await;
    let item = format!("/admin/menus/{}", store.menus[0]);
    let described = |characters: usize| json!({"description": "가".repeat(characters)});
    admin.patch(&item, &described(1_200)).await.ok();
    names(admin.patch(&item, &described(1_400)).await, "menu_bytes", 4_000);
    let category = admin.get(&item).await.ok()["category_id"].clone();
    let large = json!({"name": "x", "price": 1, "category_id": category, "description": "가".repeat(200)});
    names(admin.post("/admin/menus", &large).await, "menu_bytes", 4_000);
    let kept: Value = admin.get(&item).await.ok();
    assert_eq!(kept["description"].as_str().unwrap().chars().count(), 1_200, "a refused change should change nothing");
    other.admin().await.patch(&format!("/admin/menus/{}", other.menus[0]), &described(1_200)).await.ok();

    // A store with more text, from before the limit existed.
    let tightened = TestApp::start_on(app.options.clone(), |config| config.store_limits.menu_bytes = 1_024).await;
    let admin = store.on(&tightened).admin().await;
    admin.patch(&item, &json!({"price": 9_500})).await.ok();
    admin.patch(&item, &described(1_000)).await.ok();
    names(admin.patch(&item, &described(1_100)).await, "menu_bytes", 1_024);
}
