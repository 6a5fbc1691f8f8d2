//! What the server says of itself: logs, figures, traces.

mod daily;
mod level;
mod lines;
pub mod logs;
pub mod metrics;
pub mod request;
pub mod route;
pub mod traces;

pub use level::LogLevel;
