//! Injects faults: killed instances, PostgreSQL restarts, cut listener connections.

use std::fmt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::cluster::Cluster;
use crate::nginx::Proxied;

/// How often each kind of outage happened.
#[derive(Debug, Default)]
pub struct Outages {
    pub killed: u32,
    pub terminated: u32,
    pub postgres_fast: u32,
    pub postgres_immediate: u32,
    pub listeners_cut: i64,
    pub replaced: u32,
    pub proxied: Proxied,
}

impl fmt::Display for Outages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.replaced > 0 {
            let Proxied { requests, retried, failed } = &self.proxied;
            write!(f, "{} instances replaced, {requests} requests, {retried} passed on", self.replaced)?;
            return failed.iter().take(10).try_for_each(|line| write!(f, "\n    failed: {line}"));
        }
        write!(
            f,
            "{} kill -9, {} TERM, PostgreSQL {} x fast and {} x immediate, {} listeners cut",
            self.killed, self.terminated, self.postgres_fast, self.postgres_immediate, self.listeners_cut
        )
    }
}

/// How much longer than planned a run may take on a slow machine.
const MAX_EXTENSION: Duration = Duration::from_mins(3);

/// Injects faults for at least `duration`, then heals the cluster. Runs longer on a slow machine: until each kind has
/// happened once and the writers have changed enough.
pub async fn run(cluster: &Cluster, mut rng: StdRng, duration: Duration) -> Outages {
    cluster.heal().await;
    let mut outages = Outages::default();
    let deadline = Instant::now() + duration;
    let give_up = deadline + MAX_EXTENSION;
    // Each kind once, in random order; then at random.
    let mut first: Vec<u8> = vec![0, 40, 60, 70, 80];
    first.shuffle(&mut rng);
    while Instant::now() < deadline || !first.is_empty() || !cluster.has_enough_changes() {
        assert!(Instant::now() < give_up, "too few changes were acknowledged");
        tokio::time::sleep(Duration::from_millis(rng.random_range(300..1500))).await;
        match first.pop().unwrap_or_else(|| rng.random_range(0..100_u8)) {
            0..40 => {
                cluster.restart_instance(&mut rng, Signal::SIGKILL).await;
                outages.killed += 1;
            }
            40..60 => {
                cluster.restart_instance(&mut rng, Signal::SIGTERM).await;
                outages.terminated += 1;
            }
            60..70 => {
                cluster.restart_postgres(&mut rng, Signal::SIGINT).await;
                outages.postgres_fast += 1;
            }
            70..80 => {
                cluster.restart_postgres(&mut rng, Signal::SIGQUIT).await;
                outages.postgres_immediate += 1;
            }
            _ => outages.listeners_cut += cluster.cut_listeners().await,
        }
        // An instance that started while PostgreSQL was down has exited. Start it again, in half of the rounds.
        if rng.random_range(0..100_u8) < 50 {
            cluster.heal().await;
        }
    }
    cluster.heal().await;
    outages
}
