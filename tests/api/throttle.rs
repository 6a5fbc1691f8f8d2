//! The login throttle: lockouts after failed logins.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tableorder::config::Config;

use crate::support::{Answer, ApiClient, TestApp, answer, plain_database, wait_for_locks, with_query_count};

fn user(store: &str, username: &str, password: &str) -> Value {
    json!({"store_id": store, "username": username, "password": password})
}

fn table(store: &str, number: i64, password: &str) -> Value {
    json!({"store_id": store, "table_number": number, "password": password})
}

async fn login_user(client: &ApiClient, body: &Value) -> Answer {
    client.post("/admin/auth/login", body).await
}

async fn login_table(client: &ApiClient, body: &Value) -> Answer {
    client.post("/customer/auth/login", body).await
}

fn seconds_to_wait(answer: &Answer) -> u64 {
    answer.headers["retry-after"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn after_five_failures_an_account_is_locked_out_ever_longer() {
    let app = TestApp::start().await;
    app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let client = app.anonymous();
    // A user that does not exist is locked out too.
    for name in ["admin", "missing"] {
        for _ in 0..5 {
            login_user(&client, &user("demo", name, "wrong")).await.refused(401, "AUTH_FAILED");
        }
        let refused = login_user(&client, &user("demo", name, "admin1234")).await;
        assert_eq!(seconds_to_wait(&refused), 30);
        refused.refused(429, "TOO_MANY_REQUESTS");
    }
    // Other accounts are not affected: the same name at another store, or a table.
    login_user(&client, &user("other", "admin", "admin1234")).await.ok();
    login_table(&client, &table("demo", 1, "1234")).await.ok();

    for (moment, pause) in [("03:00:30", 60), ("03:01:30", 120), ("03:03:30", 240), ("03:07:30", 480)] {
        app.set_time(&format!("2026-11-20T{moment}Z"));
        login_user(&client, &user("demo", "admin", "wrong")).await.refused(401, "AUTH_FAILED");
        let refused = login_user(&client, &user("demo", "admin", "admin1234")).await;
        assert_eq!(seconds_to_wait(&refused), pause, "after {moment}");
        refused.refused(429, "TOO_MANY_REQUESTS");
    }
    // A valid login after the lockout resets the counter.
    app.set_time("2026-11-20T03:15:30Z");
    login_user(&client, &user("demo", "admin", "admin1234")).await.ok();
    for _ in 0..4 {
        login_user(&client, &user("demo", "admin", "wrong")).await.refused(401, "AUTH_FAILED");
    }
    login_user(&client, &user("demo", "admin", "admin1234")).await.ok();
}

#[tokio::test]
async fn attempts_during_a_cached_lockout_use_no_query() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let (client, admin) = (app.anonymous(), store.admin().await);
    let change = json!({"current_password": "wrong", "new_password": "12345678"});
    for (client, path, wrong) in [
        (&client, "/admin/auth/login", user("demo", "admin", "wrong")),
        (&client, "/customer/auth/login", table("demo", 1, "0000")),
        (&admin, "/admin/auth/password", change),
    ] {
        for _ in 0..5 {
            assert_ne!(client.post(path, &wrong).await.status, 429, "{path}");
        }
        // The first one reads the lockout. A check of the token sometimes costs a query.
        let mut fewest = u64::MAX;
        for _ in 0..10 {
            let (refused, queries) = with_query_count(client.request(Method::POST, path).json(&wrong)).await;
            refused.refused(429, "TOO_MANY_REQUESTS");
            fewest = fewest.min(queries);
        }
        assert_eq!(fewest, 0, "{path}");
    }
    login_user(&client, &user(&other.code, "admin", "admin1234")).await.ok();
    login_table(&client, &table(&other.code, 1, "1234")).await.ok();
}

#[tokio::test]
async fn instances_share_one_budget_and_one_guess_passes_after_a_lockout() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let elsewhere = TestApp::start_on(app.options.clone(), |_| {}).await;
    for instance in [&app, &elsewhere] {
        instance.set_time("2026-11-20T03:00:00Z");
    }
    let wrong = table(&store.code, 1, "0000");
    let clients = [app.anonymous(), elsewhere.anonymous()];
    for attempt in 0..5 {
        login_table(&clients[attempt % 2], &wrong).await.refused(401, "AUTH_FAILED");
    }
    for client in &clients {
        login_table(client, &table(&store.code, 1, "1234")).await.refused(429, "TOO_MANY_REQUESTS");
    }
    for instance in [&app, &elsewhere] {
        instance.set_time("2026-11-20T03:00:30Z");
    }
    let guesses = (0..64).map(|guess| login_table(&clients[guess % 2], &wrong));
    let statuses: Vec<u16> = join_all(guesses).await.into_iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 63, "{statuses:?}");
}

