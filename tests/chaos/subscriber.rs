//! A dashboard or tablet that reconnects to random instances with its last event id.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::sse::{Buffer, Event};
use crate::stores::Store;

/// After writing has ended, a stream without an event for this long has delivered everything.
const DRAIN_IDLE: Duration = Duration::from_secs(3);

/// A received event.
#[derive(Debug)]
pub struct Received {
    pub seq: i64,
    pub kind: String,
    pub data_hash: u64,
    pub at: SystemTime,
}

/// The events that one subscriber received in one scope, from its first `connected` event on.
#[derive(Debug)]
pub struct Record {
    pub store: String,
    /// The session of a tablet; `None` for a dashboard, which receives all events.
    pub session: Option<i64>,
    pub from: i64,
    pub received: Vec<Received>,
    pub resets: usize,
}

pub struct Subscriber {
    cluster: Arc<Cluster>,
    rng: StdRng,
    /// Stays connected until the server closes the stream. This finds a stream that stopped delivering: a reconnect would
    /// hide it, because the replay delivers what was missed.
    stays_connected: bool,
    store: Store,
    /// The index of the tablet's table; `None` for a dashboard.
    table: Option<usize>,
    token: String,
    session: Option<i64>,
    last_id: Option<String>,
    records: Vec<Record>,
}

/// A hash that is the same for received and stored data.
pub fn hash_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Subscriber {
    pub fn new(cluster: Arc<Cluster>, mut rng: StdRng, store: Store, table: Option<usize>) -> Self {
        let token = table.map_or(&store.admin, |table| &store.tables[table]).clone();
        let stays_connected = table.is_none() && rng.random::<bool>();
        Self { cluster, rng, stays_connected, store, table, token, session: None, last_id: None, records: Vec::new() }
    }

    pub async fn run(mut self, draining: Arc<AtomicBool>) -> Vec<Record> {
        loop {
            if self.table.is_some() && self.session.is_none() && !self.join_session().await {
                continue;
            }
            let Some(response) = self.connect().await else {
                tokio::time::sleep(Duration::from_millis(self.rng.random_range(20..200))).await;
                continue;
            };
            if self.read(response, &draining).await {
                return self.records;
            }
        }
    }

    /// Joins the current session of the tablet's table.
    async fn join_session(&mut self) -> bool {
        let request = self.cluster.http.post(self.cluster.url(&mut self.rng, "/customer/auth/session"));
        let response = request.bearer_auth(&self.token).timeout(self.cluster.timeout()).send().await;
        let login: Value = match response {
            Ok(response) if response.status().is_success() => match response.json().await {
                Ok(login) => login,
                Err(_) => return false,
            },
            _ => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                return false;
            }
        };
        login["token"].as_str().unwrap().clone_into(&mut self.token);
        self.session = login["session_id"].as_i64();
        self.last_id = None;
        true
    }

    async fn connect(&mut self) -> Option<Response> {
        let path = if self.table.is_some() { "/customer/orders/stream" } else { "/admin/orders/stream" };
        let mut request = self.cluster.http.get(self.cluster.url(&mut self.rng, path)).bearer_auth(&self.token);
        if let Some(id) = &self.last_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = tokio::time::timeout(self.cluster.timeout(), request.send()).await;
        match response {
            Ok(Ok(response)) if response.status().is_success() => return Some(response),
            // The session was completed before this tablet had a stream; with a stream, the tablet receives the event.
            Ok(Ok(response)) if response.status() == StatusCode::CONFLICT && self.last_id.is_none() => {
                self.session = None;
            }
            Ok(Ok(response)) => self.cluster.failed(path, response.status()),
            Ok(Err(error)) => self.cluster.failed(path, format_args!("{error:?}")),
            Err(_) => self.cluster.failed(path, "no response"),
        }
        None
    }

    /// Reads for a random time, or until the stream is closed. Returns `true` when writing has ended and no event has come
    /// for long enough since.
    async fn read(&mut self, mut response: Response, draining: &AtomicBool) -> bool {
        let mut buffer = Buffer::default();
        let leave_at = Instant::now() + Duration::from_millis(self.rng.random_range(200..4000));
        let mut idle_since = None;
        loop {
            while let Some(event) = buffer.next_event() {
                idle_since = None;
                if self.take(event) {
                    // The session is completed; the next session is a new scope.
                    self.session = None;
                    return false;
                }
            }
            if draining.load(Ordering::SeqCst) {
                let since = *idle_since.get_or_insert_with(Instant::now);
                if since.elapsed() > DRAIN_IDLE {
                    return true;
                }
            } else if !self.stays_connected && Instant::now() > leave_at {
                return false;
            }
            match tokio::time::timeout(Duration::from_millis(100), response.chunk()).await {
                Ok(Ok(Some(piece))) => buffer.push(&piece),
                Ok(Ok(None)) => panic!("the server should abort a stream, not end it"),
                Ok(Err(_)) => return false,
                Err(_) => {}
            }
        }
    }

    /// Records an event; returns `true` when it ends this tablet's session.
    fn take(&mut self, event: Event) -> bool {
        match event.name.as_str() {
            "connected" => match &self.last_id {
                None => self.records.push(Record {
                    store: self.store.code.clone(),
                    session: self.session,
                    from: event.seq(),
                    received: Vec::new(),
                    resets: 0,
                }),
                Some(last_id) => {
                    let resets = self.records.last().unwrap().resets;
                    assert!(resets > 0 || *last_id == event.id, "the stream resumes at the client's cursor");
                }
            },
            "reset" => self.records.last_mut().unwrap().resets += 1,
            _ => {
                let received =
                    Received { seq: event.seq(), kind: event.name.clone(), data_hash: hash_of(&event.text), at: now() };
                self.records.last_mut().unwrap().received.push(received);
            }
        }
        self.last_id = Some(event.id);
        event.name == "session_completed" && self.table.is_some()
    }
}

#[expect(clippy::disallowed_methods, reason = "compared with the times that the servers wrote")]
fn now() -> SystemTime {
    SystemTime::now()
}
