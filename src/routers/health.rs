//! Health checks.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{AppError, ErrorCode, FieldError, Reason, Result};
use crate::routers::json::Json;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(live)).routes(routes!(ready))
}

/// The state of the server.
#[derive(Serialize, ToSchema)]
struct HealthResponse {
    /// `healthy`, `alive` or `ready`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// Problems that need an operator although requests are served. `backup_overdue`: the last nightly backup is older
    /// than two days. Absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!([]))]
    warnings: Vec<&'static str>,
}

impl HealthResponse {
    fn new(status: &'static str) -> Json<Self> {
        Json(Self { status, warnings: Vec::new() })
    }
}

/// Check the process and the database
#[utoipa::path(
    get, path = "/health", tag = "service",
    responses((status = 200, description = "Both work", body = HealthResponse)),
)]
async fn health(State(state): State<AppState>) -> Result<Json<HealthResponse>> {
    state.database.check().await.map_err(|error| failing("database", error))?;
    let warnings = state.backups.is_overdue().then_some("backup_overdue").into_iter().collect();
    Ok(Json(HealthResponse { status: "healthy", warnings }))
}

/// Check the process only
#[utoipa::path(
    get, path = "/health/live", tag = "service",
    responses((status = 200, description = "The process responds", body = HealthResponse)),
)]
async fn live() -> Json<HealthResponse> {
    HealthResponse::new("alive")
}

/// Check whether the server accepts requests
///
/// A 503 names the failing check in `error.details`: `database` while PostgreSQL does not respond or is read-only, or
/// `shutdown` once the server is stopping.
#[utoipa::path(
    get, path = "/health/ready", tag = "service",
    responses((status = 200, description = "The server accepts requests", body = HealthResponse)),
)]
async fn ready(State(state): State<AppState>) -> Result<Json<HealthResponse>> {
    if state.shutdown.is_draining() {
        return Err(failing("shutdown", ErrorCode::ServiceUnavailable.into()));
    }
    state.database.check().await.map_err(|error| failing("database", error))?;
    Ok(HealthResponse::new("ready"))
}

fn failing(check: &str, error: AppError) -> AppError {
    let details = vec![FieldError { field: check.to_owned(), reason: Reason::NotReady }];
    AppError { details, cause: error.cause, ..ErrorCode::ServiceUnavailable.into() }
}
