//! The audit log, for owners.

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Result;
use crate::routers::extract::Query;
use crate::routers::json::Json;
use crate::schemas::audit::{AuditListResponse, AuditQuery};
use crate::security::identity::OwnerIdentity;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_audit))
}

/// List audit entries
///
/// Each entry has the author, the time, the action and the subject before and after. Recorded are logins, cancelled
/// orders, completed sessions, revoked tablets, and every change of the menu, the tables and the users. Entries never
/// change. Entries of logins, renewals and logouts are deleted after 90 days (unless the server has another setting);
/// all others are kept. For owners.
#[utoipa::path(
    get, path = "/api/v1/admin/audit", tag = "admin: accounts",
    security(("admin_token" = [])),
    params(AuditQuery),
    responses((status = 200, description = "Newest first", body = AuditListResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN"]))),
)]
async fn list_audit(
    OwnerIdentity(owner): OwnerIdentity,
    State(state): State<AppState>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditListResponse>> {
    let (filter, limit) = query.filter()?;
    Ok(Json(state.audit.list(owner.store_id, &filter, limit).await?.into()))
}
