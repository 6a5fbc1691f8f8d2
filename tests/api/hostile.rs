//! One hostile tablet in each of three stores uses everything that a table token permits, at the rate limit of its address,
//! while other stores take orders.
//!
//! ```sh
//! cargo test --release --test api hostile -- --ignored --nocapture     # HOSTILE_SECONDS=60
//! ```

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tableorder::models::MenuItemId;
use tokio::time::{sleep, sleep_until};

use crate::support::{ApiClient, Directory, EventReader, Server, TestApp, TestStore, answer, order_of};

/// The limit of the server's resident memory, in bytes.
const MAX_MEMORY: u64 = 200 << 20;

/// Below this the p99 of other stores is fast enough, whatever its ratio.
const NEGLIGIBLE: Duration = Duration::from_millis(50);

/// The rate of each kind of request of a hostile tablet, per second. Together they are a fair share of the 200 requests that
/// one address may send.
const RATE: f64 = 20.0;

/// Calls `act` at `RATE` on average until `end`, without waiting for the response.
async fn repeat<F: Future<Output = ()> + Send + 'static>(end: Instant, act: impl Fn(usize) -> F) {
    for number in 0.. {
        // A random delay, so that the attackers are not synchronised.
        sleep(Duration::from_secs_f64(rand::random_range(0.0..2.0 / RATE))).await;
        if Instant::now() >= end {
            return;
        }
        tokio::spawn(act(number));
    }
}

/// The requests of a hostile tablet until `end`.
async fn attack(tablet: ApiClient, store: &TestStore, end: Instant) {
    let large = json!({"items": vec![json!({"menu_id": store.menus[0], "quantity": 1}); 100]});
    let sold_out = order_of(&store.menus[2..]);
    let post = |path: &'static str, body: Value| {
        let tablet = tablet.clone();
        move |_| {
            let (tablet, body) = (tablet.clone(), body.clone());
            async move { drop(tablet.post(path, &body).await) }
        }
    };
    let list = {
        let tablet = tablet.clone();
        move |number: usize| {
            let path = if number.is_multiple_of(2) { "/customer/orders" } else { "/customer/orders?limit=200" };
            let request = tablet.request(Method::GET, path);
            async move {
                // Read but not parsed: the client's own work must not affect the result.
                if let Ok(response) = request.send().await {
                    drop(response.bytes().await);
                }
            }
        }
    };
    // Streams that are never read, held for as long as the server allows.
    let hold = {
        let tablet = tablet.clone();
        move |_| {
            let request = tablet.request(Method::GET, "/customer/orders/stream");
            async move {
                let Ok(response) = request.send().await else { return };
                sleep_until(end.into()).await;
                drop(response);
            }
        }
    };
    tokio::join!(
        repeat(end, post("/customer/orders", large)),
        repeat(end, post("/customer/orders", sold_out)),
        repeat(end, post("/customer/auth/session", json!({}))),
        repeat(end, list),
        repeat(end, hold),
    );
}

/// The p99 of the orders at these tablets until `end`. Each tablet orders about as fast as the limits allow.
async fn order_p99(guests: &[(ApiClient, Vec<MenuItemId>)], end: Instant) -> Duration {
    let guests = guests.iter().map(async |(tablet, menus)| {
        let mut took = Vec::new();
        while Instant::now() < end {
            sleep(Duration::from_secs_f64(rand::random_range(1.0..1.5))).await;
            let started = Instant::now();
            tablet.order(&menus[..2]).await.ok();
            took.push(started.elapsed());
        }
        took
    });
    let mut took: Vec<Duration> = join_all(guests).await.into_iter().flatten().collect();
    took.sort();
    took[took.len() * 99 / 100]
}

/// Reads a dashboard stream until `end` and returns the number of its events. None may be missing.
async fn watch(mut dashboard: EventReader, end: Instant) -> i64 {
    let seq_of = |id: &str| id.split_once(':').unwrap().1.parse::<i64>().unwrap();
    let first = seq_of(&dashboard.connected_at);
    let mut last = first;
    while let Ok(event) = tokio::time::timeout_at(end.into(), dashboard.next_at_any_time()).await {
        last += 1;
        assert_eq!(event.expect("the dashboard should stay open").seq(), last);
    }
    last - first
}

