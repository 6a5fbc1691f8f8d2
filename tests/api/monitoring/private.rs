//! The address for operators.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::text::Figures;
use crate::support::{Directory, Server, TestApp, answer, command};

#[tokio::test]
async fn in_production_figures_are_there_and_nowhere_else() {
    let app = TestApp::start().await;
    let directory = Directory::new("private");
    let production = [("APP_ENV", "production")];
    let server = Server::beside(&app, &directory.0, &production);
    for path in ["/metrics", "/log-level"] {
        server.client.get(path).await.refused(404, "ROUTE_NOT_FOUND");
        assert_eq!(server.operators().get(path).await.status, 200);
    }
    for path in ["/health", "/health/live", "/health/ready"] {
        server.client.get(path).await.ok();
        server.operators().get(path).await.ok();
    }
    for path in ["/customer/menu", "/admin/orders", "/docs", "/openapi.json"] {
        server.operators().get(path).await.refused(404, "ROUTE_NOT_FOUND");
    }
}

#[tokio::test]
async fn without_it_figures_are_served_at_home_alone() {
    let at_home = TestApp::start().await;
    assert!(Figures::of(&at_home.anonymous()).await.families.len() > 20);
    let elsewhere = TestApp::start_with(|config| config.http.serves_metrics = false).await;
    elsewhere.anonymous().get("/metrics").await.refused(404, "ROUTE_NOT_FOUND");
    at_home.anonymous().get("/log-level").await.refused(404, "ROUTE_NOT_FOUND");
}

#[tokio::test]
async fn operators_see_the_server_stop() {
    let app = TestApp::start().await;
    let directory = Directory::new("draining");
    let mut server = Server::beside(&app, &directory.0, &[]);
    // A request that is not over: it is waited for.
    let address = server.client.request(reqwest::Method::GET, "/").build().unwrap().url().authority().to_owned();
    let mut slow = TcpStream::connect(address).await.unwrap();
    let head = "POST /api/v1/customer/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal(Signal::SIGTERM);
    let refusal = loop {
        let ready = server.operators().get("/health/ready").await;
        if ready.status != 200 {
            break ready.refused(503, "SERVICE_UNAVAILABLE");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(refusal["details"][0]["field"], "shutdown");
    server.operators().get("/health/live").await.ok();
    assert!(!Figures::of(server.operators()).await.families.is_empty());
    drop(slow);
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_place_that_is_taken_is_told_before_anything_is_started() {
    let directory = Directory::new("private-taken");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command(&directory.0).env("PRIVATE_ADDRESS", &address).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&address) && told.contains("PRIVATE_ADDRESS"), "{told}");
    assert!(!directory.0.join("data").exists());
}

#[tokio::test]
async fn the_log_level_changes_while_the_server_runs() {
    let app = TestApp::start().await;
    let directory = Directory::new("level");
    let server = Server::beside(&app, &directory.0, &[("LOG_LEVEL", "info")]);
    let put = async |level: &str| {
        let request = server.operators().request(reqwest::Method::PUT, "/log-level");
        answer(request.header("Accept-Language", "en").body(level.to_owned())).await
    };
    let request = async |id: &str| {
        let request = server.client.request(reqwest::Method::GET, "/health/live").header("X-Request-Id", id);
        request.send().await.unwrap();
    };
    let current = async || server.operators().get("/log-level").await.ok();
    assert_eq!(current().await, "info");
    request("before").await;
    assert_eq!(put("warn\n").await.ok(), "warn");
    request("unheard").await;
    for wrong in ["tableorder=loud", "", "a b c=="] {
        let error = put(wrong).await.refused(422, "VALIDATION_ERROR");
        assert_eq!(error["details"][0]["field"], "level");
        assert!(error["details"][0]["reason"].as_str().unwrap().contains("tableorder=debug,info"));
    }
    assert_eq!(current().await, "warn", "a mistake changes nothing");
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
    let says = |id: &str| log.contains(&format!("request_id=\"{id}\""));
    assert_eq!((says("before"), says("unheard"), says("after")), (true, false, true), "{log}");
}
