//! What operators see: figures, the private address, log lines, traces, and the files that Prometheus and Grafana read.

mod figures;
mod files;
mod logs;
mod private;
pub mod text;
#[cfg(feature = "otlp")]
mod traces;
