//! Metrics for Prometheus. Each module registers its own: counters and histograms that it updates, and collectors that
//! read a state (open streams, idle connections) when the metrics are scraped.
//!
//! Labels have a bounded number of values: routes, methods, statuses, outcomes, limits; never a store, table, user or
//! address.
//! `docs/monitoring.md` describes each metric.

mod process;
mod requests;

use std::sync::Arc;

use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use requests::RequestMetrics;

use crate::clock::Clock;

/// The prefix of the server's own metrics.
const PREFIX: &str = "tableorder";

/// All metrics of the server. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Registry>);

impl Metrics {
    /// The content type of [`text`](Self::text).
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Creates the metrics of the process and those that `register` adds.
    #[must_use]
    pub fn new(clock: &Clock, register: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(process::Process { started_at: clock.now().timestamp() }));
        let ours = registry.sub_registry_with_prefix(PREFIX);
        ours.register("build", "The version of the server", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        ours.register_collector(Box::new(process::Runtime));
        register(ours);
        Self(Arc::new(registry))
    }

    /// The current values in the OpenMetrics text format. Call it on a blocking thread, because it reads `/proc`.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.0)?;
        Ok(text)
    }
}

/// Writes a gauge whose value is not stored in the registry.
pub fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl EncodeGaugeValue,
) -> std::fmt::Result {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, &format!("{help}."), None, gauge.metric_type())?)
}

/// Writes a counter whose value is not stored in the registry.
pub fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl EncodeCounterValue,
) -> std::fmt::Result {
    let counter = ConstCounter::new(value);
    counter.encode(encoder.encode_descriptor(name, &format!("{help}."), None, counter.metric_type())?)
}

/// The text of the metrics that `register` adds.
#[cfg(test)]
pub(crate) fn text_of(register: impl FnOnce(&mut Registry)) -> String {
    let mut registry = Registry::with_prefix(PREFIX);
    register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}
