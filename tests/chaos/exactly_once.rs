//! One idempotency key creates exactly one order, even when clients time out and instances are killed.
//!
//! For each key, 64 concurrent posts send the same order to random instances. Some clients disconnect before the
//! response, and instances are killed meanwhile; a client without a response retries until it has one.
//! Afterwards each key has one order and one event, and all its responses are the same bytes.
//!
//! The short run is part of the normal tests. The long run uses 1,000 keys:
//!
//! ```sh
//! cargo test --release --test chaos exactly_once -- --ignored --nocapture     # CHAOS_KEYS=1000, CHAOS_SEED=…
//! ```

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{join_all, ready};
use futures_util::stream::{self, StreamExt};
use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::number;
use crate::stores::Store;

const POSTS_PER_KEY: usize = 64;

/// The number of keys that race concurrently. Each post uses a connection, so this bounds the open files.
const CONCURRENT_KEYS: usize = 6;

/// The run continues with new keys until this many instances were killed, on a fast machine too.
const MIN_KILLS: usize = 5;

/// The percentage of posts whose client disconnects early.
const CUT_PERCENT: u8 = 30;

/// How long a client waits for a response before it retries.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long all instances run before one of them is killed, in milliseconds.
const KILL_INTERVAL_MS: std::ops::Range<u64> = 50..400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_creates_exactly_one_order() {
    run("exactly-once", 30, 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; see the top of the file"]
async fn a_thousand_keys_create_exactly_one_order_each() {
    let keys = usize::try_from(number("CHAOS_KEYS", 1_000)).unwrap();
    let seed = number("CHAOS_SEED", u64::from(std::process::id()));
    run("exactly-once-long", keys, seed).await;
}

/// An idempotency key, with its order and a different order that must be refused under the same key.
struct Key {
    name: String,
    token: String,
    order: Value,
    other: Value,
}

impl Key {
    fn new(index: usize, stores: &[Store]) -> Self {
        let store = &stores[index % stores.len()];
        let order = |quantity: usize| json!({"items": [{"menu_id": store.menus[0], "quantity": quantity}]});
        Self {
            name: format!("key-{index:05}"),
            token: store.tables[index % store.tables.len()].clone(),
            order: order(1 + index % 9),
            other: order(10),
        }
    }
}

/// An order in the database, with its key and its number of events.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct StoredOrder {
    key: String,
    order: i64,
    events: i64,
}

/// The outcomes of the posts.
#[derive(Default)]
struct Counters {
    sent: AtomicUsize,
    cut: AtomicUsize,
    broken: AtomicUsize,
    unavailable: AtomicUsize,
    placed: AtomicUsize,
    replayed: AtomicUsize,
    killed: AtomicUsize,
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    /// Without a kill, a disconnect and a replay, the test proves nothing.
    #[track_caller]
    fn assert_enough_happened(&self) {
        let counters = [&self.killed, &self.cut, &self.broken, &self.replayed];
        assert!(counters.iter().all(|counter| counter.load(Ordering::Relaxed) > 0), "too few faults happened\n{self}");
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counter = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        writeln!(f, "  posts sent                {}", counter(&self.sent))?;
        writeln!(f, "  client disconnected       {}", counter(&self.cut))?;
        writeln!(f, "  connection lost by a kill {}", counter(&self.broken))?;
        writeln!(f, "  503 responses             {}", counter(&self.unavailable))?;
        writeln!(f, "  first responses           {}", counter(&self.placed))?;
        writeln!(f, "  replayed                  {}", counter(&self.replayed))?;
        write!(f, "  instances killed -9       {}", counter(&self.killed))
    }
}

struct Race {
    cluster: Cluster,
    counters: Counters,
}

/// Races at least this many keys and compares the responses with the database.
async fn run(name: &str, keys: usize, seed: u64) {
    let cluster = Cluster::start(name, 4, 3, None).await;
    cluster.heal().await;
    let race = Race { cluster, counters: Counters::default() };
    let began = Instant::now();
    let mut acknowledged = race.race_while_instances_are_killed(keys, StdRng::seed_from_u64(seed)).await;
    let took = began.elapsed();
    // A request whose client disconnected last may still commit.
    tokio::time::sleep(Duration::from_millis(500)).await;
    acknowledged.sort();
    assert_eq!(race.stored_orders().await, acknowledged, "the database holds exactly the acknowledged orders");
    println!("\nchaos ({name}, {} keys, {took:.1?}, seed {seed})\n{}", acknowledged.len(), race.counters);
    race.counters.assert_enough_happened();
    race.cluster.stop().await;
}

impl Race {
    /// Returns the acknowledged orders.
    async fn race_while_instances_are_killed(&self, keys: usize, mut seeds: StdRng) -> Vec<StoredOrder> {
        let mut chaos = seeds.fork();
        let killed = || self.counters.killed.load(Ordering::Relaxed);
        let keys = stream::iter(0..)
            .take_while(|index| ready(*index < keys || killed() < MIN_KILLS))
            .map(|index| self.order_under(Key::new(index, &self.cluster.stores), seeds.fork()))
            .buffer_unordered(CONCURRENT_KEYS)
            .collect();
        tokio::pin!(keys);
        let acknowledged = loop {
            tokio::select! {
                acknowledged = &mut keys => break acknowledged,
                () = self.kill_an_instance(&mut chaos) => {}
            }
        };
        // The instance that was killed last may still be down.
        self.cluster.heal().await;
        acknowledged
    }

    /// Kills one instance while all are up: if all were always down, nothing would be ordered.
    async fn kill_an_instance(&self, rng: &mut StdRng) {
        self.cluster.heal().await;
        tokio::time::sleep(Duration::from_millis(rng.random_range(KILL_INTERVAL_MS))).await;
        count(&self.counters.killed);
        self.cluster.restart_instance(rng, Signal::SIGKILL).await;
    }

    /// Posts the key's order concurrently, then a different order with the same key.
    async fn order_under(&self, key: Key, mut rng: StdRng) -> StoredOrder {
        let bodies = join_all((0..POSTS_PER_KEY).map(|_| self.order_body(&key, rng.fork()))).await;
        let differing = bodies.iter().find(|body| **body != bodies[0]);
        assert_eq!(differing, None, "{} has a second response, beside {:?}", key.name, bodies[0]);
        self.other_order_is_refused(&key, rng).await;
        let order: Value = serde_json::from_str(&bodies[0]).unwrap();
        StoredOrder { key: key.name, order: order["id"].as_i64().unwrap(), events: 1 }
    }

    /// The response body of one acknowledged post. For some posts the client disconnects first: after a short timeout the
    /// request never arrives; after a long one it is cancelled in the queue, in the transaction or after it.
    async fn order_body(&self, key: &Key, mut rng: StdRng) -> String {
        let is_cut = rng.random_range(0..100_u8) < CUT_PERCENT;
        let timeout = if is_cut { Duration::from_millis(1 << rng.random_range(0..9_u32)) } else { REQUEST_TIMEOUT };
        let (status, body) = self.post_until_answered(key, &key.order, timeout, rng).await;
        assert_eq!(status, StatusCode::CREATED, "{}: {body}", key.name);
        body
    }

    async fn other_order_is_refused(&self, key: &Key, rng: StdRng) {
        let (status, body) = self.post_until_answered(key, &key.other, REQUEST_TIMEOUT, rng).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status.as_u16(), &body["error"]["code"]), (422, &json!("IDEMPOTENCY_MISMATCH")), "{}", key.name);
    }

    /// Posts until there is a response. `timeout` applies to the first attempt.
    async fn post_until_answered(
        &self,
        key: &Key,
        order: &Value,
        mut timeout: Duration,
        mut rng: StdRng,
    ) -> (StatusCode, String) {
        loop {
            if let Some(response) = self.post(key, order, timeout, &mut rng).await {
                return response;
            }
            timeout = REQUEST_TIMEOUT;
            tokio::time::sleep(Duration::from_millis(rng.random_range(5..50))).await;
        }
    }

    /// One post to a random instance; `None` when its outcome is unknown.
    async fn post(
        &self,
        key: &Key,
        order: &Value,
        timeout: Duration,
        rng: &mut StdRng,
    ) -> Option<(StatusCode, String)> {
        count(&self.counters.sent);
        // After a timeout the request's connection is closed.
        match tokio::time::timeout(timeout, self.send(key, order, rng)).await {
            Err(_) => count(&self.counters.cut),
            Ok(Err(_)) => count(&self.counters.broken),
            Ok(Ok((StatusCode::SERVICE_UNAVAILABLE, _))) => count(&self.counters.unavailable),
            Ok(Ok(response)) => return Some(response),
        }
        None
    }

    async fn send(&self, key: &Key, order: &Value, rng: &mut StdRng) -> reqwest::Result<(StatusCode, String)> {
        let post = self.cluster.http.post(self.cluster.url(rng, "/customer/orders"));
        let response = post.bearer_auth(&key.token).header("Idempotency-Key", &key.name).json(order).send().await?;
        let (status, is_replayed) = (response.status(), response.headers().contains_key("idempotent-replayed"));
        let body = response.text().await?;
        if status == StatusCode::CREATED {
            count(if is_replayed { &self.counters.replayed } else { &self.counters.placed });
        }
        Ok((status, body))
    }

    /// All orders and events in the database, by key.
    async fn stored_orders(&self) -> Vec<StoredOrder> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT coalesce(o.idempotency_key, 'no key'), coalesce(o.id, 0), count(e.seq)
             FROM orders o
             FULL JOIN events e ON e.store_id = o.store_id AND (e.data->>'order_id')::bigint = o.id
             GROUP BY 1, 2 ORDER BY 1, 2",
        )
        .fetch_all(&mut self.cluster.connect().await)
        .await
        .unwrap();
        rows.into_iter().map(|(key, order, events)| StoredOrder { key, order, events }).collect()
    }
}
