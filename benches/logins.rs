//! What a failed login tells by its time, and what a flood of logins does to orders.
//!
//! ```sh
//! cargo bench --bench logins
//! ```
//!
//! Both are ratios of figures taken in the same run, in turns, so that a noisy machine blurs them alike.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    reason = "a measurement that cannot go on should say where; the tests' support has more than it needs"
)]

#[path = "../tests/shared/sse.rs"]
mod sse;
#[path = "../tests/api/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{ApiClient, TestApp, TestStore};

/// Failed logins of each kind.
const LOGINS: usize = 500;

/// Orders measured in each turn, and how many turns.
const ORDERS: usize = 300;
const TURNS: usize = 5;

/// Who floods at a time.
const FLOODERS: usize = 64;

#[tokio::main]
async fn main() {
    let app = TestApp::start_with(|config| {
        config.login.failures_per_account = 1_000_000;
        config.login.failures_per_address = 1_000_000;
    })
    .await;
    let store = app.store("demo").await;
    time_of_failures(&app).await;
    orders_in_a_flood(&app, &store).await;
}

async fn time_of_failures(app: &TestApp) {
    let staff = |store: &str, name: &str| json!({"store_id": store, "username": name, "password": "wrong"});
    let kinds = [
        ("wrong password", staff("demo", "admin")),
        ("unknown user", staff("demo", "nobody")),
        ("unknown store", staff("nowhere", "admin")),
    ];
    let client = app.anonymous();
    let mut times: [Vec<Duration>; 3] = Default::default();
    for _ in 0..LOGINS {
        for ((_, body), times) in kinds.iter().zip(&mut times) {
            let started = Instant::now();
            client.post("/admin/auth/login", body).await.refused(401, "AUTH_FAILED");
            times.push(started.elapsed());
        }
    }
    let medians = times.map(|mut times| quantile(&mut times, 0.5));
    let fastest = *medians.iter().min().unwrap();
    println!("\nfailed logins, median of {LOGINS} each, taken in turns");
    for ((kind, _), median) in kinds.iter().zip(medians) {
        println!("  {kind:16} {:6.2} ms   {:.3} x the fastest", milliseconds(median), ratio(median, fastest));
    }
}

async fn orders_in_a_flood(app: &TestApp, store: &TestStore) {
    let tablet = store.tablet(1).await;
    order_times(&tablet, store).await;
    let (mut calm, mut flooded) = (Vec::new(), Vec::new());
    let logins = Arc::new(AtomicU64::new(0));
    let mut flood_time = Duration::ZERO;
    for _ in 0..TURNS {
        calm.extend(order_times(&tablet, store).await);
        let started = Instant::now();
        let flood = Flood::start(app, &logins);
        flooded.extend(order_times(&tablet, store).await);
        flood.stop().await;
        flood_time += started.elapsed();
    }
    let per_second = f64::from(u32::try_from(logins.load(Ordering::Relaxed)).unwrap()) / flood_time.as_secs_f64();
    println!("\norders, one after the other, {} each, in turns without and with a flood", ORDERS * TURNS);
    println!("of logins ({FLOODERS} at a time, {per_second:.0} answered a second)");
    for (name, at) in [("median", 0.5), ("p99", 0.99)] {
        let (calm, flooded) = (quantile(&mut calm, at), quantile(&mut flooded, at));
        println!(
            "  {name:6} {:6.2} ms calm, {:6.2} ms flooded   {:.2} x",
            milliseconds(calm),
            milliseconds(flooded),
            ratio(flooded, calm)
        );
    }
}

async fn order_times(tablet: &ApiClient, store: &TestStore) -> Vec<Duration> {
    let mut times = Vec::with_capacity(ORDERS);
    for _ in 0..ORDERS {
        let started = Instant::now();
        tablet.order(&store.menus[..1]).await.ok();
        times.push(started.elapsed());
    }
    times
}

/// Logins with wrong passwords, as many as the server takes.
struct Flood {
    going: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Flood {
    fn start(app: &TestApp, logins: &Arc<AtomicU64>) -> Self {
        let going = Arc::new(AtomicBool::new(true));
        let tasks = (0..FLOODERS)
            .map(|number| {
                let (client, going, logins) = (app.anonymous(), Arc::clone(&going), Arc::clone(logins));
                let body: Value = json!({"store_id": "demo", "table_number": number, "password": "wrong"});
                tokio::spawn(async move {
                    while going.load(Ordering::Relaxed) {
                        client.post("/customer/auth/login", &body).await;
                        logins.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        Self { going, tasks }
    }

    async fn stop(self) {
        self.going.store(false, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

fn quantile(times: &mut [Duration], at: f64) -> Duration {
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let index = ((times.len() - 1) as f64 * at).round() as usize;
    times[index]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn ratio(time: Duration, to: Duration) -> f64 {
    time.as_secs_f64() / to.as_secs_f64()
}
