//! Menu management and menu reads.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, answer};

fn names(list: &Value, of: &str) -> Vec<String> {
    list[of].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn categories_are_added_renamed_ordered_and_deleted() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let admin = store.admin().await;
    let mut screens = [
        admin.stream("/admin/orders/stream", None).await.connected().await,
        store.tablet(1).await.stream("/customer/orders/stream", None).await.connected().await,
    ];
    let mut elsewhere = other.tablet(1).await.stream("/customer/orders/stream", None).await.connected().await;

    let drinks = admin.post("/admin/categories", &json!({"name": "음료"})).await;
    assert_eq!((drinks.status.as_u16(), drinks.headers.contains_key("location")), (201, true));
    let drinks = drinks.ok();
    assert_eq!(drinks["display_order"], 1, "new categories come last");
    admin.post("/admin/categories", &json!({"name": "음료"})).await.refused(409, "DUPLICATE");
    other.admin().await.post("/admin/categories", &json!({"name": "음료"})).await.ok();
    for name in ["", "   ", &"가".repeat(51), "a\u{0}b"] {
        admin.post("/admin/categories", &json!({"name": name})).await.refused(422, "VALIDATION_ERROR");
    }
    let path = format!("/admin/categories/{}", drinks["id"]);
    assert_eq!(admin.patch(&path, &json!({"name": "음료·주류"})).await.ok()["name"], "음료·주류");
    admin.patch(&path, &json!({"name": "식사"})).await.refused(409, "DUPLICATE");
    admin.patch(&path, &json!({"name": null})).await.refused(422, "VALIDATION_ERROR");
    other.admin().await.get(&path).await.refused(404, "CATEGORY_NOT_FOUND");
    other.admin().await.patch(&path, &json!({"name": "훔친"})).await.refused(404, "CATEGORY_NOT_FOUND");

    let first = admin.get("/admin/categories").await.ok()["categories"][0]["id"].clone();
    let reorder = async |ids: Value| admin.put("/admin/categories/order", &json!({"ids": ids})).await;
    for ids in [json!([drinks["id"]]), json!([first, drinks["id"], drinks["id"]]), json!([first, 999_999]), json!([])] {
        reorder(ids).await.refused(422, "VALIDATION_ERROR");
    }
    assert_eq!(names(&reorder(json!([drinks["id"], first])).await.ok(), "categories"), ["음료·주류", "식사"]);
    assert_eq!(
        names(&store.tablet(1).await.get("/customer/menu/categories").await.ok(), "categories"),
        ["음료·주류", "식사"]
    );

    admin.delete(&format!("/admin/categories/{first}")).await.refused(409, "CATEGORY_HAS_MENUS");
    assert!(admin.delete(&path).await.ok()["message"].is_string());
    admin.delete(&path).await.refused(404, "CATEGORY_NOT_FOUND");

    // Each change sent one event to every screen of this store, and to no other store.
    for screen in &mut screens {
        for version in 2..=5 {
            let event = screen.next().await;
            assert_eq!((event.name.as_str(), &event.data), ("menu_changed", &json!({"menu_version": version})));
        }
        screen.expect_no_event().await;
    }
    assert_eq!(elsewhere.next().await.data, json!({"menu_version": 2}));
    elsewhere.expect_no_event().await;
}

