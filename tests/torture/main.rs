//! Nothing missed, nothing twice, whatever dies.
//!
//! Starts a PostgreSQL and three instances of the server on it. Tablets and staff keep orders, status changes,
//! deletions and completions coming in many stores; dozens of subscribers reconnect at random, with the last id
//! they saw, to random instances. Meanwhile instances are killed and stopped, PostgreSQL is restarted, gently
//! and not, and listener connections are cut. Afterwards everything each subscriber received is compared with
//! the events table, and that with the acknowledgements the writers got.
//!
//! The short run is part of the tests. The long one:
//!
//! ```sh
//! cargo test --release --test torture a_long -- --ignored --nocapture     # TORTURE_SECONDS=240, TORTURE_SEED=…
//! ```
//!
//! With `TORTURE_PREVIOUS_PROGRAM=/path/to/tableorder` one of the instances is the release before, for a mixed cluster.
//!
//! [`exactly_once`] does the like for orders that are posted again and again under one key, [`rolling_upgrade`] for
//! instances that are replaced behind a proxy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    missing_docs,
    reason = "a test that cannot go on should say where, and one that can prints its figures"
)]

mod chaos;
mod cluster;
mod exactly_once;
mod nginx;
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

/// How hard and how long.
struct Plan {
    name: &'static str,
    stores: usize,
    tables: usize,
    dashboards_per_store: usize,
    tablets_per_store: usize,
    duration: Duration,
    seed: u64,
    /// Instead of letting things go wrong.
    upgrade: Option<Upgrade>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_torture_loses_nothing() {
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
    run(plan).await.assert_flawless();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; see the top of the file"]
async fn a_long_torture_loses_nothing() {
    let plan = Plan {
        name: "long",
        stores: 12,
        tables: 3,
        dashboards_per_store: 4,
        tablets_per_store: 2,
        duration: Duration::from_secs(number("TORTURE_SECONDS", 240).min(500)),
        seed: number("TORTURE_SEED", u64::from(std::process::id())),
        upgrade: None,
    };
    run(plan).await.assert_flawless();
}

/// A setting of a long run.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

async fn run(plan: Plan) -> Report {
    // Everybody has chances of their own, all from one seed.
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
        None => chaos::run(&cluster, seeds.fork(), plan.duration).await,
        Some(_) => rolling_upgrade::run(&cluster, plan.duration).await,
    };
    writing.store(false, Ordering::SeqCst);
    let acknowledged = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    // What was on its way when its writer gave up may be committed still.
    tokio::time::sleep(Duration::from_secs(1)).await;
    draining.store(true, Ordering::SeqCst);
    let records = join_all(subscribers).await.into_iter().flat_map(Result::unwrap).collect();
    let report = Report::compare(&cluster, acknowledged, records, outages).await;
    println!("\ntorture ({}, {} s, seed {})\n{report}", plan.name, plan.duration.as_secs(), plan.seed);
    cluster.stop().await;
    report
}
