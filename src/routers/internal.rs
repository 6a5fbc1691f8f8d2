//! Routes for operators: metrics, health checks and the log level. They have an address of their own, need no login and
//! are not in the OpenAPI document, since clients do not depend on them.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::health;
use crate::error::{AppError, Reason, Result};
use crate::state::AppState;
use crate::telemetry::LogLevel;
use crate::telemetry::metrics::Metrics;

/// The path of the metrics.
pub const METRICS_PATH: &str = "/metrics";

/// The path of the log level.
pub const LOG_LEVEL_PATH: &str = "/log-level";

/// All routes for operators.
pub fn router(state: AppState, level: LogLevel) -> Router {
    let (health, _) = health::routes().split_for_parts();
    let level = Router::new().route(LOG_LEVEL_PATH, get(show_level).put(change_level)).with_state(level);
    health.merge(metrics()).with_state(state).merge(level)
}

/// The metrics only.
pub fn metrics() -> Router<AppState> {
    Router::new().route(METRICS_PATH, get(show_metrics))
}

async fn show_metrics(State(state): State<AppState>) -> Result<Response> {
    // This reads files and formats a few hundred lines, which would block the threads that serve guests.
    let text = tokio::task::spawn_blocking(move || state.metrics.text()).await.map_err(AppError::internal)?;
    let text = text.map_err(AppError::internal)?;
    let headers = [(header::CONTENT_TYPE, Metrics::CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, text).into_response())
}

async fn show_level(State(level): State<LogLevel>) -> String {
    level.current()
}

async fn change_level(State(level): State<LogLevel>, filter: String) -> Result<String> {
    let filter = filter.trim();
    let invalid = || AppError::invalid_field("level", Reason::LogLevel);
    if filter.is_empty() {
        return Err(invalid());
    }
    level.set(filter).map_err(|_| invalid())?;
    Ok(level.current())
}
