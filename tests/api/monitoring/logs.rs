//! Log lines in JSON.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Directory, Server, TestApp, command};

#[tokio::test]
async fn each_line_of_a_request_has_its_context() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    let directory = Directory::new("json");
    let settings = [("LOG_FORMAT", "json"), ("SSE_MAX_CONNECTIONS", "1")];
    let mut server = Server::start_beside(&app, &directory.0, &settings);
    let admin = server.client.with_token(store.admin().await.token());
    let with_id =
        async |path: &str, id: &str| admin.request(Method::GET, path).header("X-Request-Id", id).send().await.unwrap();
    let stream = with_id("/admin/orders/stream", "opened").await;
    with_id("/admin/orders/stream", "one-too-many").await;
    with_id("/admin/orders/424242", "unknown").await;
    with_id("/nowhere", "nowhere").await;
    drop(stream);
    server.signal(Signal::SIGUSR1);
    while server.private_client().get("/log-level").await.ok() != "info,tableorder=debug" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.signal(Signal::SIGTERM);
    server.wait();

    let log = std::fs::read_to_string(directory.0.join("logs/app.log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of = |id: &str| lines.iter().filter(|line| line["request_id"] == id).collect::<Vec<_>>();
    let store_id = of("opened")[0]["store"].clone();
    assert!(store_id.is_i64());

    // One line for the cause of the refusal, one for the request.
    let [cause, request] = of("one-too-many")[..] else { panic!("{log}") };
    assert_eq!((&cause["level"], &cause["code"]), (&json!("WARN"), &json!("SERVICE_UNAVAILABLE")));
    assert_eq!(cause["cause"], "the limit of open streams is reached");
    assert_eq!(request["route"], "/api/v1/admin/orders/stream");
    for line in [cause, request] {
        assert_eq!(line["store"], store_id);
        assert!(line["timestamp"].is_string() && line["target"].is_string());
    }
    assert_eq!((&request["method"], &request["status"]), (&json!("GET"), &json!(503)));
    assert!(request["ms"].is_f64() && request["queries"].is_u64() && request["client"].is_string());

    assert_eq!(of("unknown")[0]["route"], "/api/v1/admin/orders/{order_id}");
    assert_eq!(of("nowhere")[0]["route"], "-");
    // The line's own level, and the new level that it reports.
    let changed = lines.iter().find(|line| line["message"] == "the log level was changed").unwrap();
    assert_eq!((&changed["level"], &changed["filter"]), (&json!("INFO"), &json!("info,tableorder=debug")));
    let outside = lines.iter().find(|line| line["message"] == "serving").unwrap();
    assert!(outside.get("span").is_none() && outside["address"].is_string());
    assert!(!log.contains(admin.token()));
}

#[tokio::test]
async fn with_json_logs_every_line_is_json() {
    let app = TestApp::start().await;
    let directory = Directory::new("json-alone");
    let mut process = command(&directory.0)
        .envs([("LOG_FORMAT", "json"), ("DATABASE_URL", &app.url()), ("JWT_SECRET_KEY", TestApp::SECRET)])
        .spawn()
        .unwrap();
    let pid = Pid::from_raw(process.id().cast_signed());
    let mut messages = Vec::new();
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if line["message"] == "serving" {
            kill(pid, Signal::SIGTERM).unwrap();
        }
        messages.push(line["message"].as_str().unwrap().to_owned());
    }
    assert!(process.wait().unwrap().success());
    assert!(
        ["serving", "stopped"].iter().all(|expected| messages.iter().any(|message| message == expected)),
        "{messages:?}"
    );
}
