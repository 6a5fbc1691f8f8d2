//! The set-up of the first store: the code that the server prints, the race of two browsers, and the end of the set-up.

use std::fs;

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tableorder::clock::Clock;
use tableorder::services::seed_demo;

use crate::command_line::Shell;
use crate::support::{ApiClient, Directory, Server, TestApp, new_database};

const START: &str = "2026-11-29T03:00:00Z";

/// Issues a code, as a server does at its start.
async fn issue(app: &TestApp) -> String {
    app.setup.issue_code().await.unwrap().expect("the set-up should be open").to_string()
}

fn first_store(code: &str, store: &str, password: &str) -> Value {
    json!({
        "code": code,
        "store": {"store_id": store, "name": "김치식당", "time_zone": "Asia/Seoul", "day_starts_at": "04:00"},
        "owner": {"username": "boss", "password": password},
    })
}

async fn check(client: &ApiClient, code: &str) -> crate::support::Answer {
    client.post("/setup/code", &json!({"code": code})).await
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut app.connection().await).await.unwrap()
}

#[tokio::test]
async fn a_first_store_is_set_up_and_the_set_up_closes() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    app.set_time(START);
    assert_eq!(client.get("/setup").await.ok(), json!({"status": "expired", "has_store": false}));
    let code = issue(&app).await;
    assert_eq!(client.get("/setup").await.ok(), json!({"status": "open", "has_store": false}));
    let checked = check(&client, &code.to_uppercase().replace('-', " ")).await.ok();
    assert_eq!(checked["expires_at"], "2026-11-29T03:30:00Z");
    assert!(checked["lan_hosts"].is_array());
    assert_eq!(checked["is_local_only"], false);

    let created = client.post("/setup/store", &first_store(&code, "kimchi", "open sesame")).await;
    assert_eq!(
        (created.status.as_u16(), &created.headers["location"]),
        (201, &"/api/v1/admin/auth/me".parse().unwrap())
    );
    assert_eq!(created.ok(), json!({"store_id": "kimchi", "store_name": "김치식당", "username": "boss"}));
    let login = json!({"store_id": "kimchi", "username": "boss", "password": "open sesame"});
    let login = client.post("/admin/auth/login", &login).await.ok();
    assert_eq!(login["role"], "owner");
    let owner = client.with_token(login["token"].as_str().unwrap());
    owner.post("/admin/tables", &json!({"table_number": 1, "password": "1234"})).await.ok();
    let audit = owner.get("/admin/audit?action=user.created").await.ok();
    let actor = &audit["entries"][0]["actor"];
    assert_eq!(
        (&actor["kind"], &actor["name"], &actor["address"]),
        (&json!("operator"), &json!("set-up"), &json!("127.0.0.1"))
    );
    assert_eq!(count(&app, "SELECT count(*) FROM stores WHERE day_starts_at = '04:00' AND NOT is_demo").await, 1);

    assert_eq!(client.get("/setup").await.ok(), json!({"status": "closed", "has_store": true}));
    check(&client, &code).await.refused(409, "SETUP_CLOSED");
    check(&client, "anything").await.refused(409, "SETUP_CLOSED");
    client.post("/setup/store", &first_store(&code, "other", "open sesame")).await.refused(409, "SETUP_CLOSED");
    assert!(app.setup.issue_code().await.unwrap().is_none(), "a restart should print no code");
    let again = TestApp::start_on(app.options.clone(), |_| {}).await;
    assert_eq!(again.anonymous().get("/setup").await.ok()["status"], "closed");
    check(&again.anonymous(), &code).await.refused(409, "SETUP_CLOSED");
}

#[tokio::test]
async fn the_database_has_only_a_digest_of_the_code() {
    let app = TestApp::start().await;
    let code = issue(&app).await;
    let row: String =
        sqlx::query_scalar("SELECT setup::text FROM setup").fetch_one(&mut app.connection().await).await.unwrap();
    assert!(!row.contains(&code) && !row.contains(&code.replace('-', "")), "{row}");
    assert!(code.replace('-', "").len() * 4 >= 64, "{code}");
}

#[tokio::test]
async fn a_wrong_code_is_refused_and_further_ones_lock_the_address_out() {
    let app = TestApp::start_with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let code = issue(&app).await;
    let guesser = app.anonymous().forwarded_for("203.0.113.9");
    let other = "00000-00000-00000-00000";
    for wrong in ["", "not a code", other, &code[1..]] {
        check(&guesser, wrong).await.refused(403, "SETUP_CODE_INVALID");
    }
    let store = first_store(other, "kimchi", "open sesame");
    guesser.post("/setup/store", &store).await.refused(403, "SETUP_CODE_INVALID");
    let locked = check(&guesser, &code).await;
    assert!(locked.headers.contains_key("retry-after"));
    locked.refused(429, "TOO_MANY_REQUESTS");
    guesser.post("/setup/store", &first_store(&code, "kimchi", "open sesame")).await.refused(429, "TOO_MANY_REQUESTS");
    assert_eq!(count(&app, "SELECT count(*) FROM stores").await, 0);
    // The person who reads the terminal is at another address.
    check(&app.anonymous().forwarded_for("192.168.0.20"), &code).await.ok();
}

