//! The guests and admins of one table: they send orders, status changes, cancellations and completions to random
//! instances.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::stores::Store;

/// An acknowledged change, with the name that its event has.
#[derive(Debug)]
pub struct Acknowledged {
    pub store: String,
    pub change: String,
}

pub struct Writer {
    cluster: Arc<Cluster>,
    rng: StdRng,
    store: Store,
    token: String,
    /// This table's live orders that the writer has placed, with their status.
    live: Vec<(i64, &'static str)>,
    acknowledged: Vec<Acknowledged>,
}

impl Writer {
    pub fn new(cluster: Arc<Cluster>, rng: StdRng, store: Store, table: usize) -> Self {
        let token = store.tables[table].clone();
        Self { cluster, rng, store, token, live: Vec::new(), acknowledged: Vec::new() }
    }

    pub async fn run(mut self, writing: Arc<AtomicBool>) -> Vec<Acknowledged> {
        while writing.load(Ordering::SeqCst) {
            match self.rng.random_range(0..100_u8) {
                0..60 => self.order().await,
                60..88 => self.advance().await,
                88..94 => self.cancel().await,
                _ => self.complete().await,
            }
            tokio::time::sleep(Duration::from_millis(self.rng.random_range(5..60))).await;
        }
        self.acknowledged
    }

    async fn order(&mut self) {
        let menu = self.store.menus.choose(&mut self.rng).unwrap();
        let body = json!({"items": [{"menu_id": menu, "quantity": self.rng.random_range(1..5)}]});
        let token = self.token.clone();
        match self.send(Method::POST, "/customer/orders", &token, &body).await {
            Some((201, order)) => {
                let id = order["id"].as_i64().unwrap();
                self.live.push((id, "pending"));
                self.acknowledge(format!("new_order {id}"));
            }
            Some((409, _)) => self.next_session().await,
            _ => {}
        }
    }

    async fn advance(&mut self) {
        let Some(index) = self.random_live_order() else { return };
        let (id, status) = self.live[index];
        let next = match status {
            "pending" => "preparing",
            "preparing" => "completed",
            _ => return,
        };
        let path = format!("/admin/orders/{id}/status");
        let admin = self.store.admin.clone();
        match self.send(Method::PATCH, &path, &admin, &json!({"status": next})).await {
            Some((200, _)) => {
                self.live[index].1 = next;
                self.acknowledge(format!("order_updated {id} {next}"));
            }
            Some((404 | 409, _)) => drop(self.live.swap_remove(index)),
            _ => {}
        }
    }

    async fn cancel(&mut self) {
        let Some(index) = self.random_live_order() else { return };
        let (id, _) = self.live[index];
        let admin = self.store.admin.clone();
        match self.send(Method::DELETE, &format!("/admin/orders/{id}"), &admin, &Value::Null).await {
            Some((200, _)) => {
                self.live.swap_remove(index);
                self.acknowledge(format!("order_deleted {id}"));
            }
            Some((404 | 409, _)) => drop(self.live.swap_remove(index)),
            _ => {}
        }
    }

    async fn complete(&mut self) {
        let token = self.token.clone();
        let Some((200, login)) = self.send(Method::POST, "/customer/auth/session", &token, &Value::Null).await else {
            return;
        };
        let path = format!("/admin/tables/{}/complete", login["table_id"]);
        let admin = self.store.admin.clone();
        if let Some((200, done)) = self.send(Method::POST, &path, &admin, &Value::Null).await {
            self.acknowledge(format!("session_completed {}", done["session_id"]));
            self.live.clear();
            self.next_session().await;
        }
    }

    /// Joins the table's next session.
    async fn next_session(&mut self) {
        let token = self.token.clone();
        if let Some((200, login)) = self.send(Method::POST, "/customer/auth/session", &token, &Value::Null).await {
            login["token"].as_str().unwrap().clone_into(&mut self.token);
            self.live.clear();
        }
    }

    fn random_live_order(&mut self) -> Option<usize> {
        (!self.live.is_empty()).then(|| self.rng.random_range(0..self.live.len()))
    }

    fn acknowledge(&mut self, change: String) {
        self.cluster.acknowledged.fetch_add(1, Ordering::Relaxed);
        self.acknowledged.push(Acknowledged { store: self.store.code.clone(), change });
    }

    /// The status and body of the response; `None` when there was no response and the outcome is unknown.
    async fn send(&mut self, method: Method, path: &str, token: &str, body: &Value) -> Option<(u16, Value)> {
        let url = self.cluster.url(&mut self.rng, path);
        let mut request = self.cluster.http.request(method, url).bearer_auth(token).timeout(self.cluster.timeout());
        if !body.is_null() {
            request = request.json(body);
        }
        // With an idempotency key in half of the requests, because some clients send none.
        if self.rng.random::<bool>() {
            request = request.header("Idempotency-Key", format!("{:032x}", self.rng.random::<u128>()));
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                self.cluster.failed(path, format_args!("{error:?}"));
                return None;
            }
        };
        let status = response.status().as_u16();
        if status >= 500 {
            self.cluster.failed(path, status);
        }
        assert!(status < 500 || status == 503, "{path}: {status} {}", response.text().await.unwrap_or_default());
        assert_ne!(status, 401, "{path}");
        Some((status, response.json().await.ok()?))
    }
}
