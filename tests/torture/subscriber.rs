//! A dashboard or a tablet that keeps reconnecting, with the last id it saw, to random instances.

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

/// Once writing has ended, a stream that tells nothing for so long has told everything.
const SILENCE: Duration = Duration::from_secs(3);

/// An event as it was received.
#[derive(Debug)]
pub struct Received {
    pub seq: i64,
    pub kind: String,
    pub data_hash: u64,
    pub at: SystemTime,
}

/// What one subscriber saw of one scope, from its first `connected` to its end.
#[derive(Debug)]
pub struct Record {
    pub store: String,
    /// The session a tablet saw; a dashboard sees everything.
    pub session: Option<i64>,
    pub from: i64,
    pub received: Vec<Received>,
    pub resets: usize,
}

pub struct Subscriber {
    cluster: Arc<Cluster>,
    rng: StdRng,
    /// Stays connected until it is broken off, to the very end: a stream gone deaf is not healed by resuming.
    is_faithful: bool,
    store: Store,
    /// Which table's tablet; none for a dashboard.
    table: Option<usize>,
    token: String,
    session: Option<i64>,
    last_id: Option<String>,
    records: Vec<Record>,
}

/// The same for the received and for the stored.
pub fn hash_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Subscriber {
    /// A dashboard, or the tablet of a table.
    pub fn new(cluster: Arc<Cluster>, mut rng: StdRng, store: Store, table: Option<usize>) -> Self {
        let token = table.map_or(&store.admin, |table| &store.tables[table]).clone();
        let is_faithful = table.is_none() && rng.random::<bool>();
        Self { cluster, rng, is_faithful, store, table, token, session: None, last_id: None, records: Vec::new() }
    }

    pub async fn run(mut self, draining: Arc<AtomicBool>) -> Vec<Record> {
        loop {
            if self.table.is_some() && self.session.is_none() && !self.sit_down().await {
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

    /// A tablet takes the table's current session.
    async fn sit_down(&mut self) -> bool {
        let request = self.cluster.http.post(self.cluster.url(&mut self.rng, "/customer/auth/session"));
        let answer = request.bearer_auth(&self.token).timeout(self.cluster.patience()).send().await;
        let login: Value = match answer {
            Ok(answer) if answer.status().is_success() => match answer.json().await {
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
        let answer = tokio::time::timeout(self.cluster.patience(), request.send()).await;
        match answer {
            Ok(Ok(answer)) if answer.status().is_success() => return Some(answer),
            // The party left before its tablet had a stream; one that had sees the end on it.
            Ok(Ok(answer)) if answer.status() == StatusCode::CONFLICT && self.last_id.is_none() => self.session = None,
            Ok(Ok(answer)) => self.cluster.failed(path, answer.status()),
            Ok(Err(error)) => self.cluster.failed(path, format_args!("{error:?}")),
            Err(_) => self.cluster.failed(path, "no answer"),
        }
        None
    }

    /// Reads for a while, or until the stream is broken off. `true` when writing has ended and it was silent
    /// for long enough since.
    async fn read(&mut self, mut response: Response, draining: &AtomicBool) -> bool {
        let mut buffer = Buffer::default();
        let leave_at = Instant::now() + Duration::from_millis(self.rng.random_range(200..4000));
        let mut silent_since = None;
        loop {
            while let Some(event) = buffer.next_event() {
                silent_since = None;
                if self.take(event) {
                    // The party has left; the next one has a stream of its own.
                    self.session = None;
                    return false;
                }
            }
            if draining.load(Ordering::SeqCst) {
                let since = *silent_since.get_or_insert_with(Instant::now);
                if since.elapsed() > SILENCE {
                    return true;
                }
            } else if !self.is_faithful && Instant::now() > leave_at {
                return false;
            }
            match tokio::time::timeout(Duration::from_millis(100), response.chunk()).await {
                Ok(Ok(Some(piece))) => buffer.push(&piece),
                Ok(Ok(None)) => panic!("a stream must never end in an orderly way"),
                Ok(Err(_)) => return false,
                Err(_) => {}
            }
        }
    }

    /// Notes an event; `true` when it was the end of this tablet's session.
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
                    assert!(resets > 0 || *last_id == event.id, "it goes on from the client's own cursor");
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

#[expect(clippy::disallowed_methods, reason = "compared with the time the servers wrote")]
fn now() -> SystemTime {
    SystemTime::now()
}
