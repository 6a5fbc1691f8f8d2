//! Tokens are remembered for as long as nothing was revoked, and not a moment longer.

use std::time::Duration;

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::{ApiClient, TestApp, TestStore, counted};

/// What needs an admin token and nothing else of the database.
const TICKET: &str = "/admin/orders/stream/ticket";

/// How long a revocation may take to count on another instance, whatever is lost. The promise is two seconds.
const COUNTS_WITHIN: Duration = Duration::from_secs(2);

/// A token, and something it opens.
#[derive(Clone)]
struct Pass {
    client: ApiClient,
    method: Method,
    path: &'static str,
    /// What that takes with a token that is remembered.
    least_queries: u64,
    /// What it is answered once it is revoked.
    refused: (u16, &'static str),
}

impl Pass {
    fn admin(client: ApiClient) -> Self {
        Self { client, method: Method::POST, path: TICKET, least_queries: 0, refused: (401, "INVALID_TOKEN") }
    }

    fn tablet(client: ApiClient) -> Self {
        Self { client, method: Method::GET, path: "/customer/menu", least_queries: 0, refused: (401, "INVALID_TOKEN") }
    }

    /// The same on another instance.
    fn on(&self, app: &TestApp) -> Self {
        Self { client: app.anonymous().with_token(self.client.token()), ..self.clone() }
    }

    async fn queries(&self) -> u64 {
        let (answer, queries) = counted(self.client.request(self.method.clone(), self.path)).await;
        answer.ok();
        queries
    }

    /// Uses it until it is remembered.
    async fn warm_up(&self) {
        let started = Instant::now();
        while self.queries().await > self.least_queries {
            assert!(started.elapsed() < Duration::from_secs(10), "it should be remembered by now");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn counts(&self) -> bool {
        let answer = counted(self.client.request(self.method.clone(), self.path)).await.0;
        if answer.status.is_success() {
            return true;
        }
        answer.refused(self.refused.0, self.refused.1);
        false
    }
}

/// Everything that can be revoked, each with what it ends; the last is a role that was taken away.
async fn revocations(store: &TestStore) -> Vec<(Pass, Method, String, ApiClient, Value)> {
    let owner = store.admin().await;
    let account = async |name: &str, role: &str| {
        let body = json!({"username": name, "password": "mina1234", "role": role});
        let id = owner.post("/admin/users", &body).await.ok()["id"].clone();
        (store.login(name, "mina1234").await, format!("/admin/users/{id}"))
    };
    let (out, _) = account("logs-out", "staff").await;
    let (changes, _) = account("changes", "staff").await;
    let changes_elsewhere = store.login("changes", "mina1234").await;
    let (reset, reset_path) = account("reset", "staff").await;
    let (gone, gone_path) = account("gone", "staff").await;
    let (demoted, demoted_path) = account("demoted", "owner").await;
    let lost = store.tablet(3).await;
    let devices = owner.get("/admin/devices").await.ok();
    let lost_path = format!("/admin/devices/{}", devices["devices"][0]["id"]);
    let table = |place: usize| format!("/admin/tables/{}", store.tables[place]);
    let passwords = json!({"current_password": "mina1234", "new_password": "mina5678"});
    let new_password = json!({"password": "5678"});
    let owners_only = Pass {
        method: Method::GET,
        path: "/admin/users",
        least_queries: 1,
        refused: (403, "FORBIDDEN"),
        ..Pass::admin(demoted)
    };
    vec![
        (Pass::admin(out.clone()), Method::POST, "/admin/auth/logout".into(), out, json!({})),
        (Pass::admin(changes_elsewhere), Method::POST, "/admin/auth/password".into(), changes, passwords),
        (Pass::admin(reset), Method::PATCH, reset_path, owner.clone(), new_password.clone()),
        (Pass::admin(gone), Method::DELETE, gone_path, owner.clone(), json!({})),
        (Pass::tablet(store.tablet(1).await), Method::PATCH, table(0), owner.clone(), new_password),
        (Pass::tablet(store.tablet(2).await), Method::DELETE, table(1), owner.clone(), json!({})),
        (Pass::tablet(lost), Method::DELETE, lost_path, owner.clone(), json!({})),
        (owners_only, Method::PATCH, demoted_path, owner, json!({"role": "staff"})),
    ]
}

#[tokio::test]
async fn a_token_in_use_costs_no_query_whoever_logs_out_elsewhere() {
    let app = TestApp::start().await;
    let (store, other) = (app.store("demo").await, app.store("other").await);
    let passes = [Pass::admin(store.admin().await), Pass::tablet(store.tablet(1).await)];
    for pass in &passes {
        assert!(pass.queries().await > 0, "the database knows");
        pass.warm_up().await;
    }
    // Longer than an answer of the database used to be believed, and than a version is without being polled.
    for _ in 0..30 {
        other.admin().await.post("/admin/auth/logout", &json!({})).await.ok();
        for pass in &passes {
            assert!(pass.counts().await);
        }
        sleep(Duration::from_millis(50)).await;
    }
    for pass in &passes {
        pass.warm_up().await;
        assert_eq!(pass.queries().await, 0);
    }
    // In the own store it is asked again, once.
    store.admin().await.post("/admin/auth/logout", &json!({})).await.ok();
    assert_eq!([passes[0].queries().await, passes[0].queries().await], [1, 0]);
}

#[tokio::test]
async fn what_is_revoked_counts_at_once_here_and_within_two_seconds_elsewhere() {
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
            assert!(!here.counts().await, "{method} {path} counts at once where it was done");
            while there.counts().await {
                assert!(revoked.elapsed() < COUNTS_WITHIN, "{method} {path}, wake-ups {wake_ups}");
                sleep(Duration::from_millis(10)).await;
            }
            assert!(revoked.elapsed() < COUNTS_WITHIN, "{method} {path}, wake-ups {wake_ups}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_was_under_way_when_its_token_was_revoked_is_not_believed_after() {
    let app = TestApp::start().await;
    let store = app.store("demo").await;
    app.store("other").await;
    for _ in 0..20 {
        let pass = Pass::admin(store.admin().await);
        // All of them find nothing remembered, since somebody else has just logged out.
        store.admin().await.post("/admin/auth/logout", &json!({})).await.ok();
        let asking = join_all((0..10).map(|_| pass.counts()));
        let logging_out = async { pass.client.post("/admin/auth/logout", &json!({})).await.ok() };
        join(asking, logging_out).await;
        assert!(!pass.counts().await);
    }
}