#[tokio::test]
async fn menu_items_are_created_changed_sold_out_ordered_and_deleted() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let category = admin.get("/admin/categories").await.ok()["categories"][0]["id"].clone();
    let foreign_category = other.admin().await.get("/admin/categories").await.ok()["categories"][0]["id"].clone();

    let body = json!({"category_id": category, "name": "된장찌개", "price": 8_500, "description": "구수한",
        "image_url": "https://cdn.example.com/a.webp"});
    let item = admin.post("/admin/menus", &body).await.ok();
    assert_eq!((&item["is_available"], &item["display_order"]), (&json!(true), &json!(3)));
    let path = format!("/admin/menus/{}", item["id"]);
    assert_eq!(admin.get(&path).await.ok(), item);
    for (field, value) in [
        ("name", json!("")),
        ("name", json!(" \t ")),
        ("name", json!("x".repeat(101))),
        ("price", json!(-1)),
        ("price", json!(100_000_001)),
        ("price", json!("9000")),
        ("price", json!(90.5)),
        ("description", json!("x".repeat(2001))),
        ("image_url", json!("javascript:alert(1)")),
        ("display_order", json!(1_i64 << 31)),
        ("is_available", json!("yes")),
    ] {
        let mut bad = body.clone();
        bad[field] = value.clone();
        let error = admin.post("/admin/menus", &bad).await.refused(422, "VALIDATION_ERROR");
        assert_eq!(error["details"][0]["field"], field, "{value}");
        admin.patch(&path, &json!({field: value})).await.refused(422, "VALIDATION_ERROR");
    }
    let mut foreign = body.clone();
    foreign["category_id"] = foreign_category.clone();
    admin.post("/admin/menus", &foreign).await.refused(404, "CATEGORY_NOT_FOUND");
    admin.patch(&path, &json!({"category_id": foreign_category})).await.refused(404, "CATEGORY_NOT_FOUND");
    assert_eq!(admin.get(&path).await.ok(), item, "a refused change should change nothing");

    // An absent field is unchanged, null clears it.
    let patched = admin.patch(&path, &json!({"price": 0, "description": null})).await.ok();
    assert_eq!((&patched["price"], &patched["description"]), (&json!(0), &Value::Null));
    assert_eq!(patched["image_url"], item["image_url"]);
    assert_eq!(admin.patch(&path, &json!({"image_url": ""})).await.ok()["image_url"], Value::Null);
    admin.patch(&path, &json!({"price": null})).await.refused(422, "VALIDATION_ERROR");
    assert_eq!(admin.patch(&path, &json!({"unknown": 1})).await.ok()["price"], 0);

    // A sold-out item is visible to staff, not to guests.
    admin.patch(&path, &json!({"is_available": false})).await.ok();
    assert!(names(&admin.get("/admin/menus").await.ok(), "menus").contains(&"된장찌개".to_owned()));
    assert!(!names(&tablet.get("/customer/menu").await.ok(), "menus").contains(&"된장찌개".to_owned()));
    tablet.get(&format!("/customer/menu/{}", item["id"])).await.refused(404, "MENU_NOT_FOUND");
    admin.patch(&path, &json!({"is_available": true, "price": 8_500})).await.ok();
    assert_eq!(tablet.get(&format!("/customer/menu/{}", item["id"])).await.ok()["name"], "된장찌개");
    assert_eq!(
        names(&tablet.get(&format!("/customer/menu/category/{category}")).await.ok(), "menus"),
        ["김치찌개", "콜라", "된장찌개"]
    );
    tablet.get(&format!("/customer/menu/category/{foreign_category}")).await.refused(404, "CATEGORY_NOT_FOUND");
    tablet.get(&format!("/customer/menu/{}", other.menus[0])).await.refused(404, "MENU_NOT_FOUND");

    let all: Vec<Value> = admin.get("/admin/menus").await.ok()["menus"]
        .as_array()
        .unwrap()
        .iter()
        .map(|menu| menu["id"].clone())
        .rev()
        .collect();
    let reordered = admin.put("/admin/menus/order", &json!({"category_id": category, "ids": all})).await.ok();
    assert_eq!(names(&reordered, "menus"), ["된장찌개", "생맥주", "콜라", "김치찌개"]);
    admin
        .put("/admin/menus/order", &json!({"category_id": category, "ids": all[1..]}))
        .await
        .refused(422, "VALIDATION_ERROR");
    admin
        .put("/admin/menus/order", &json!({"category_id": foreign_category, "ids": all}))
        .await
        .refused(404, "CATEGORY_NOT_FOUND");

    for request in [other.admin().await.get(&path).await, other.admin().await.delete(&path).await] {
        request.refused(404, "MENU_NOT_FOUND");
    }
}

