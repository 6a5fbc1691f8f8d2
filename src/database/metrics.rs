//! Metrics of the connection pool.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Histogram bounds in seconds: microseconds for an idle connection, milliseconds for a wait, two seconds for a timeout.
const BOUNDS: [f64; 10] = [0.000_1, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5];

/// The waits for a connection, and those that timed out.
#[derive(Debug)]
pub(super) struct PoolMetrics {
    waits: Histogram,
    timeouts: Counter,
}

impl PoolMetrics {
    pub(super) fn new() -> Self {
        Self { waits: Histogram::new(BOUNDS), timeouts: Counter::default() }
    }

    /// Records a wait for a connection. Cancelled waits are not recorded.
    pub(super) fn observe_wait(&self, elapsed: Duration, timed_out: bool) {
        self.waits.observe(elapsed.as_secs_f64());
        if timed_out {
            self.timeouts.inc();
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Time spent waiting for a connection of the pool";
        registry.register("database_acquire_seconds", help, self.waits.clone());
        let help = "Waits for a connection that timed out after DATABASE_ACQUIRE_TIMEOUT_SECONDS";
        registry.register("database_acquire_timeouts", help, self.timeouts.clone());
    }
}
