//! The program as it is deployed: embedded database, logs, signals, kill -9.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use tableorder::clock::Clock;

use crate::support::{ApiClient, Directory, Server, command};

/// The owner of the demo store, and its tablet at table 3.
pub async fn login(client: &ApiClient) -> (ApiClient, ApiClient) {
    let staff = json!({"store_id": "demo-store", "username": "admin", "password": "admin1234"});
    let tablet = json!({"store_id": "demo-store", "table_number": 3, "password": "1234"});
    let staff = client.post("/admin/auth/login", &staff).await.ok();
    let tablet = client.post("/customer/auth/login", &tablet).await.ok();
    (client.with_token(staff["token"].as_str().unwrap()), client.with_token(tablet["token"].as_str().unwrap()))
}

#[tokio::test]
async fn a_restart_after_a_kill_finds_all_data() {
    let directory = Directory::new("killed");
    let mut server = Server::start(&directory.0);
    let (admin, tablet) = login(&server.client).await;
    let menu = tablet.get("/customer/menu").await.ok();
    assert_eq!(menu["menus"].as_array().unwrap().len(), 10);
    assert_eq!(tablet.get("/customer/menu/categories").await.ok()["categories"].as_array().unwrap().len(), 3);
    assert!(menu["menus"].as_array().unwrap().iter().all(|menu| menu["description"].is_string()));
    let stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    let body = json!({"items": [{"menu_id": menu["menus"][0]["id"], "quantity": 2}]});
    let order = tablet.post("/customer/orders", &body).await.ok();
    let seen = stream.connected_at.clone();
    server.signal(Signal::SIGKILL);
    server.wait();
    assert!(stream.end().await.is_err());

    // Start at once, while the PostgreSQL of the killed server may still be stopping.
    let started = Instant::now();
    let server = Server::start(&directory.0);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let admin = server.client.with_token(admin.token());
    let tablet = server.client.with_token(tablet.token());
    assert_eq!(tablet.get("/customer/orders").await.ok()["orders"], json!([order]));
    let mut resumed = admin.stream("/admin/orders/stream", Some(&seen)).await.connected().await;
    assert_eq!(resumed.next().await.data["order_id"], order["id"]);
}

#[tokio::test]
async fn sigterm_stops_the_server_at_once_and_the_log_has_no_secret() {
    let directory = Directory::new("stopped");
    let mut server = Server::start(&directory.0);
    let (admin, tablet) = login(&server.client).await;
    let stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    tablet.get("/customer/menu").await.ok();
    let ticket = admin.post("/admin/orders/stream/ticket", &json!({})).await.ok();
    let ticket = ticket["ticket"].as_str().unwrap();
    let by_ticket = server.client.stream(&format!("/admin/orders/stream?ticket={ticket}"), None).await;
    drop(by_ticket.connected().await);
    let asked = Instant::now();
    server.signal(Signal::SIGTERM);
    assert!(stream.end().await.is_err());
    assert_eq!(server.wait(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(!directory.0.join("data/postgres/pgdata/postmaster.pid").exists(), "PostgreSQL should stop too");

    let log = fs::read_to_string(directory.0.join("logs/app.log")).unwrap();
    assert!(log.contains("route=\"/api/v1/customer/menu\" status=200"), "{log}");
    for secret in ["admin1234", admin.token(), tablet.token(), ticket] {
        assert!(!log.contains(secret));
    }
}

#[tokio::test]
async fn a_full_disk_for_logs_loses_only_log_lines() {
    let directory = Directory::new("full");
    let (logs, full) = (directory.0.join("logs"), Path::new("/dev/full"));
    fs::create_dir(&logs).unwrap();
    let today = Clock::system().now().date_naive();
    for day in [today, today.succ_opt().unwrap()] {
        symlink(full, logs.join(format!("app.log.{day}"))).unwrap();
    }
    let server = Server::start(&directory.0);
    assert_eq!(logs.join("app.log").canonicalize().unwrap(), full);
    let (admin, tablet) = login(&server.client).await;
    let mut stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    let menu = tablet.get("/customer/menu").await.ok();
    let body = json!({"items": [{"menu_id": menu["menus"][0]["id"], "quantity": 1}]});
    for _ in 0..20 {
        let order = tablet.post("/customer/orders", &body).await.ok();
        assert_eq!(stream.next().await.data["order_id"], order["id"]);
    }
}

#[test]
fn all_mistakes_in_the_settings_are_reported_at_once() {
    let directory = Directory::new("mistaken");
    fs::write(directory.0.join(".env"), "PORT=eighty\nLOG_FORMAT=xml\n").unwrap();
    let output = command(&directory.0).env_remove("PORT").env("APP_ENV", "production").output().unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    for name in ["PORT=eighty", "LOG_FORMAT=xml", "DATABASE_URL=", "JWT_SECRET_KEY="] {
        assert!(stderr.contains(name), "{stderr}");
    }
}

#[test]
fn a_port_in_use_is_reported_before_anything_starts() {
    let directory = Directory::new("taken");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = command(&directory.0).env("PORT", &port).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains(&port) && stderr.contains("in use"), "{stderr}");
    assert!(!directory.0.join("data").exists());
}
