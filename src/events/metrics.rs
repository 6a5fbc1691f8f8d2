//! The metrics of events and streams.

use chrono::{DateTime, Utc};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Bounds in seconds. A delivery normally takes milliseconds; it takes a second if an announcement was lost.
const BOUNDS: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Counters of events and streams on this instance.
#[derive(Debug)]
pub(super) struct EventMetrics {
    pub(super) written: Counter,
    pub(super) delivered: Counter,
    pub(super) opened: Counter,
    pub(super) resets: Counter,
    pub(super) lags: Counter,
    pub(super) aborted: Counter,
    pub(super) replaced: Counter,
    delivery: Histogram,
}

impl EventMetrics {
    pub(super) fn new() -> Self {
        Self {
            written: Counter::default(),
            delivered: Counter::default(),
            opened: Counter::default(),
            resets: Counter::default(),
            lags: Counter::default(),
            aborted: Counter::default(),
            replaced: Counter::default(),
            delivery: Histogram::new(BOUNDS),
        }
    }

    /// Records that an event created at `created_at` is sent to the streams.
    pub(super) fn observe_delivery(&self, created_at: DateTime<Utc>, now: DateTime<Utc>) {
        // Another instance's clock may be ahead.
        self.delivery.observe((now - created_at).to_std().unwrap_or_default().as_secs_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let counters = [
            ("events_written", "Events committed by this instance", &self.written),
            ("events_delivered", "Events written to streams, including replayed ones", &self.delivered),
            ("streams_opened", "Streams opened", &self.opened),
            ("stream_resets", "Streams that sent a reset, because their cursor could not be replayed", &self.resets),
            ("stream_lags", "Times a stream fell so far behind that it had to read the table", &self.lags),
            ("streams_aborted", "Streams ended by this instance: token, age, shutdown or error", &self.aborted),
            ("streams_replaced", "Streams closed because the same login opened another", &self.replaced),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register(
            "event_delivery_seconds",
            "Time from a change on any instance until its event is sent to the streams of this instance",
            self.delivery.clone(),
        );
    }
}
