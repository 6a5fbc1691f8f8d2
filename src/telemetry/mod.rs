//! Logs, metrics and traces.
//!
//! This module has the formats, the registry and the outputs. Each other module registers its own metrics and writes its own
//! log lines; the access log is in `middleware/`. A file to imitate: `metrics/process.rs`.

mod level;
mod log_buffer;
pub mod logs;
pub mod metrics;
#[cfg_attr(not(feature = "otlp"), path = "no_traces.rs")]
pub mod traces;

pub use level::{LevelError, LogLevel};
