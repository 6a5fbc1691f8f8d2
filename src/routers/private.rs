//! What operators ask for: figures, health, the log level. On an address of its own, without a login, and not in the
//! OpenAPI document: it is nothing that clients rely on.

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

/// Where the figures are.
pub const METRICS_PATH: &str = "/metrics";

/// Where the log level is read and changed.
pub const LOG_LEVEL_PATH: &str = "/log-level";

/// Everything there is for operators.
pub fn router(state: AppState, level: LogLevel) -> Router {
    let (health, _) = health::routes().split_for_parts();
    let level = Router::new().route(LOG_LEVEL_PATH, get(current_level).put(change_level)).with_state(level);
    health.merge(metrics()).with_state(state).merge(level)
}

/// The figures alone.
pub fn metrics() -> Router<AppState> {
    Router::new().route(METRICS_PATH, get(figures))
}

async fn figures(State(state): State<AppState>) -> Result<Response> {
    // It reads files and writes a few hundred lines: nothing for the threads that answer guests.
    let text = tokio::task::spawn_blocking(move || state.metrics.text()).await.map_err(AppError::internal)?;
    let text = text.map_err(AppError::internal)?;
    let headers = [(header::CONTENT_TYPE, Metrics::CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, text).into_response())
}

async fn current_level(State(level): State<LogLevel>) -> String {
    level.current()
}

async fn change_level(State(level): State<LogLevel>, wanted: String) -> Result<String> {
    let wanted = wanted.trim();
    let refused = || AppError::invalid_field("level", Reason::LogLevel);
    if wanted.is_empty() {
        return Err(refused());
    }
    level.set(wanted).map_err(|_| refused())?;
    Ok(level.current())
}