#[tokio::test]
async fn a_code_expires_after_half_an_hour_and_a_restart_issues_another() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    app.set_time(START);
    let code = issue(&app).await;
    app.set_time("2026-11-29T03:29:59Z");
    check(&client, &code).await.ok();
    app.set_time("2026-11-29T03:30:00Z");
    assert_eq!(client.get("/setup").await.ok()["status"], "expired");
    let english = client.request(reqwest::Method::POST, "/setup/code").header("Accept-Language", "en");
    let error = crate::support::answer(english.json(&json!({"code": code}))).await.refused(403, "SETUP_CODE_EXPIRED");
    assert_eq!(error["message"], "The set-up code has expired. Please restart the server to get a new address.");
    let store = |code: &str| first_store(code, "kimchi", "open sesame");
    client.post("/setup/store", &store(&code)).await.refused(403, "SETUP_CODE_EXPIRED");

    // Another instance starts while the owner fills in the form.
    let restarted = TestApp::start_on(app.options.clone(), |_| {}).await;
    restarted.set_time("2026-11-29T03:31:00Z");
    let newer = issue(&restarted).await;
    assert_ne!(newer, code);
    client.post("/setup/store", &store(&code)).await.refused(403, "SETUP_CODE_INVALID");
    check(&client, &newer).await.ok();
    client.post("/setup/store", &store(&newer)).await.ok();
}