#[tokio::test]
async fn concurrent_reorders_do_not_deadlock() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    for name in ["국", "면", "술"] {
        admin.post("/admin/categories", &json!({"name": name})).await.ok();
    }
    let listed = admin.get("/admin/categories").await.ok();
    let mut ids: Vec<Value> = listed["categories"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    let mut orders = Vec::new();
    for turn in 0..24 {
        ids.rotate_left(1 + turn % 3);
        orders.push(json!({"ids": ids}));
    }
    let answers = join_all(orders.iter().map(|body| admin.put("/admin/categories/order", body))).await;
    for answer in answers {
        answer.ok();
    }
}

#[tokio::test]
async fn changing_or_deleting_a_menu_item_leaves_past_orders_unchanged() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let order = tablet.order(&store.menus[..1]).await.ok();
    let path = format!("/admin/menus/{}", store.menus[0]);
    admin.patch(&path, &json!({"name": "묵은지찌개", "price": 12_000})).await.ok();
    assert_eq!(tablet.order(&store.menus[..1]).await.ok()["total_amount"], 12_000, "the current price applies");
    admin.delete(&path).await.ok();
    tablet.order(&store.menus[..1]).await.refused(404, "MENU_NOT_FOUND");
    assert_eq!(tablet.get("/customer/orders").await.ok()["orders"][1], order);
    admin.post(&format!("/admin/tables/{}/complete", store.tables[0]), &json!({})).await.ok();
    let past = admin.get(&format!("/admin/tables/{}/history", store.tables[0])).await.ok();
    assert_eq!(past["orders"][1]["items"], order["items"]);
}

#[tokio::test]
async fn guests_see_sold_out_items_only_with_all() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let listed = async |path: &str| {
        let menu = tablet.get(path).await.ok();
        let items = menu["menus"].as_array().unwrap().clone();
        items.iter().map(|item| (item["id"].as_i64().unwrap(), item["is_available"] == true)).collect::<Vec<_>>()
    };
    let [first, second, sold_out] = [0, 1, 2].map(|index| store.menus[index].0);
    assert_eq!(listed("/customer/menu?all=true").await, [(first, true), (second, true), (sold_out, false)]);
    admin.patch(&format!("/admin/menus/{first}"), &json!({"is_available": false})).await.ok();
    assert_eq!(listed("/customer/menu?all=true").await, [(first, false), (second, true), (sold_out, false)]);
    for path in ["/customer/menu", "/customer/menu?all=false"] {
        assert_eq!(listed(path).await, [(second, true)]);
    }
    tablet.get("/customer/menu?all=maybe").await.refused(400, "MALFORMED_REQUEST");
    let foreign = other.tablet(1).await.get("/customer/menu?all=true").await.ok();
    assert_eq!(foreign["menus"][0]["is_available"], true, "the other store's item is not sold out");
}

#[tokio::test]
async fn an_unchanged_menu_gets_304() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    for path in ["/customer/menu", "/customer/menu?all=true", "/customer/menu/categories"] {
        let first = tablet.get(path).await;
        let etag = first.headers["etag"].to_str().unwrap().to_owned();
        assert!(etag.starts_with('"'), "the ETag should be strong");
        let again = |etag: &str| tablet.request(Method::GET, path).header("If-None-Match", etag);
        let current = answer(again(&etag)).await;
        assert_eq!((current.status.as_u16(), current.body.as_str()), (304, Some("")));
        assert_eq!(current.headers["etag"], etag);
        assert_eq!(answer(again("\"other\"")).await.status, 200);
    }
    let etag = tablet.get("/customer/menu").await.headers["etag"].clone();
    admin.patch(&format!("/admin/menus/{}", store.menus[0]), &json!({"price": 9_500})).await.ok();
    let changed = answer(tablet.request(Method::GET, "/customer/menu").header("If-None-Match", etag)).await;
    assert_eq!((changed.status.as_u16(), &changed.body["menus"][0]["price"]), (200, &json!(9_500)));
}
