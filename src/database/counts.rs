//! What is counted of the pool.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Bounds in seconds: microseconds where a connection is idle, milliseconds where it is waited for, two seconds where
/// the wait is given up.
const BOUNDS: [f64; 10] = [0.000_1, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5];

/// Counts of how connections are waited for.
#[derive(Debug)]
pub(super) struct PoolCounts {
    waits: Histogram,
    timeouts: Counter,
}

impl PoolCounts {
    pub(super) fn new() -> Self {
        Self { waits: Histogram::new(BOUNDS), timeouts: Counter::default() }
    }

    /// A connection was waited for, perhaps in vain. Who gives up before is not counted.
    pub(super) fn waited(&self, elapsed: Duration, in_vain: bool) {
        self.waits.observe(elapsed.as_secs_f64());
        if in_vain {
            self.timeouts.inc();
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "How long a connection of the pool was waited for";
        registry.register("database_acquire_seconds", help, self.waits.clone());
        let help = "Waits for a connection that were given up after DATABASE_ACQUIRE_TIMEOUT_SECONDS";
        registry.register("database_acquire_timeouts", help, self.timeouts.clone());
    }
}
