//! Tablets log in.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Result;
use crate::routers::extract::ValidatedJson;
use crate::schemas::auth::{TableLoginRequest, TableLoginResponse};
use crate::services::AuthService;
use crate::state::AppState;

pub(super) fn requests() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(login_table))
}

/// Log a tablet in
///
/// The token orders for the table's unfinished session; the first login of a new party makes one.
#[utoipa::path(
    post, path = "/auth/login", tag = "customer: auth",
    responses((status = 200, description = "Logged in", body = TableLoginResponse)),
    extensions(("x-errors" = json!(["AUTH_FAILED"]))),
)]
async fn login_table(
    State(auth): State<AuthService>,
    ValidatedJson(request): ValidatedJson<TableLoginRequest>,
) -> Result<Json<TableLoginResponse>> {
    let login = auth.login_table(&request.store_id, request.table_number, request.password).await?;
    Ok(Json(login.into()))
}
