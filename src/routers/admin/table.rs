//! Staff see their tables.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Result;
use crate::models::TableId;
use crate::routers::extract::Path;
use crate::schemas::table::{CompleteTableResponse, DashboardResponse};
use crate::security::identity::AdminIdentity;
use crate::services::TableService;
use crate::state::AppState;

pub(super) fn requests() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show_dashboard)).routes(routes!(complete_table))
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

/// Complete a table's stay (이용 완료)
///
/// The party leaves: its session ends and its orders become history. An order that races with this is on
/// this bill or refused.
#[utoipa::path(
    post, path = "/tables/{table_id}/complete", tag = "admin: tables",
    security(("admin_token" = [])),
    params(("table_id" = TableId, Path, description = "The table")),
    responses((status = 200, description = "Completed", body = CompleteTableResponse)),
    extensions(("x-errors" = json!(["TABLE_NOT_FOUND", "SESSION_NOT_FOUND"]))),
)]
async fn complete_table(
    admin: AdminIdentity,
    State(tables): State<TableService>,
    Path(table): Path<TableId>,
) -> Result<Json<CompleteTableResponse>> {
    Ok(Json(tables.complete(admin.store_id, table).await?.into()))
}
