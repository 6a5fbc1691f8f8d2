//! Every instance is replaced, one after the other, and nobody notices.
//!
//! Three instances stand behind the nginx of `deploy/nginx`; guests and staff keep changes coming through it, with and
//! without an Idempotency-Key, and dozens of streams are open. Each instance is told to stop, drains, ends, and is
//! started anew. Afterwards no request has failed, no change was lost or made twice, and no stream missed an event.
//!
//! It takes an nginx (`apt install nginx-light`, or `NGINX_PROGRAM=/path/to/nginx`) and says so where there is none. The long one:
//!
//! ```sh
//! cargo test --release --test torture rolling -- --ignored --nocapture     # TORTURE_SECONDS=120, TORTURE_DRAIN_SECONDS=10
//! ```
//!
//! `UPGRADE_FROM=/path/to/tableorder` is the release that runs before, `TORTURE_PROGRAM` the one that takes its place, if
//! it is not to be that of this build.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::chaos::Outages;
use crate::cluster::{Cluster, INSTANCES};
use crate::{Plan, nginx, number};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_upgrade_fails_no_request() {
    // As deployed, but five times as hasty.
    upgrade("rolling", 4, Duration::from_secs(1), Duration::from_secs(2), 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; see the top of the file"]
async fn a_long_rolling_upgrade_fails_no_request() {
    let seed = number("TORTURE_SEED", u64::from(std::process::id()));
    let duration = Duration::from_secs(number("TORTURE_SECONDS", 120).min(500));
    let drain = Duration::from_secs(number("TORTURE_DRAIN_SECONDS", 10));
    upgrade("rolling-long", 12, duration, drain, seed).await;
}

async fn upgrade(name: &'static str, stores: usize, duration: Duration, drain: Duration, seed: u64) {
    let Some(nginx) = nginx::find() else {
        println!("\n{name}: skipped, as there is no nginx (apt install nginx-light, or NGINX_PROGRAM=/path/to/nginx)");
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
            from: std::env::var_os("UPGRADE_FROM").map(PathBuf::from),
            drain,
            kept_idle: (drain / 2).max(Duration::from_secs(1)),
        }),
    })
    .await;
    report.assert_flawless();
    report.assert_nothing_failed();
}

/// How the instances are replaced.
pub struct Upgrade {
    pub nginx: PathBuf,
    /// The program that runs before; else it is the same.
    pub from: Option<PathBuf>,
    /// How long an instance drains.
    pub drain: Duration,
    /// How long nginx keeps an idle connection to one.
    pub kept_idle: Duration,
}

/// Replaces every instance, and again until `duration` is over.
pub async fn run(cluster: &Cluster, duration: Duration) -> Outages {
    let mut outages = Outages::default();
    let deadline = Instant::now() + duration;
    // Let everybody arrive first.
    tokio::time::sleep(Duration::from_secs(1)).await;
    while outages.replaced == 0 || Instant::now() < deadline {
        for index in 0..INSTANCES {
            cluster.replace_instance(index).await;
            outages.replaced += 1;
        }
    }
    outages.proxied = cluster.proxied();
    // A stream that is refused tries again, and misses no event; but nobody should have to.
    assert!(outages.proxied.failed.is_empty(), "refused: {:?}", outages.proxied.failed);
    outages
}
