//! Health, the documentation pages, and a database that goes away.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tableorder::database::MIGRATIONS;
use tableorder::database::embedded::{Durability, EmbeddedError, EmbeddedPostgres};

use crate::support::{TestApp, answer, order_of, scratch_directory};

#[tokio::test]
async fn it_is_healthy_alive_and_ready_until_it_stops() {
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
async fn private_answers_are_kept_by_nobody() {
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
async fn the_documentation_is_served_without_the_internet() {
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
async fn without_its_database_it_says_so_at_once_and_it_recovers_when_the_database_is_back() {
    let directory = scratch_directory("comes-and-goes");
    let postgres = EmbeddedPostgres::start(&directory, Durability::Durable).await.unwrap();
    let again = EmbeddedPostgres::start(&directory, Durability::Durable).await;
    assert!(matches!(again, Err(EmbeddedError::InUse(_))), "two servers must not share a directory");
    let options = postgres.connect_options();
    MIGRATIONS.run(&mut PgConnection::connect_with(&options).await.unwrap()).await.unwrap();
    let app = TestApp::start_on(options, |_| {}).await;
    let store = app.store("demo").await;
    let tablet = store.tablet(1).await;
    let order = tablet.order(&store.menus[..1]).await.ok();

    postgres.stop().await;
    let asked = Instant::now();
    let refused = tablet.post("/customer/orders", &order_of(&store.menus[..1])).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(503, "SERVICE_UNAVAILABLE");
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());

    let _postgres = EmbeddedPostgres::start(&directory, Durability::Throwaway).await.unwrap();
    let back = Instant::now();
    let orders = loop {
        let answer = tablet.get("/customer/orders").await;
        if answer.status.is_success() {
            break answer.ok();
        }
        assert!(back.elapsed() < Duration::from_secs(5), "{}", answer.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(orders["orders"], json!([order]));
}
