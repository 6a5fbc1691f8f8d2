//! Staff log in.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Result;
use crate::routers::extract::ValidatedJson;
use crate::schemas::auth::{AdminLoginRequest, AdminLoginResponse};
use crate::services::AuthService;
use crate::state::AppState;

pub(super) fn requests() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(login_admin))
}

/// Log staff in
#[utoipa::path(
    post, path = "/auth/login", tag = "admin: auth",
    responses((status = 200, description = "Logged in", body = AdminLoginResponse)),
    extensions(("x-errors" = json!(["AUTH_FAILED"]))),
)]
async fn login_admin(
    State(auth): State<AuthService>,
    ValidatedJson(request): ValidatedJson<AdminLoginRequest>,
) -> Result<Json<AdminLoginResponse>> {
    let login = auth.login_admin(&request.store_id, &request.username, request.password).await?;
    Ok(Json(login.into()))
}
