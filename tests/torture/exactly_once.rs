//! One key is one order, whatever is cut off or killed.
//!
//! Under each key 64 posts of the same order race, at random instances. Some are cut off by their client before
//! the answer, and instances are killed meanwhile; whoever got no answer posts again until there is one.
//! Afterwards each key has one order and one event, and every answer to it was the same, byte for byte.
//!
//! The small run is part of the tests. The full one, 1,000 keys:
//!
//! ```sh
//! cargo test --release --test torture exactly_once -- --ignored --nocapture     # TORTURE_KEYS=1000, TORTURE_SEED=…
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

/// How many keys race at a time. Each post has a connection, so this bounds the open files.
const KEYS_AT_A_TIME: usize = 6;

/// New keys come until so many instances were killed, on a fast machine too.
const KILLS_AT_LEAST: usize = 5;

/// How many of a hundred posts are cut off.
const CUT_PERCENT: u8 = 30;

/// How long a client waits before it posts again.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long all instances are up before one is killed, in milliseconds.
const KILL_PAUSE_MS: std::ops::Range<u64> = 50..400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_ordered_exactly_once() {
    run("exactly-once", 30, 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; see the top of the file"]
async fn a_thousand_keys_are_ordered_exactly_once() {
    let keys = usize::try_from(number("TORTURE_KEYS", 1_000)).unwrap();
    let seed = number("TORTURE_SEED", u64::from(std::process::id()));
    run("exactly-once-long", keys, seed).await;
}

/// A key, with the order that its client sends and another that is not its own.
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

/// The order an acknowledged key has.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    key: String,
    order: i64,
    events: i64,
}

/// How the posts fared.
#[derive(Default)]
struct Figures {
    sent: AtomicUsize,
    cut: AtomicUsize,
    broken: AtomicUsize,
    unavailable: AtomicUsize,
    placed: AtomicUsize,
    replayed: AtomicUsize,
    killed: AtomicUsize,
}

fn count(figure: &AtomicUsize) {
    figure.fetch_add(1, Ordering::Relaxed);
}

impl Figures {
    /// Where nothing was killed, cut or replayed, nothing was shown.
    #[track_caller]
    fn assert_it_was_torture(&self) {
        let figures = [&self.killed, &self.cut, &self.broken, &self.replayed];
        assert!(figures.iter().all(|figure| figure.load(Ordering::Relaxed) > 0), "too little happened\n{self}");
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |figure: &AtomicUsize| figure.load(Ordering::Relaxed);
        writeln!(f, "  posts sent                {}", figure(&self.sent))?;
        writeln!(f, "  cut off by their client   {}", figure(&self.cut))?;
        writeln!(f, "  broken by a kill          {}", figure(&self.broken))?;
        writeln!(f, "  answered 503              {}", figure(&self.unavailable))?;
        writeln!(f, "  first answers received    {}", figure(&self.placed))?;
        writeln!(f, "  replayed                  {}", figure(&self.replayed))?;
        write!(f, "  instances killed -9       {}", figure(&self.killed))
    }
}

struct Race {
    cluster: Cluster,
    figures: Figures,
}

/// Races this many keys, at least, and checks what came of them.
async fn run(name: &str, keys: usize, seed: u64) {
    let cluster = Cluster::start(name, 4, 3, None).await;
    cluster.heal().await;
    let race = Race { cluster, figures: Figures::default() };
    let began = Instant::now();
    let mut acknowledged = race.race_while_instances_die(keys, StdRng::seed_from_u64(seed)).await;
    let took = began.elapsed();
    // What was cut off last may be committed still.
    tokio::time::sleep(Duration::from_millis(500)).await;
    acknowledged.sort();
    assert_eq!(race.kept().await, acknowledged, "what is in the database is what was acknowledged");
    println!("\ntorture ({name}, {} keys, {took:.1?}, seed {seed})\n{}", acknowledged.len(), race.figures);
    race.figures.assert_it_was_torture();
    race.cluster.stop().await;
}

impl Race {
    /// Gives what was acknowledged.
    async fn race_while_instances_die(&self, keys: usize, mut seeds: StdRng) -> Vec<Kept> {
        let mut chaos = seeds.fork();
        let killed = || self.figures.killed.load(Ordering::Relaxed);
        let keys = stream::iter(0..)
            .take_while(|index| ready(*index < keys || killed() < KILLS_AT_LEAST))
            .map(|index| self.order_under(Key::new(index, &self.cluster.stores), seeds.fork()))
            .buffer_unordered(KEYS_AT_A_TIME)
            .collect();
        tokio::pin!(keys);
        let acknowledged = loop {
            tokio::select! {
                acknowledged = &mut keys => break acknowledged,
                () = self.kill_an_instance(&mut chaos) => {}
            }
        };
        // The last to be killed was not started again.
        self.cluster.heal().await;
        acknowledged
    }

    /// Kills one of them, all being up: where none ever was, nothing would be ordered.
    async fn kill_an_instance(&self, rng: &mut StdRng) {
        self.cluster.heal().await;
        tokio::time::sleep(Duration::from_millis(rng.random_range(KILL_PAUSE_MS))).await;
        count(&self.figures.killed);
        self.cluster.restart_instance(rng, Signal::SIGKILL).await;
    }

    /// Posts the key's order from many sides at once, then another order under the same key.
    async fn order_under(&self, key: Key, mut rng: StdRng) -> Kept {
        let bodies = join_all((0..POSTS_PER_KEY).map(|_| self.acknowledgement(&key, rng.fork()))).await;
        let differing = bodies.iter().find(|body| **body != bodies[0]);
        assert_eq!(differing, None, "{} was answered {:?} as well", key.name, bodies[0]);
        self.other_order_is_refused(&key, rng).await;
        let order: Value = serde_json::from_str(&bodies[0]).unwrap();
        Kept { key: key.name, order: order["id"].as_i64().unwrap(), events: 1 }
    }

    /// The body that the key's order is acknowledged with. Some of its posts are cut off first: short ones never
    /// arrive, long ones die in the queue, in the transaction or after it.
    async fn acknowledgement(&self, key: &Key, mut rng: StdRng) -> String {
        let is_cut = rng.random_range(0..100_u8) < CUT_PERCENT;
        let patience = if is_cut { Duration::from_millis(1 << rng.random_range(0..9_u32)) } else { PATIENCE };
        let (status, body) = self.insist(key, &key.order, patience, rng).await;
        assert_eq!(status, StatusCode::CREATED, "{}: {body}", key.name);
        body
    }

    async fn other_order_is_refused(&self, key: &Key, rng: StdRng) {
        let (status, body) = self.insist(key, &key.other, PATIENCE, rng).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status.as_u16(), &body["error"]["code"]), (422, &json!("IDEMPOTENCY_MISMATCH")), "{}", key.name);
    }

    /// Posts until there is an answer; the first time with this patience.
    async fn insist(&self, key: &Key, order: &Value, mut patience: Duration, mut rng: StdRng) -> (StatusCode, String) {
        loop {
            if let Some(answer) = self.post(key, order, patience, &mut rng).await {
                return answer;
            }
            patience = PATIENCE;
            tokio::time::sleep(Duration::from_millis(rng.random_range(5..50))).await;
        }
    }

    /// One post to any instance; `None` where nobody knows what came of it.
    async fn post(
        &self,
        key: &Key,
        order: &Value,
        patience: Duration,
        rng: &mut StdRng,
    ) -> Option<(StatusCode, String)> {
        count(&self.figures.sent);
        // Given up, the request's connection is closed.
        match tokio::time::timeout(patience, self.send(key, order, rng)).await {
            Err(_) => count(&self.figures.cut),
            Ok(Err(_)) => count(&self.figures.broken),
            Ok(Ok((StatusCode::SERVICE_UNAVAILABLE, _))) => count(&self.figures.unavailable),
            Ok(Ok(answer)) => return Some(answer),
        }
        None
    }

    async fn send(&self, key: &Key, order: &Value, rng: &mut StdRng) -> reqwest::Result<(StatusCode, String)> {
        let post = self.cluster.http.post(self.cluster.url(rng, "/customer/orders"));
        let answer = post.bearer_auth(&key.token).header("Idempotency-Key", &key.name).json(order).send().await?;
        let (status, is_replayed) = (answer.status(), answer.headers().contains_key("idempotent-replayed"));
        let body = answer.text().await?;
        if status == StatusCode::CREATED {
            count(if is_replayed { &self.figures.replayed } else { &self.figures.placed });
        }
        Ok((status, body))
    }

    /// Every order and every event there is, by key.
    async fn kept(&self) -> Vec<Kept> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT coalesce(o.idempotency_key, 'no key'), coalesce(o.id, 0), count(e.seq)
             FROM orders o
             FULL JOIN events e ON e.store_id = o.store_id AND (e.data->>'order_id')::bigint = o.id
             GROUP BY 1, 2 ORDER BY 1, 2",
        )
        .fetch_all(&mut self.cluster.connect().await)
        .await
        .unwrap();
        rows.into_iter().map(|(key, order, events)| Kept { key, order, events }).collect()
    }
}