#[expect(clippy::print_stdout, reason = "the test prints its results")]
async fn run(seconds: u64) {
    let app = TestApp::start().await;
    let directory = Directory::new("hostile");
    let settings = [
        ("SESSION_ORDERS_PER_SECOND", "1"),
        ("REQUESTS_PER_SECOND_PER_ADDRESS", "200"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("DATABASE_MAX_CONNECTIONS", "20"),
    ];
    let server = Server::start_beside(&app, &directory.0, &settings);
    let at = |client: &ApiClient, address: &str| server.client.with_token(client.token()).forwarded_for(address);
    let mut guests = Vec::new();
    for code in ["other-1", "other-2", "other-3", "other-4"] {
        let store = app.store(code).await;
        for number in 1..=3 {
            guests.push((at(&store.tablet(number).await, "10.0.0.1"), store.menus.clone()));
        }
    }
    // Everything that hashes a password happens before the measurements: an attacker cannot cause it.
    let mut attackers = Vec::new();
    for (code, address) in [("hostile-1", "10.0.1.1"), ("hostile-2", "10.0.2.1"), ("hostile-3", "10.0.3.1")] {
        let store = app.store(code).await;
        let tablet = at(&store.tablet(1).await, address);
        let neighbour = (at(&store.tablet(2).await, "10.0.0.2"), store.menus.clone());
        // Four logins of one account: a login may hold three streams.
        let mut admins = Vec::new();
        for _ in 0..4 {
            admins.push(at(&store.admin().await, "10.0.9.1"));
        }
        attackers.push((store, tablet, [neighbour], admins));
    }
    let alone = order_p99(&guests, Instant::now() + Duration::from_secs(seconds)).await;

    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    let attacks = attackers.iter().map(|(store, tablet, ..)| attack(tablet.clone(), store, end));
    let neighbours = attackers.iter().map(|(_, _, neighbour, _)| order_p99(neighbour, end));
    let dashboards = join_all(attackers.iter().map(async |(.., admins)| {
        // Connect while the attack is running.
        sleep_until((start + Duration::from_secs(seconds / 4)).into()).await;
        let mut events = Vec::new();
        for admin in admins {
            let dashboard = admin.stream("/admin/orders/stream", None).await.connected().await;
            events.push(tokio::spawn(watch(dashboard, end)));
        }
        join_all(events).await.into_iter().map(Result::unwrap).min().unwrap()
    }));
    let memory = async {
        let mut most = 0;
        while Instant::now() < end {
            most = most.max(server.resident_memory());
            sleep(Duration::from_millis(200)).await;
        }
        most
    };
    let (_, _, fewest_events, most, beside) =
        tokio::join!(join_all(attacks), join_all(neighbours), dashboards, memory, order_p99(&guests, end));
    let ratio = beside.as_secs_f64() / alone.as_secs_f64();
    println!(
        "hostile tablets, {seconds} s: at most {} MiB; other stores' orders p99 {alone:.1?} alone, {beside:.1?} \
              beside ({ratio:.2}); events of each dashboard: {fewest_events:?}",
        most >> 20
    );
    assert!(most < MAX_MEMORY, "{most} bytes");
    assert!(fewest_events.iter().all(|events| *events >= i64::try_from(seconds / 2).unwrap()), "{fewest_events:?}");
    for (store, tablet, ..) in &attackers {
        let bill = answer(tablet.request(Method::GET, "/customer/orders?limit=1")).await.ok();
        assert!(bill["total_amount"].as_i64().unwrap() <= 9_000 * 3_000, "{}: {bill}", store.code);
    }
    assert!(ratio <= 2.0 || beside < NEGLIGIBLE, "{ratio}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute and a release build; .ci/run runs it"]
async fn hostile_tablets_do_not_slow_down_other_stores() {
    run(std::env::var("HOSTILE_SECONDS").map_or(60, |seconds| seconds.parse().unwrap())).await;
}
