//! How many requests there were, and how long they took, by method, route and status.
//!
//! Each request adds itself at its end, so that costs two look-ups without a lock and one histogram's own. The routes
//! are those of the router, told once; whatever else is asked for has one label.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use axum::extract::MatchedPath;
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

/// What no route matched.
const UNMATCHED: &str = "unmatched";

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

static ROUTES: OnceLock<Routes> = OnceLock::new();

/// The histograms of each route, made when they are first needed.
struct Routes {
    known: HashMap<Box<str>, Route>,
    other: Route,
    unmatched: Route,
}

struct Route {
    label: Arc<str>,
    /// By method and status, the last of which is any other.
    slots: [[OnceLock<Histogram>; STATUSES.len() + 1]; METHODS.len()],
}

/// Tells which routes there are. The first time counts.
pub fn know<'a>(routes: impl IntoIterator<Item = &'a str>) {
    ROUTES.get_or_init(|| Routes {
        known: routes.into_iter().map(|route| (route.into(), Route::new(route))).collect(),
        other: Route::new(OTHER),
        unmatched: Route::new(UNMATCHED),
    });
}

/// Adds a request that was answered. Until the routes are known there is none.
pub fn observe(method: &Method, route: Option<&MatchedPath>, status: StatusCode, elapsed: Duration) {
    if let Some(routes) = ROUTES.get() {
        routes.observe(method, route.map(MatchedPath::as_str), status, elapsed);
    }
}

pub(super) fn register(registry: &mut Registry) {
    registry.register(
        "http_request_duration_seconds",
        "Requests and how long they took; of a stream, until it was open",
        REQUESTS.clone(),
    );
}

impl Routes {
    fn observe(&self, method: &Method, route: Option<&str>, status: StatusCode, elapsed: Duration) {
        let route = match route {
            Some(route) => self.known.get(route).unwrap_or(&self.other),
            None => &self.unmatched,
        };
        if let Some(histogram) = route.histogram(method, status) {
            histogram.observe(elapsed.as_secs_f64());
        }
    }
}

impl Route {
    fn new(label: &str) -> Self {
        Self { label: label.into(), slots: std::array::from_fn(|_| std::array::from_fn(|_| OnceLock::new())) }
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

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::time::Instant;

    use super::*;
    use crate::telemetry::metrics::text_of;

    fn routes() -> Routes {
        let known = ["/api/v1/customer/menu", "/api/v1/customer/orders"];
        Routes {
            known: known.into_iter().map(|route| (route.into(), Route::new(route))).collect(),
            other: Route::new(OTHER),
            unmatched: Route::new(UNMATCHED),
        }
    }

    #[test]
    fn whatever_is_asked_for_the_labels_are_bounded() {
        let routes = routes();
        for path in 0..100 {
            let odd = Method::from_bytes(format!("ODD{path}").as_bytes()).unwrap();
            routes.observe(
                &odd,
                Some(&format!("/odd/{path}")),
                StatusCode::from_u16(600 + path).unwrap(),
                Duration::ZERO,
            );
            routes.observe(&odd, None, StatusCode::NOT_FOUND, Duration::ZERO);
        }
        let text = text_of(register);
        let counts = text.lines().filter(|line| line.contains("_count{") && !line.contains("route=\"/"));
        assert_eq!(
            counts.collect::<std::collections::BTreeSet<_>>(),
            std::collections::BTreeSet::from([
                "tableorder_http_request_duration_seconds_count{method=\"other\",route=\"other\",status=\"other\"} 100",
                "tableorder_http_request_duration_seconds_count{method=\"other\",route=\"unmatched\",status=\"404\"} 100",
            ])
        );
    }

    #[test]
    #[ignore = "a measurement: cargo test --release --lib -- --ignored --nocapture a_request_costs"]
    #[expect(clippy::print_stdout, reason = "a measurement is read by a person")]
    fn a_request_costs_next_to_nothing() {
        const REQUESTS: u32 = 2_000_000;
        let routes = routes();
        let started = Instant::now();
        for _ in 0..REQUESTS {
            let took = black_box(Duration::from_micros(30));
            routes.observe(black_box(&Method::GET), Some(black_box("/api/v1/customer/menu")), StatusCode::OK, took);
        }
        println!("{:?} a request", started.elapsed() / REQUESTS);
    }
}
