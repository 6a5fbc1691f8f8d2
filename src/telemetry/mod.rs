//! What the server reports about itself: logs, metrics, traces.

mod level;
mod log_buffer;
pub mod logs;
pub mod metrics;
#[cfg_attr(not(feature = "otlp"), path = "no_traces.rs")]
pub mod traces;

pub use level::{LevelError, LogLevel};
