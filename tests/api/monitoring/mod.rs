//! Monitoring: metrics, the private address, log lines, traces, and the files for Prometheus and Grafana.

mod files;
mod logs;
mod metrics;
mod private;
pub mod text;
#[cfg(feature = "otlp")]
mod traces;
