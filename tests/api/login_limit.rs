//! The limit of successful logins per account.

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_json::json;

use crate::support::{Answer, TestApp, TestStore, plain_database};

async fn login_table(app: &TestApp, store: &TestStore, number: i64, password: &str) -> Answer {
    let body = json!({"store_id": store.code, "table_number": number, "password": password});
    app.anonymous().post("/customer/auth/login", &body).await
}

async fn login_admin(app: &TestApp, store: &TestStore, password: &str) -> Answer {
    let body = json!({"store_id": store.code, "username": "admin", "password": password});
    app.anonymous().post("/admin/auth/login", &body).await
}

#[track_caller]
fn assert_limited(answer: Answer, seconds: &str) {
    assert_eq!(answer.headers["retry-after"], seconds);
    answer.refused(429, "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn instances_share_one_limit_of_successful_logins_per_account() {
    let app = TestApp::start_with(|config| config.login.successes_per_account = 4).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let elsewhere = TestApp::start_on(app.options.clone(), |config| config.login.successes_per_account = 4).await;
    let instances = [&app, &elsewhere];
    let set_time = |moment: &str| instances.map(|instance| instance.set_time(moment));
    set_time("2026-11-20T03:00:00Z");
    for attempt in 0..4 {
        login_table(instances[attempt % 2], &store, 1, "1234").await.ok();
        login_admin(instances[attempt % 2], &store, "admin1234").await.ok();
    }
    for instance in instances {
        assert_limited(login_table(instance, &store, 1, "1234").await, "900");
        // The limit applies before the password check, so a wrong password gets the same response.
        assert_limited(login_table(instance, &store, 1, "0000").await, "900");
        assert_limited(login_admin(instance, &store, "admin1234").await, "900");
        // Other accounts are not affected: another table, and the same names at the other store.
        login_table(instance, &store, 2, "1234").await.ok();
        login_table(instance, &other, 1, "1234").await.ok();
        login_admin(instance, &other, "admin1234").await.ok();
    }
    set_time("2026-11-20T03:15:00Z");
    login_table(&app, &store, 1, "1234").await.ok();
    assert_limited(login_table(&elsewhere, &store, 1, "1234").await, "900");
    set_time("2026-11-20T04:15:00Z");
    for attempt in 0..4 {
        login_table(instances[attempt % 2], &store, 1, "1234").await.ok();
    }
    assert_limited(login_table(&elsewhere, &store, 1, "1234").await, "900");
}

#[tokio::test]
async fn wrong_passwords_do_not_count_as_successful_logins() {
    let app = TestApp::start_with(|config| {
        (config.login.successes_per_account, config.login.failures_per_account) = (2, 100);
    })
    .await;
    let store = app.store("demo").await;
    app.store("other").await;
    for _ in 0..10 {
        login_table(&app, &store, 1, "0000").await.refused(401, "AUTH_FAILED");
        login_table(&app, &store, 99, "1234").await.refused(401, "AUTH_FAILED");
    }
    for _ in 0..2 {
        login_table(&app, &store, 1, "1234").await.ok();
    }
    login_table(&app, &store, 1, "1234").await.refused(429, "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn simultaneous_logins_stay_within_the_limit() {
    let limit = |config: &mut tableorder::config::Config| config.login.successes_per_account = 7;
    let app = TestApp::start_on(plain_database().await, limit).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let elsewhere = TestApp::start_on(app.options.clone(), limit).await;
    let instances = [&app, &elsewhere];
    let logins = (0..16).map(|attempt| login_table(instances[attempt % 2], &store, 1, "1234"));
    let statuses: Vec<u16> = join_all(logins).await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 7, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 9, "{statuses:?}");
    let recorded = "SELECT count(*) FROM audit_log WHERE action = 'table.login'";
    let recorded: i64 = sqlx::query_scalar(recorded).fetch_one(&mut app.connection().await).await.unwrap();
    assert_eq!(recorded, 7);
}

#[tokio::test]
async fn a_new_password_resets_the_limit() {
    let app = TestApp::start_with(|config| config.login.successes_per_account = 2).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let owner = store.admin().await;
    for _ in 0..2 {
        login_table(&app, &store, 1, "1234").await.ok();
    }
    login_table(&app, &store, 1, "1234").await.refused(429, "TOO_MANY_REQUESTS");
    owner.patch(&format!("/admin/tables/{}", store.tables[0]), &json!({"password": "9876"})).await.ok();
    login_table(&app, &store, 1, "9876").await.ok();
}

#[tokio::test]
async fn the_passwords_of_one_store_leave_a_part_of_the_queue_to_others() {
    let app = TestApp::start_with(|config| config.login.queue = 8).await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let admin = &store.admin().await;
    let mut changes: FuturesUnordered<_> =
        (101..=120)
            .map(|number| async move {
                admin.post("/admin/tables", &json!({"table_number": number, "password": "1234"})).await
            })
            .collect();
    let mut answers = vec![changes.next().await.unwrap()];
    while answers.last().unwrap().status != 503 {
        answers.push(changes.next().await.expect("a change should be refused"));
    }
    // The queue is as full as this store can make it.
    let error = answers.pop().unwrap().refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!((&error["limit"], &error["maximum"]), (&json!("queued_passwords"), &json!(8)));
    login_table(&app, &other, 1, "1234").await.ok();
    login_admin(&app, &other, "admin1234").await.ok();
    let changes: Vec<_> = changes.collect().await;
    assert!(answers.iter().chain(&changes).any(|answer| answer.status == 201));
}
