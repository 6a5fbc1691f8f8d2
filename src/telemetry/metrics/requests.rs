//! The number and duration of requests, by method, route and status.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::error::Limit;

/// Bucket bounds in seconds. A menu read takes tens of microseconds, an order less than a millisecond, a login 0.2 seconds.
const BOUNDS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The methods with their own label.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The label of all other methods.
const OTHER_METHOD: &str = "other";

/// The label of requests that no route matches.
const UNMATCHED: &str = "unmatched";

/// The number of values is bounded: methods and routes of the router, statuses that the server returns.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: String,
    status: u32,
}

#[derive(Debug, Clone, Copy)]
struct NewHistogram;

impl MetricConstructor<Histogram> for NewHistogram {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BOUNDS)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabel {
    limit: &'static str,
}

/// The durations of requests, the limits that refused them, and the size of large bodies. Clones share them.
#[derive(Debug, Clone)]
pub struct RequestMetrics {
    durations: Family<Labels, Histogram, NewHistogram>,
    limits_reached: Family<LimitLabel, Counter>,
    large_body_bytes: Gauge,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self {
            durations: Family::new_with_constructor(NewHistogram),
            limits_reached: Family::default(),
            large_body_bytes: Gauge::default(),
        }
    }
}

impl RequestMetrics {
    /// Adds the metrics to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Duration of requests; for a stream, the time until it was open";
        registry.register("http_request_duration_seconds", help, self.durations.clone());
        let help = "Requests refused because a store, session, table or user has reached a limit";
        registry.register("limits_reached", help, self.limits_reached.clone());
        let help = "Bytes of large request and response bodies in memory (the limit is BODY_MEMORY_BYTES)";
        registry.register("large_body_bytes", help, self.large_body_bytes.clone());
        for limit in Limit::ALL {
            // Create all series at the start, so that `rate()` includes the first increase.
            drop(self.limits_reached.get_or_create(&LimitLabel { limit: limit.as_str() }));
        }
    }

    /// Records a request to the route with this template, which took `elapsed`.
    pub fn observe(&self, method: &Method, route: Option<&str>, status: StatusCode, elapsed: Duration) {
        let method = METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER_METHOD);
        let labels =
            Labels { method, route: route.unwrap_or(UNMATCHED).to_owned(), status: u32::from(status.as_u16()) };
        self.durations.get_or_create(&labels).observe(elapsed.as_secs_f64());
    }

    /// Records a large body of `bytes` bytes.
    pub fn add_body_bytes(&self, bytes: usize) {
        self.large_body_bytes.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Records that a large body of `bytes` bytes was read or sent, or its client disconnected.
    pub fn remove_body_bytes(&self, bytes: usize) {
        self.large_body_bytes.dec_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Records a request that was refused because of `limit`.
    pub fn limit_reached(&self, limit: Limit) {
        self.limits_reached.get_or_create(&LimitLabel { limit: limit.as_str() }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::text_of;

    #[test]
    fn unknown_methods_and_routes_share_one_label() {
        let metrics = RequestMetrics::default();
        for nth in 0..100 {
            let odd = Method::from_bytes(format!("ODD{nth}").as_bytes()).unwrap();
            metrics.observe(&odd, None, StatusCode::NOT_FOUND, Duration::ZERO);
        }
        let text = text_of(|registry| metrics.register(registry));
        let counts: Vec<_> = text.lines().filter(|line| line.contains("_count{")).collect();
        let count =
            "tableorder_http_request_duration_seconds_count{method=\"other\",route=\"unmatched\",status=\"404\"} 100";
        assert_eq!(counts, [count]);
    }
}