#[tokio::test]
async fn a_valid_login_does_not_reset_the_address_limit() {
    let app = TestApp::start_with(|config| {
        config.login.failures_per_address = 10;
        config.http.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let store = app.store("demo").await;
    app.store("other").await;
    let from = async |address: &str, body: &Value| {
        let request = app.anonymous().request(Method::POST, "/customer/auth/login");
        answer(request.header("X-Forwarded-For", address).json(body)).await
    };
    for number in 100..105 {
        from("198.51.100.7", &table(&store.code, number, "1234")).await.refused(401, "AUTH_FAILED");
        from("198.51.100.7", &table(&store.code, 1, "0000")).await.refused(401, "AUTH_FAILED");
        // Resets the failures of its own table only.
        from("198.51.100.7", &table(&store.code, 1, "1234")).await.ok();
    }
    for number in 105..110 {
        from("198.51.100.7", &table(&store.code, number, "1234")).await.refused(401, "AUTH_FAILED");
    }
    from("198.51.100.7", &table(&store.code, 1, "1234")).await.refused(429, "TOO_MANY_REQUESTS");
    from("198.51.100.8", &table(&store.code, 1, "1234")).await.ok();
    // Entries before the one appended by the trusted proxy come from the client and are ignored.
    from("198.51.100.9, 198.51.100.7", &table(&store.code, 1, "1234")).await.refused(429, "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn without_trusted_proxies_forwarded_addresses_are_ignored() {
    let app = TestApp::start_with(|config| config.login.failures_per_address = 3).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let from = async |address: &str, number: i64| {
        let request = app.anonymous().request(Method::POST, "/customer/auth/login");
        answer(request.header("X-Forwarded-For", address).json(&table(&store.code, number, "0000"))).await
    };
    for number in 0..3 {
        from(&format!("198.51.100.{number}"), 100 + number).await.refused(401, "AUTH_FAILED");
    }
    from("198.51.100.99", 1).await.refused(429, "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn guesses_of_the_current_password_are_throttled_too() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let admin = store.admin().await;
    let change = json!({"current_password": "wrong", "new_password": "12345678"});
    for _ in 0..5 {
        admin.post("/admin/auth/password", &change).await.refused(422, "VALIDATION_ERROR");
    }
    admin.post("/admin/auth/password", &change).await.refused(429, "TOO_MANY_REQUESTS");
    admin.get("/admin/auth/me").await.ok();
}

#[tokio::test]
async fn a_login_beyond_the_queue_gets_503_and_orders_continue() {
    // One store can use half of the queue.
    let app = TestApp::start_with(|config: &mut Config| config.login.queue = 4).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = store.tablet(1).await;
    let client = app.anonymous();
    let bodies: Vec<Value> = (0..40).map(|number| table(&store.code, 200 + number, "1234")).collect();
    let flood = join_all(bodies.iter().map(|body| login_table(&client, body)));
    let (answers, order) = tokio::join!(flood, tablet.order(&store.menus[..1]));
    order.ok();
    let (mut tried, mut refused) = (0, 0);
    for answer in answers {
        if answer.status == 503 {
            assert!(seconds_to_wait(&answer) > 0);
            answer.refused(503, "SERVICE_UNAVAILABLE");
            refused += 1;
        } else {
            answer.refused(401, "AUTH_FAILED");
            tried += 1;
        }
    }
    assert!(tried >= 2 && refused > 0, "{tried} tried, {refused} refused");
}

#[tokio::test]
async fn after_an_address_lockout_its_tablets_can_log_in_in_turn() {
    let app = TestApp::start_with(|config| config.login.failures_per_address = 3).await;
    let store = app.store("demo").await;
    app.store("other").await;
    app.set_time("2026-11-20T03:00:00Z");
    let client = app.anonymous();
    for number in 100..103 {
        login_table(&client, &table(&store.code, number, "0000")).await.refused(401, "AUTH_FAILED");
    }
    login_table(&client, &table(&store.code, 1, "1234")).await.refused(429, "TOO_MANY_REQUESTS");
    app.set_time("2026-11-20T03:00:30Z");
    for _ in 0..2 {
        for number in 1..=3 {
            login_table(&client, &table(&store.code, number, "1234")).await.ok();
        }
    }
    // After an hour without a failure the counter is reset.
    app.set_time("2026-11-20T04:00:01Z");
    for number in 200..203 {
        login_table(&client, &table(&store.code, number, "0000")).await.refused(401, "AUTH_FAILED");
    }
}

#[tokio::test]
async fn concurrent_valid_logins_do_not_reset_the_address_limit() {
    let app = TestApp::start_with(|config| config.login.failures_per_address = 20).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let client = app.anonymous();
    for number in 100..115 {
        login_table(&client, &table(&store.code, number, "0000")).await.refused(401, "AUTH_FAILED");
    }
    for _ in 0..4 {
        login_table(&client, &table(&store.code, 1, "0000")).await.refused(401, "AUTH_FAILED");
    }
    let good = table(&store.code, 1, "1234");
    for answer in join_all((0..12).map(|_| login_table(&client, &good))).await {
        answer.ok();
    }
    // Four of the nineteen failures are subtracted, once.
    for number in 115..120 {
        login_table(&client, &table(&store.code, number, "0000")).await.refused(401, "AUTH_FAILED");
    }
    login_table(&client, &good).await.refused(429, "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn a_disconnect_before_the_response_counts_as_an_attempt() {
    // Only failures can end this loop, not the limit of successful logins.
    let app = TestApp::start_with(|config| config.login.successes_per_account = 1_000_000).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let wrong = table(&store.code, 1, "0000");
    let mut disconnected = 0;
    while login_table(&app.anonymous(), &table(&store.code, 1, "1234")).await.status == 200 {
        // Each valid login resets the counter, so five attempts at a time.
        for pause in 0..5 {
            let client = app.anonymous();
            let guess = login_table(&client, &wrong);
            // Long enough for the attempt to start, too short for the response. The right value depends on the machine.
            if tokio::time::timeout(Duration::from_millis(8 + pause + disconnected / 2), guess).await.is_err() {
                disconnected += 1;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(disconnected < 200, "no guess was counted");
    }
}

#[tokio::test]
async fn a_new_password_ends_the_lockout() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let owner = store.admin().await;
    let mina = json!({"username": "mina", "password": "mina1234", "role": "staff"});
    let mina = format!("/admin/users/{}", owner.post("/admin/users", &mina).await.ok()["id"]);
    let client = app.anonymous();
    for _ in 0..5 {
        login_user(&client, &user("demo", "mina", "wrong")).await.refused(401, "AUTH_FAILED");
        login_table(&client, &table("demo", 1, "wrong")).await.refused(401, "AUTH_FAILED");
    }
    login_user(&client, &user("demo", "mina", "mina1234")).await.refused(429, "TOO_MANY_REQUESTS");
    login_table(&client, &table("demo", 1, "1234")).await.refused(429, "TOO_MANY_REQUESTS");
    owner.patch(&mina, &json!({"password": "a new one"})).await.ok();
    owner.patch(&format!("/admin/tables/{}", store.tables[0]), &json!({"password": "9876"})).await.ok();
    login_user(&client, &user("demo", "mina", "a new one")).await.ok();
    login_table(&client, &table("demo", 1, "9876")).await.ok();
}

#[tokio::test]
async fn concurrent_guesses_stay_within_the_budget() {
    let app = TestApp::start_on(plain_database().await, |_| {}).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let elsewhere = TestApp::start_on(app.options.clone(), |_| {}).await;
    let clients = [app.anonymous(), elsewhere.anonymous()];
    // While this lock is held no attempt can be counted, so that many attempts start at once.
    let mut holder = app.connection().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE login_throttle IN SHARE ROW EXCLUSIVE MODE").execute(&mut holder).await.unwrap();
    let guesses: Vec<_> = (0..40)
        .map(|guess| {
            let (client, wrong) = (clients[guess % 2].clone(), table(&store.code, 1, "0000"));
            tokio::spawn(async move { login_table(&client, &wrong).await })
        })
        .collect();
    wait_for_locks(&app.options, 8).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    let mut tried = 0;
    for guess in guesses {
        match guess.await.unwrap().status.as_u16() {
            401 => tried += 1,
            // On a slow machine an attempt may exceed its wait for the lock and get 503.
            429 | 503 => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(tried, 5);
    // Concurrent valid logins all succeed.
    let good = table(&store.code, 2, "1234");
    for login in join_all((0..40).map(|login| login_table(&clients[login % 2], &good))).await {
        login.ok();
    }
}

#[tokio::test]
async fn a_failure_from_a_fast_clock_locks_out_for_one_lockout_time() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    let a_day_ahead = TestApp::start_on(app.options.clone(), |_| {}).await;
    a_day_ahead.set_time("2026-11-21T03:00:00Z");
    for _ in 0..5 {
        login_table(&a_day_ahead.anonymous(), &table(&store.code, 1, "0000")).await.refused(401, "AUTH_FAILED");
    }
    app.set_time("2026-11-20T03:00:00Z");
    let client = app.anonymous();
    let refused = login_table(&client, &table(&store.code, 1, "1234")).await;
    assert_eq!(seconds_to_wait(&refused), 30);
    refused.refused(429, "TOO_MANY_REQUESTS");
    app.set_time("2026-11-20T03:00:30Z");
    login_table(&client, &table(&store.code, 1, "1234")).await.ok();
}

#[tokio::test]
async fn concurrent_failures_do_not_deadlock() {
    let options = plain_database().await;
    // With a long deadlock_timeout PostgreSQL does not resolve a deadlock, so the request would be refused.
    let settings = "DO $$ BEGIN
                     EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = %L', current_database(), '10min');
                   END $$";
    sqlx::raw_sql(settings).execute(&mut PgConnection::connect_with(&options).await.unwrap()).await.unwrap();
    let app = TestApp::start_on(options, |config| {
        (config.login.failures_per_account, config.login.failures_per_address) = (1_000, 1_000);
    })
    .await;
    let store = app.store("demo").await;
    app.store("other").await;
    let client = app.anonymous();
    // Several accounts, because the order of the two keys depends on their digests.
    let guesses = (0..80).map(|guess| table(&store.code, 100 + guess % 4, "0000"));
    let guesses: Vec<_> = guesses.collect();
    for answer in join_all(guesses.iter().map(|guess| login_table(&client, guess))).await {
        answer.refused(401, "AUTH_FAILED");
    }
}

#[tokio::test]
async fn queued_logins_leave_connections_for_orders() {
    let app = TestApp::start_on(plain_database().await, |config| config.database.max_connections = 8).await;
    let store = app.store("demo").await;
    app.store("other").await;
    let tablet = store.tablet(1).await;
    let client = app.anonymous();
    let mut holder = app.connection().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE login_throttle").execute(&mut holder).await.unwrap();
    let logins: Vec<_> = (0..40)
        .map(|number| {
            let (client, login) = (client.clone(), table(&store.code, 100 + number, "0000"));
            tokio::spawn(async move { login_table(&client, &login).await })
        })
        .collect();
    wait_for_locks(&app.options, 2).await;
    for _ in 0..5 {
        tablet.order(&store.menus[..1]).await.ok();
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    for login in logins {
        let status = login.await.unwrap().status.as_u16();
        assert!([401, 503].contains(&status), "{status}");
    }
}
