//! Token revocation and the cache of token checks.

use std::time::Duration;

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::{ApiClient, TestApp, TestStore, with_query_count};

/// A request that needs an admin token and no query of its own.
const TICKET: &str = "/admin/orders/stream/ticket";

/// The documented limit within which a revocation applies on other instances, even when notifications are lost.
const REVOCATION_DEADLINE: Duration = Duration::from_secs(2);

/// A token and a request that uses it.
#[derive(Clone)]
struct TokenUse {
    client: ApiClient,
    method: Method,
    path: &'static str,
    /// The number of queries with a cached token check.
    cached_queries: u64,
    /// The error once the token is revoked.
    refused: (u16, &'static str),
}

impl TokenUse {
    fn admin(client: ApiClient) -> Self {
        Self { client, method: Method::POST, path: TICKET, cached_queries: 0, refused: (401, "INVALID_TOKEN") }
    }

    fn tablet(client: ApiClient) -> Self {
        Self { client, method: Method::GET, path: "/customer/menu", cached_queries: 0, refused: (401, "INVALID_TOKEN") }
    }

    /// The same request on another instance.
    fn on(&self, app: &TestApp) -> Self {
        Self { client: app.anonymous().with_token(self.client.token()), ..self.clone() }
    }

    async fn queries(&self) -> u64 {
        let (answer, queries) = with_query_count(self.client.request(self.method.clone(), self.path)).await;
        answer.ok();
        queries
    }

    /// Repeats the request until the token check is cached.
    async fn warm_up(&self) {
        let started = Instant::now();
        while self.queries().await > self.cached_queries {
            assert!(started.elapsed() < Duration::from_secs(10), "the token check should be cached by now");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_valid(&self) -> bool {
        let answer = with_query_count(self.client.request(self.method.clone(), self.path)).await.0;
        if answer.status.is_success() {
            return true;
        }
        answer.refused(self.refused.0, self.refused.1);
        false
    }
}

/// Every kind of revocation: the token that it ends, and the request that does it. The last one takes a role away.
async fn revocations(store: &TestStore) -> Vec<(TokenUse, Method, String, ApiClient, Value)> {
    let owner = store.admin().await;
    let create_user = async |name: &str, role: &str| {
        let body = json!({"username": name, "password": "mina1234", "role": role});
        let id = owner.post("/admin/users", &body).await.ok()["id"].clone();
        (store.login(name, "mina1234").await, format!("/admin/users/{id}"))
    };
    let (out, _) = create_user("logs-out", "staff").await;
    let (changes, _) = create_user("changes", "staff").await;
    let changes_elsewhere = store.login("changes", "mina1234").await;
    let (reset, reset_path) = create_user("reset", "staff").await;
    let (gone, gone_path) = create_user("gone", "staff").await;
    let (demoted, demoted_path) = create_user("demoted", "owner").await;
    let lost = store.tablet(3).await;
    let devices = owner.get("/admin/devices").await.ok();
    let lost_path = format!("/admin/devices/{}", devices["devices"][0]["id"]);
    let table = |index: usize| format!("/admin/tables/{}", store.tables[index]);
    let passwords = json!({"current_password": "mina1234", "new_password": "mina5678"});
    let new_password = json!({"password": "5678"});
    let owners_only = TokenUse {
        method: Method::GET,
        path: "/admin/users",
        cached_queries: 1,
        refused: (403, "FORBIDDEN"),
        ..TokenUse::admin(demoted)
    };
    vec![
        (TokenUse::admin(out.clone()), Method::POST, "/admin/auth/logout".into(), out, json!({})),
        (TokenUse::admin(changes_elsewhere), Method::POST, "/admin/auth/password".into(), changes, passwords),
        (TokenUse::admin(reset), Method::PATCH, reset_path, owner.clone(), new_password.clone()),
        (TokenUse::admin(gone), Method::DELETE, gone_path, owner.clone(), json!({})),
        (TokenUse::tablet(store.tablet(1).await), Method::PATCH, table(0), owner.clone(), new_password),
        (TokenUse::tablet(store.tablet(2).await), Method::DELETE, table(1), owner.clone(), json!({})),
        (TokenUse::tablet(lost), Method::DELETE, lost_path, owner.clone(), json!({})),
        (owners_only, Method::PATCH, demoted_path, owner, json!({"role": "staff"})),
    ]
}

#[tokio::test]
async fn a_cached_token_check_is_unaffected_by_other_stores() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let uses = [TokenUse::admin(store.admin().await), TokenUse::tablet(store.tablet(1).await)];
    for token in &uses {
        assert!(token.queries().await > 0, "the first check should query the database");
        token.warm_up().await;
    }
    // Longer than the TTL of a version without a poll.
    for _ in 0..30 {
        other.admin().await.post("/admin/auth/logout", &json!({})).await.ok();
        for token in &uses {
            assert!(token.is_valid().await);
        }
        sleep(Duration::from_millis(50)).await;
    }
    for token in &uses {
        token.warm_up().await;
        assert_eq!(token.queries().await, 0);
    }
    // A logout in the own store costs one query.
    store.admin().await.post("/admin/auth/logout", &json!({})).await.ok();
    assert_eq!([uses[0].queries().await, uses[0].queries().await], [1, 0]);
}

#[tokio::test]
async fn a_revocation_applies_at_once_here_and_in_two_seconds_elsewhere() {
    for wake_ups in [false, true] {
        let app = TestApp::start_with(|config| config.events.wake_ups = wake_ups).await;
        let store = app.store("demo").await;
        app.store("other").await;
        let second = TestApp::start_on(app.options.clone(), |config| config.events.wake_ups = wake_ups).await;
        for (here, method, path, by, body) in revocations(&store).await {
            let there = here.on(&second);
            here.warm_up().await;
            there.warm_up().await;
            by.request(method.clone(), &path).json(&body).send().await.unwrap().error_for_status().unwrap();
            let revoked = Instant::now();
            assert!(!here.is_valid().await, "{method} {path} should apply at once on the same instance");
            while there.is_valid().await {
                assert!(revoked.elapsed() < REVOCATION_DEADLINE, "{method} {path}, wake-ups {wake_ups}");
                sleep(Duration::from_millis(10)).await;
            }
            assert!(revoked.elapsed() < REVOCATION_DEADLINE, "{method} {path}, wake-ups {wake_ups}");
        }
    }
}

#[tokio::test]
async fn a_token_check_in_flight_during_a_revocation_is_not_cached() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    for _ in 0..20 {
        let token = TokenUse::admin(store.admin().await);
        // None of the checks is cached, because of another logout just before.
        store.admin().await.post("/admin/auth/logout", &json!({})).await.ok();
        let asking = join_all((0..10).map(|_| token.is_valid()));
        let logging_out = async { token.client.post("/admin/auth/logout", &json!({})).await.ok() };
        join(asking, logging_out).await;
        assert!(!token.is_valid().await);
    }
}