#[tokio::test]
async fn several_browsers_at_once_on_two_instances_make_one_owner() {
    let options = new_database().await;
    let mut apps = Vec::new();
    for _ in 0..2 {
        // A store that exists counts as a failure of the attempts that lost.
        apps.push(TestApp::start_on(options.clone(), |config| config.login.failures_per_account = 100).await);
    }
    let code = issue(&apps[0]).await;
    let requests = (0..8).map(|n| {
        let (client, code) = (apps[n % 2].anonymous(), code.clone());
        async move { client.post("/setup/store", &first_store(&code, &format!("store-{n}"), "open sesame")).await }
    });
    let answers = join_all(requests).await;
    let (created, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(created.len(), 1);
    for answer in refused {
        answer.refused(409, "SETUP_CLOSED");
    }
    for table in ["SELECT count(*) FROM stores", "SELECT count(*) FROM store_streams", "SELECT count(*) FROM users"] {
        assert_eq!(count(&apps[0], table).await, 1, "{table}");
    }
    for app in &apps {
        assert_eq!(app.anonymous().get("/setup").await.ok()["status"], "closed");
    }
}

#[tokio::test]
async fn a_repetition_after_a_lost_response_gets_the_same_response() {
    let app = TestApp::start().await;
    let second = TestApp::start_on(app.options.clone(), |_| {}).await;
    app.set_time(START);
    second.set_time(START);
    let code = issue(&app).await;
    let store = first_store(&code, "kimchi", "open sesame");
    let (one, other) = (app.anonymous(), second.anonymous());
    let (one, other) = tokio::join!(one.post("/setup/store", &store), other.post("/setup/store", &store));
    assert_eq!((one.status.as_u16(), one.body.clone()), (201, other.body.clone()), "{other:?}");
    let later = app.anonymous().post("/setup/store", &store).await;
    assert_eq!((later.status.as_u16(), later.body), (201, one.body));
    assert_eq!(count(&app, "SELECT count(*) FROM users").await, 1);

    let mut others = vec![first_store(&code, "kimchi", "shut sesame"), first_store(&code, "pub", "open sesame")];
    others.extend(["/store/name", "/store/time_zone", "/store/day_starts_at", "/owner/username"].map(|field| {
        let mut other = store.clone();
        *other.pointer_mut(field).unwrap() = json!(if field.ends_with("zone") { "UTC" } else { "05:00" });
        other
    }));
    for other in &others[..4] {
        app.anonymous().post("/setup/store", other).await.refused(409, "SETUP_CLOSED");
    }
    app.set_time("2026-11-29T03:30:00Z");
    for other in others.iter().chain([&store]) {
        app.anonymous().post("/setup/store", other).await.refused(409, "SETUP_CLOSED");
    }
    assert_eq!(count(&app, "SELECT count(*) FROM stores").await, 1);
}

#[tokio::test]
async fn refused_fields_are_named_by_their_path() {
    let app = TestApp::start().await;
    let code = issue(&app).await;
    let refused = async |body: &Value| {
        let error = app.anonymous().post("/setup/store", body).await.refused(422, "VALIDATION_ERROR");
        let details = error["details"].as_array().unwrap().iter();
        details.map(|detail| detail["field"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = json!({
        "code": code,
        "store": {"store_id": "할머니 식당!", "name": "", "time_zone": "Mars/Olympus", "day_starts_at": "24:00"},
        "owner": {"username": "a\nb", "password": "abc"},
    });
    assert_eq!(
        refused(&all).await,
        [
            "owner.password",
            "owner.username",
            "store.day_starts_at",
            "store.name",
            "store.name",
            "store.store_id",
            "store.time_zone"
        ]
    );
    let good = first_store(&code, "kimchi", "open sesame");
    for (field, value) in [
        ("store.store_id", json!("x".repeat(51))),
        ("store.store_id", json!("k")),
        ("store.store_id", json!("Kimchi")),
        ("store.store_id", json!("kimchi_2")),
        ("store.name", json!(["kimchi"])),
        ("store.day_starts_at", json!("4:00")),
        ("store", json!(["kimchi", "kimchi"])),
        ("owner", json!(null)),
        ("owner.password", json!("x".repeat(129))),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(&format!("/{}", field.replace('.', "/"))).unwrap() = value;
        assert_eq!(refused(&bad).await, [field]);
    }
    let mut missing = good.clone();
    missing["owner"].as_object_mut().unwrap().remove("username");
    assert_eq!(refused(&missing).await, ["owner.username"]);
    let mut short = good;
    for field in ["time_zone", "day_starts_at"] {
        short["store"].as_object_mut().unwrap().remove(field);
    }
    app.anonymous().post("/setup/store", &short).await.ok();
    assert_eq!(count(&app, "SELECT count(*) FROM stores WHERE time_zone = 'Asia/Seoul'").await, 1);
}

#[tokio::test]
async fn the_demo_does_not_count_as_a_store() {
    let app = TestApp::start().await;
    assert!(seed_demo(&app.database, &Clock::system()).await.unwrap());
    let code = issue(&app).await;
    let client = app.anonymous();
    assert_eq!(client.get("/setup").await.ok(), json!({"status": "open", "has_store": true}));
    client.post("/setup/store", &first_store(&code, "demo-store", "open sesame")).await.refused(409, "DUPLICATE");
    client.post("/setup/store", &first_store(&code, "kimchi", "open sesame")).await.ok();
    assert_eq!(client.get("/setup").await.ok(), json!({"status": "closed", "has_store": true}));
    assert_eq!(count(&app, "SELECT count(*) FROM stores").await, 2);
}

#[tokio::test]
async fn a_store_from_the_command_line_closes_the_set_up() {
    let app = TestApp::start().await;
    let code = issue(&app).await;
    check(&app.anonymous(), &code).await.ok();
    Shell::on(&app, "setup-closed").ok(&["store", "create", "bar"], "open sesame\n");
    check(&app.anonymous(), &code).await.refused(409, "SETUP_CLOSED");
    let store = first_store(&code, "kimchi", "open sesame");
    app.anonymous().post("/setup/store", &store).await.refused(409, "SETUP_CLOSED");
    assert_eq!(count(&app, "SELECT count(*) FROM setup").await, 0);
}

/// The code in the address that a server printed at its start.
fn printed_code(server: &Server) -> String {
    server.printed(r"http://localhost:\d+/setup#([0-9a-f-]+)")
}

#[tokio::test]
async fn the_program_prints_the_code_at_each_start_and_never_logs_it() {
    let directory = Directory::new("setup-printed");
    let settings = [("SEED_DEMO_STORE", "false"), ("LOG_LEVEL", "debug")];
    let mut server = Server::start_with(&directory.0, &settings);
    let first = printed_code(&server);
    check(&server.client, &first).await.ok();
    server.signal(Signal::SIGTERM);
    server.wait();

    let mut server = Server::start_with(&directory.0, &settings);
    let second = printed_code(&server);
    assert_ne!(first, second);
    check(&server.client, &first).await.refused(403, "SETUP_CODE_INVALID");
    server.client.post("/setup/store", &first_store(&second, "kimchi", "open sesame")).await.ok();
    server.signal(Signal::SIGTERM);
    server.wait();

    let server = Server::start_with(&directory.0, &settings);
    assert_eq!(server.client.get("/setup").await.ok()["status"], "closed");
    // The line after the place of the set-up address.
    server.printed("(Ctrl-C)");
    assert!(!server.has_printed("/setup#"), "a server with a store should print no code");
    let log = fs::read_to_string(directory.0.join("logs/app.log")).unwrap();
    assert!(log.contains("/api/v1/setup/code"), "{log}");
    for secret in [&first, &second, &first.replace('-', ""), &second.replace('-', ""), "open sesame"] {
        assert!(!log.contains(secret));
    }
}

#[tokio::test]
async fn a_server_with_the_demo_prints_the_code_and_one_with_json_logs_does_not() {
    let directory = Directory::new("setup-demo");
    let mut server = Server::start(&directory.0);
    let code = printed_code(&server);
    assert_eq!(server.client.get("/setup").await.ok(), json!({"status": "open", "has_store": true}));
    server.signal(Signal::SIGTERM);
    server.wait();
    let server = Server::start_with(&directory.0, &[("LOG_FORMAT", "json")]);
    // It issued no code, so the last one stays valid.
    check(&server.client, &code).await.ok();
}
