//! How many requests there were, and how long they took, by method, route and status.
//!
//! Each request adds itself at its end, which costs one histogram's own lock. The routes are those of the router, told
//! once; whatever else is asked for has one label.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Bounds in seconds: a menu read takes tens of microseconds, an order under a millisecond, a login a fifth of a second.
const BOUNDS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The methods told apart.
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", OTHER];

/// The statuses told apart: those that the server gives.
const STATUSES: [u16; 22] =
    [200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500, 503, 202, 301, 303, 307];

/// What has no label of its own.
const OTHER: &str = "other";

/// A request's labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: Arc<str>,
    status: String,
}

#[derive(Clone)]
struct NewHistogram;

impl MetricConstructor<Histogram> for NewHistogram {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BOUNDS)
    }
}

/// The process's requests: it serves one application.
static REQUESTS: LazyLock<Family<Labels, Histogram, NewHistogram>> =
    LazyLock::new(|| Family::new_with_constructor(NewHistogram));

/// A route's histograms, made when they are first needed.
pub struct RouteFigures {
    label: Arc<str>,
    /// By method and status, the last of which is any other.
    slots: [[OnceLock<Histogram>; STATUSES.len() + 1]; METHODS.len()],
}

pub(super) fn register(registry: &mut Registry) {
    registry.register(
        "http_request_duration_seconds",
        "Requests and how long they took; of a stream, until it was open",
        REQUESTS.clone(),
    );
}

impl RouteFigures {
    /// Those of the route with this label, of which there must be a bounded number.
    pub(in crate::telemetry) fn new(label: &str) -> Self {
        Self { label: label.into(), slots: std::array::from_fn(|_| std::array::from_fn(|_| OnceLock::new())) }
    }

    /// Adds a request that was answered.
    pub fn observe(&self, method: &Method, status: StatusCode, elapsed: Duration) {
        if let Some(histogram) = self.histogram(method, status) {
            histogram.observe(elapsed.as_secs_f64());
        }
    }

    /// The histogram for `method` and `status`; there is one for each.
    fn histogram(&self, method: &Method, status: StatusCode) -> Option<&Histogram> {
        let method = METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1);
        let known = STATUSES.iter().position(|known| *known == status.as_u16());
        let slot = self.slots.get(method)?.get(known.unwrap_or(STATUSES.len()))?;
        let make = || {
            let status = known.map_or_else(|| OTHER.to_owned(), |_| status.as_u16().to_string());
            let labels =
                Labels { method: METHODS.get(method).unwrap_or(&OTHER), route: Arc::clone(&self.label), status };
            REQUESTS.get_or_create_owned(&labels)
        };
        Some(slot.get_or_init(make))
    }
}

impl fmt::Debug for RouteFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteFigures").field("label", &self.label).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::thread;
    use std::time::Instant;

    use super::*;
    use crate::telemetry::metrics::text_of;

    #[test]
    fn whatever_is_asked_for_the_labels_are_bounded() {
        let figures = RouteFigures::new("/somewhere");
        for nth in 0..100 {
            let odd = Method::from_bytes(format!("ODD{nth}").as_bytes()).unwrap();
            figures.observe(&odd, StatusCode::from_u16(600 + nth).unwrap(), Duration::ZERO);
            figures.observe(&odd, StatusCode::NOT_FOUND, Duration::ZERO);
        }
        let text = text_of(register);
        let counts = text.lines().filter(|line| line.contains("_count{") && line.contains("/somewhere"));
        assert_eq!(
            counts.collect::<std::collections::BTreeSet<_>>(),
            std::collections::BTreeSet::from([
                "tableorder_http_request_duration_seconds_count{method=\"other\",route=\"/somewhere\",status=\"other\"} 100",
                "tableorder_http_request_duration_seconds_count{method=\"other\",route=\"/somewhere\",status=\"404\"} 100",
            ])
        );
    }

    #[test]
    #[ignore = "a measurement: cargo test --release --lib -- --ignored --nocapture a_request_costs"]
    #[expect(clippy::print_stdout, reason = "a measurement is read by a person")]
    fn a_request_costs_next_to_nothing() {
        const REQUESTS: u32 = 2_000_000;
        let figures = RouteFigures::new("/api/v1/customer/menu");
        for threads in [1, 2, 4] {
            let started = Instant::now();
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        for _ in 0..REQUESTS {
                            let took = black_box(Duration::from_micros(30));
                            figures.observe(black_box(&Method::GET), StatusCode::OK, took);
                        }
                    });
                }
            });
            println!("{threads} threads: {:?} a request", started.elapsed() / REQUESTS);
        }
    }
}
