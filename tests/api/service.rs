//! Health and the documentation pages.

use reqwest::Method;
use serde_json::json;
use tableorder::routers::docs;

use crate::support::{TestApp, answer};

#[tokio::test]
async fn the_service_is_healthy_live_and_ready_until_it_stops() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    assert_eq!(client.get("/health").await.ok(), json!({"status": "healthy"}));
    assert_eq!(client.get("/health/live").await.ok(), json!({"status": "alive"}));
    assert_eq!(client.get("/health/ready").await.ok(), json!({"status": "ready"}));
    app.database.close().await;
    let error = client.get("/health/ready").await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(error["details"][0]["field"], "database");
    client.get("/health").await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(client.get("/health/live").await.ok(), json!({"status": "alive"}));
}

#[tokio::test]
async fn private_responses_are_not_cacheable() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    for answer in [
        admin.get("/admin/tables/dashboard").await,
        tablet.get("/customer/orders").await,
        tablet.order(&store.menus[..1]).await,
        tablet.get("/nowhere").await,
    ] {
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    assert_eq!(tablet.get("/customer/menu").await.headers["cache-control"], "private, no-cache");
}

#[tokio::test]
async fn the_documentation_works_without_internet_access() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    for page in ["/docs/", "/redoc"] {
        let page = answer(client.request(Method::GET, page)).await;
        assert_eq!(page.status, 200);
        assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'"));
        let html = page.body.as_str().unwrap();
        assert!(!html.contains("src=\"http") && !html.contains("href=\"http") && !html.contains("cdn."));
    }
    let spec = client.get("/openapi.json").await.ok();
    assert_eq!(spec, serde_json::to_value(tableorder::openapi()).unwrap());
}

#[tokio::test]
async fn every_file_of_the_documentation_is_served() {
    let app = TestApp::start().await;
    for path in docs::PATHS {
        let answer = answer(app.anonymous().request(Method::GET, path)).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}
