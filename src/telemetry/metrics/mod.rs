//! Figures for Prometheus. Each room counts what happens in it; here it is put together and, when somebody asks,
//! written down. What is a state and no count (streams open, connections idle) is looked at then and not before.
//!
//! Labels are bounded: routes, methods, statuses, outcomes. No store, table, account or address is ever one.
//! `docs/monitoring.md` says what each figure means.

mod gauges;
mod process;
pub mod requests;

use std::sync::Arc;

use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub(crate) use gauges::Gauges;

use crate::clock::Clock;

/// What every name of ours begins with.
const PREFIX: &str = "tableorder";

/// Every figure of the server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Registry>);

impl Metrics {
    /// How what [`text`](Self::text) writes is called in HTTP.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// The figures of the process, with those that `register` adds and the states that `gauges` reads.
    pub(crate) fn new(clock: &Clock, gauges: Gauges, register: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(process::Process { started_at: clock.now().timestamp() }));
        let ours = registry.sub_registry_with_prefix(PREFIX);
        ours.register("build", "What is running", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        ours.register_collector(Box::new(gauges));
        requests::register(ours);
        register(ours);
        Self(Arc::new(registry))
    }

    /// The figures of this moment, in the OpenMetrics text format that Prometheus reads. Looks into `/proc`: not for
    /// a thread that others wait for.
    ///
    /// # Errors
    /// When a figure cannot be written, which does not happen.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.0)?;
        Ok(text)
    }
}

/// Writes a state.
fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl EncodeGaugeValue,
) -> std::fmt::Result {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, &format!("{help}."), None, gauge.metric_type())?)
}

/// Writes a count that is kept elsewhere.
fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl EncodeCounterValue,
) -> std::fmt::Result {
    let counter = ConstCounter::new(value);
    counter.encode(encoder.encode_descriptor(name, &format!("{help}."), None, counter.metric_type())?)
}

/// What is written of the figures that `register` adds.
#[cfg(test)]
pub(crate) fn text_of(register: impl FnOnce(&mut Registry)) -> String {
    let mut registry = Registry::with_prefix(PREFIX);
    register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}
