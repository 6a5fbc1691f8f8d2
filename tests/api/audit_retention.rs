//! The retention of logins in the audit log.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use tableorder::clock::Clock;
use tableorder::services::AuditService;

use crate::support::{ApiClient, TestApp};

const RETENTION: Duration = Duration::from_hours(90 * 24);

const STILL_KEPT: Duration = Duration::from_hours(90 * 24 - 1);

const EXPIRED: Duration = Duration::from_hours(90 * 24 + 1);

/// The audit service of an instance whose clock shows `now`.
fn audit_at(app: &TestApp, now: DateTime<Utc>) -> AuditService {
    AuditService::new(app.database.clone(), Clock::from_fn(move || now), RETENTION)
}

/// The actions in the log, oldest first.
async fn actions(owner: &ApiClient) -> Vec<String> {
    let log = owner.get("/admin/audit?limit=200").await.ok();
    let entries = log["entries"].as_array().unwrap();
    entries.iter().rev().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

/// The leading part, the timestamp, of the id of an entry of this age.
fn prefix_of_ids(now: DateTime<Utc>, age: Duration) -> String {
    let milliseconds = hex::encode(&(now - age).timestamp_millis().to_be_bytes()[2..]);
    format!("{}-{}", &milliseconds[..8], &milliseconds[8..])
}

/// Gives every entry this age by rewriting its id. (A test clock cannot do that: all servers of the process generate ids
/// from one counter, which never goes back.)
async fn backdate(app: &TestApp, now: DateTime<Utc>, age: Duration) {
    let query =
        sqlx::query("UPDATE audit_log SET id = ($1 || substr(id::text, 14))::uuid").bind(prefix_of_ids(now, age));
    query.execute(&mut app.connection().await).await.unwrap();
}

/// Adds `count` logins of table 1 with this age.
async fn add_logins(app: &TestApp, store: &str, count: i64, now: DateTime<Utc>, age: Duration) {
    let insert = "INSERT INTO audit_log (store_id, id, at, actor_kind, actor_name, action)
                  SELECT s.id, ($2 || '-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $3, 'table', '1', 'table.login'
                  FROM stores s, generate_series(1, $4) n WHERE s.code = $1";
    let query = sqlx::query(insert).bind(store).bind(prefix_of_ids(now, age)).bind(now - age).bind(count);
    query.execute(&mut app.connection().await).await.unwrap();
}

async fn count(app: &TestApp, store: &str) -> i64 {
    let query = "SELECT count(*) FROM audit_log l JOIN stores s ON s.id = l.store_id WHERE s.code = $1";
    let query = sqlx::query_scalar(query).bind(store);
    query.fetch_one(&mut app.connection().await).await.unwrap()
}

#[tokio::test]
async fn only_logins_are_deleted_after_their_retention() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let owner = store.admin().await;
    store.tablet(1).await;
    other.tablet(1).await;
    owner.patch(&format!("/admin/menus/{}", store.menus[0]), &json!({"price": 9500})).await.ok();
    for path in ["/admin/auth/login", "/customer/auth/login"] {
        let wrong = json!({"store_id": "demo", "username": "admin", "table_number": 1, "password": "wrong"});
        app.anonymous().post(path, &wrong).await.refused(401, "AUTH_FAILED");
    }
    // Failed logins are recorded after the response.
    while actions(&owner).await.len() < 5 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    owner.post("/admin/auth/logout", &json!({})).await.ok();
    let now = Clock::system().now();
    let audit = audit_at(&app, now);
    backdate(&app, now, STILL_KEPT).await;
    assert_eq!(audit.prune_logins().await.unwrap(), 0);
    backdate(&app, now, EXPIRED).await;
    store.tablet(1).await;
    assert_eq!(audit.prune_logins().await.unwrap(), 6, "five of this store and one of the other store");
    assert_eq!(actions(&store.admin().await).await, ["menu.updated", "table.login", "user.login"]);
    assert_eq!(count(&app, "other").await, 0);
}

#[tokio::test]
async fn concurrent_pruning_instances_share_the_work() {
    let app = TestApp::start().await;
    app.store("demo").await;
    app.store("other").await;
    let elsewhere = TestApp::start_on(app.options.clone(), |_| {}).await;
    // Each prunes when it starts, at some time: in the past nothing has expired.
    for instance in [&app, &elsewhere] {
        instance.set_time("2020-01-01T00:00:00Z");
    }
    let now = Clock::system().now();
    add_logins(&app, "demo", 3_500, now, EXPIRED).await;
    add_logins(&app, "demo", 10, now, STILL_KEPT).await;
    add_logins(&app, "other", 20, now, EXPIRED).await;
    let instances = [audit_at(&app, now), audit_at(&elsewhere, now)];
    let (one, two) = tokio::join!(instances[0].prune_logins(), instances[1].prune_logins());
    assert_eq!(one.unwrap() + two.unwrap(), 3_520);
    assert_eq!((count(&app, "demo").await, count(&app, "other").await), (10, 0));
}

#[tokio::test]
async fn pruning_starts_at_once_and_repeats() {
    let app = TestApp::start().await;
    app.store("demo").await;
    app.store("other").await;
    let now = Clock::system().now();
    add_logins(&app, "demo", 5, now, EXPIRED).await;
    let audit = audit_at(&app, now);
    let pruning = tokio::spawn(async move { audit.run_retention().await });
    let emptied = async {
        while count(&app, "demo").await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), emptied).await.expect("pruning should start at once");
    assert!(!pruning.is_finished(), "pruning should continue");
    pruning.abort();
}
