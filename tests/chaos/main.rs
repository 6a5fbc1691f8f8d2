//! No event is lost or delivered twice while instances, PostgreSQL and connections fail.
//!
//! Starts a PostgreSQL and three instances of the server. Guests and admins of many stores place orders, change their
//! status, cancel them and complete sessions; dozens of subscribers reconnect at random times to random instances with
//! their last event id. Meanwhile instances are killed and stopped, PostgreSQL is shut down (fast and immediate) and
//! restarted, and listener connections are terminated. Afterwards the events that each subscriber received are
//! compared with the events table, and the table with the changes that were acknowledged to the writers.
//!
//! The short run is part of the normal tests. The long run:
//!
//! ```sh
//! cargo test --release --test chaos a_long_chaos -- --ignored --nocapture     # CHAOS_SECONDS=240, CHAOS_SEED=…
//! ```
//!
//! With `TABLEORDER_PREVIOUS_PROGRAM=/path/to/tableorder` one instance runs the previous release, for a mixed cluster.
//!
//! [`exactly_once`] tests orders that are sent repeatedly with one key, [`rolling_upgrade`] instances that are replaced
//! behind a proxy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    missing_docs,
    reason = "a failed test should name the line, and a passed one prints its counters"
)]

mod cluster;
mod exactly_once;
mod nginx;
mod outages;
mod report;
mod rolling_upgrade;
#[path = "../shared/sse.rs"]
mod sse;
mod stores;
mod subscriber;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;

use cluster::Cluster;
use report::Report;
use rolling_upgrade::Upgrade;
use subscriber::Subscriber;
use writer::Writer;

/// The size, duration and seed of a run.
struct Plan {
    name: &'static str,
    stores: usize,
    tables: usize,
    dashboards_per_store: usize,
    tablets_per_store: usize,
    duration: Duration,
    seed: u64,
    /// Replaces the fault injection, if set.
    upgrade: Option<Upgrade>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_chaos_run_loses_no_event() {
    let plan = Plan {
        name: "short",
        stores: 4,
        tables: 2,
        dashboards_per_store: 4,
        tablets_per_store: 2,
        duration: Duration::from_secs(18),
        seed: 7,
        upgrade: None,
    };
    run(plan).await.assert_no_loss();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; see the top of the file"]
async fn a_long_chaos_run_loses_no_event() {
    let plan = Plan {
        name: "long",
        stores: 12,
        tables: 3,
        dashboards_per_store: 4,
        tablets_per_store: 2,
        duration: Duration::from_secs(number("CHAOS_SECONDS", 240).min(500)),
        seed: number("CHAOS_SEED", u64::from(std::process::id())),
        upgrade: None,
    };
    run(plan).await.assert_no_loss();
}

/// A numeric setting of a long run.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

async fn run(plan: Plan) -> Report {
    // Each task has its own random generator, all derived from one seed.
    let mut seeds = StdRng::seed_from_u64(plan.seed);
    let cluster = Arc::new(Cluster::start(plan.name, plan.stores, plan.tables, plan.upgrade.as_ref()).await);
    let (writing, draining) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let (mut subscribers, mut writers) = (Vec::new(), Vec::new());
    for store in &cluster.stores {
        let tablets = (0..plan.tablets_per_store.min(plan.tables)).map(Some);
        for table in std::iter::repeat_n(None, plan.dashboards_per_store).chain(tablets) {
            let subscriber = Subscriber::new(Arc::clone(&cluster), seeds.fork(), store.clone(), table);
            subscribers.push(tokio::spawn(subscriber.run(Arc::clone(&draining))));
        }
        for table in 0..plan.tables {
            let writer = Writer::new(Arc::clone(&cluster), seeds.fork(), store.clone(), table);
            writers.push(tokio::spawn(writer.run(Arc::clone(&writing))));
        }
    }

    let outages = match &plan.upgrade {
        None => outages::run(&cluster, seeds.fork(), plan.duration).await,
        Some(_) => rolling_upgrade::run(&cluster, plan.duration).await,
    };
    writing.store(false, Ordering::SeqCst);
    let acknowledged = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    // A request whose writer timed out may still commit.
    tokio::time::sleep(Duration::from_secs(1)).await;
    draining.store(true, Ordering::SeqCst);
    let records = join_all(subscribers).await.into_iter().flat_map(Result::unwrap).collect();
    let report = Report::compare(&cluster, acknowledged, records, outages).await;
    println!("\nchaos ({}, {} s, seed {})\n{report}", plan.name, plan.duration.as_secs(), plan.seed);
    cluster.stop().await;
    report
}
