//! Staff see their tables.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Result;
use crate::schemas::table::DashboardResponse;
use crate::security::identity::AdminIdentity;
use crate::services::TableService;
use crate::state::AppState;

pub(super) fn requests() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show_dashboard))
}

/// The dashboard
///
/// Every table with its running stay. Load it, then open the stream from `event_id`: every later change
/// comes exactly once.
#[utoipa::path(
    get, path = "/tables/dashboard", tag = "admin: tables",
    security(("admin_token" = [])),
    responses((status = 200, description = "By table number", body = DashboardResponse)),
)]
async fn show_dashboard(admin: AdminIdentity, State(tables): State<TableService>) -> Result<Json<DashboardResponse>> {
    Ok(Json(tables.dashboard(admin.store_id).await?.into()))
}
