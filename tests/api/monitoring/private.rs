//! The private address.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::text::Metrics;
use crate::support::{Directory, Server, TestApp, answer, command};

#[tokio::test]
async fn in_production_metrics_are_only_at_the_private_address() {
    let app = TestApp::start().await;
    let directory = Directory::new("private");
    let production = [("APP_ENV", "production")];
    let server = Server::start_beside(&app, &directory.0, &production);
    for path in ["/metrics", "/log-level"] {
        server.client.get(path).await.refused(404, "ROUTE_NOT_FOUND");
        assert_eq!(server.private_client().get(path).await.status, 200);
    }
    for path in ["/health", "/health/live", "/health/ready"] {
        server.client.get(path).await.ok();
        server.private_client().get(path).await.ok();
    }
    for path in ["/customer/menu", "/admin/orders", "/docs", "/openapi.json"] {
        server.private_client().get(path).await.refused(404, "ROUTE_NOT_FOUND");
    }
}

#[tokio::test]
async fn without_a_private_address_metrics_follow_the_setting() {
    let with_metrics = TestApp::start().await;
    assert!(Metrics::of(&with_metrics.anonymous()).await.families.len() > 20);
    let without_metrics = TestApp::start_with(|config| config.http.serves_metrics = false).await;
    without_metrics.anonymous().get("/metrics").await.refused(404, "ROUTE_NOT_FOUND");
    with_metrics.anonymous().get("/log-level").await.refused(404, "ROUTE_NOT_FOUND");
}

#[tokio::test]
async fn the_private_address_answers_during_shutdown() {
    let app = TestApp::start().await;
    let directory = Directory::new("draining");
    let mut server = Server::start_beside(&app, &directory.0, &[]);
    // An unfinished request, which delays the shutdown.
    let address = server.client.request(reqwest::Method::GET, "/").build().unwrap().url().authority().to_owned();
    let mut slow = TcpStream::connect(address).await.unwrap();
    let head = "POST /api/v1/customer/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal(Signal::SIGTERM);
    let refusal = loop {
        let ready = server.private_client().get("/health/ready").await;
        if ready.status != 200 {
            break ready.refused(503, "SERVICE_UNAVAILABLE");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(refusal["details"][0]["field"], "shutdown");
    server.private_client().get("/health/live").await.ok();
    assert!(!Metrics::of(server.private_client()).await.families.is_empty());
    drop(slow);
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_private_address_in_use_is_reported_before_anything_starts() {
    let directory = Directory::new("private-taken");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command(&directory.0).env("PRIVATE_ADDRESS", &address).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains(&address) && stderr.contains("PRIVATE_ADDRESS"), "{stderr}");
    assert!(!directory.0.join("data").exists());
}

#[tokio::test]
async fn the_log_level_changes_while_the_server_runs() {
    let app = TestApp::start().await;
    let directory = Directory::new("level");
    let server = Server::start_beside(&app, &directory.0, &[("LOG_LEVEL", "info")]);
    let put = async |level: &str| {
        let request = server.private_client().request(reqwest::Method::PUT, "/log-level");
        answer(request.header("Accept-Language", "en").body(level.to_owned())).await
    };
    let request = async |id: &str| {
        let request = server.client.request(reqwest::Method::GET, "/health/live").header("X-Request-Id", id);
        request.send().await.unwrap();
    };
    let current = async || server.private_client().get("/log-level").await.ok();
    assert_eq!(current().await, "info");
    request("before").await;
    assert_eq!(put("warn\n").await.ok(), "warn");
    request("suppressed").await;
    for wrong in ["tableorder=loud", "", "a b c=="] {
        let error = put(wrong).await.refused(422, "VALIDATION_ERROR");
        assert_eq!(error["details"][0]["field"], "level");
        assert!(error["details"][0]["reason"].as_str().unwrap().contains("tableorder=debug,info"));
    }
    assert_eq!(current().await, "warn", "an invalid level should change nothing");
    assert_eq!(put("tableorder=trace,info").await.ok(), "tableorder=trace,info");
    request("after").await;

    for (signal, level) in [(Signal::SIGUSR1, json!("info,tableorder=debug")), (Signal::SIGUSR2, json!("info"))] {
        server.signal(signal);
        while current().await != level {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let mut server = server;
    server.signal(Signal::SIGTERM);
    server.wait();
    let log = std::fs::read_to_string(directory.0.join("logs/app.log")).unwrap();
    let is_logged = |id: &str| log.contains(&format!("request_id=\"{id}\""));
    assert_eq!((is_logged("before"), is_logged("suppressed"), is_logged("after")), (true, false, true), "{log}");
}
