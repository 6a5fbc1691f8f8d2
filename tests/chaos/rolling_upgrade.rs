//! A rolling upgrade fails no request and loses no event.
//!
//! Three instances run behind nginx with the configuration of `deploy/nginx`. Guests and admins send changes through
//! it, with and without an Idempotency-Key, and dozens of streams are open. Each instance in turn gets SIGTERM, drains,
//! exits, and is started again. Afterwards no request has failed, no change is lost or duplicated, and no stream has
//! missed an event.
//!
//! It needs nginx (`apt install nginx-light`, or `NGINX_PROGRAM=/path/to/nginx`) and is skipped without it. The long run:
//!
//! ```sh
//! cargo test --release --test chaos rolling -- --ignored --nocapture     # CHAOS_SECONDS=120, CHAOS_DRAIN_SECONDS=10
//! ```
//!
//! `TABLEORDER_PREVIOUS_PROGRAM=/path/to/tableorder` is the previous release; `CHAOS_PROGRAM` is the new one, by default
//! the program of this build.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, INSTANCES, previous_program};
use crate::outages::Outages;
use crate::{Plan, nginx, number};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_upgrade_fails_no_request() {
    // As deployed, but with times five times as short.
    upgrade("rolling", 4, Duration::from_secs(1), Duration::from_secs(2), 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; see the top of the file"]
async fn a_long_rolling_upgrade_fails_no_request() {
    let seed = number("CHAOS_SEED", u64::from(std::process::id()));
    let duration = Duration::from_secs(number("CHAOS_SECONDS", 120).min(500));
    let drain = Duration::from_secs(number("CHAOS_DRAIN_SECONDS", 10));
    upgrade("rolling-long", 12, duration, drain, seed).await;
}

async fn upgrade(name: &'static str, stores: usize, duration: Duration, drain: Duration, seed: u64) {
    let Some(nginx) = nginx::find() else {
        println!("\n{name}: skipped: nginx was not found (apt install nginx-light, or NGINX_PROGRAM=/path/to/nginx)");
        return;
    };
    let report = crate::run(Plan {
        name,
        stores,
        tables: 2,
        dashboards_per_store: 4,
        tablets_per_store: 2,
        duration,
        seed,
        upgrade: Some(Upgrade {
            nginx,
            from: previous_program(),
            drain,
            idle_timeout: (drain / 2).max(Duration::from_secs(1)),
        }),
    })
    .await;
    report.assert_no_loss();
    report.assert_nothing_failed();
}

pub struct Upgrade {
    pub nginx: PathBuf,
    /// The program of the previous release; `None` for the same program.
    pub from: Option<PathBuf>,
    /// How long an instance drains.
    pub drain: Duration,
    /// How long nginx keeps an idle connection to an instance.
    pub idle_timeout: Duration,
}

/// Replaces every instance in turn, until `duration` is over.
pub async fn run(cluster: &Cluster, duration: Duration) -> Outages {
    let mut outages = Outages::default();
    let deadline = Instant::now() + duration;
    // Let all clients connect first.
    tokio::time::sleep(Duration::from_secs(1)).await;
    while outages.replaced == 0 || Instant::now() < deadline {
        for index in 0..INSTANCES {
            cluster.replace_instance(index).await;
            outages.replaced += 1;
        }
    }
    outages.proxied = cluster.proxied();
    // A refused stream is retried and loses no event, but with a working drain no stream is refused.
    assert!(outages.proxied.failed.is_empty(), "refused: {:?}", outages.proxied.failed);
    outages
}
