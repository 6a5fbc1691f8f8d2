//! Login and logout of users.

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Language, Message, Result};
use crate::routers::extract::{ClientAddress, ValidatedJson};
use crate::routers::json::Json;
use crate::schemas::auth::{AdminLoginRequest, AdminLoginResponse, ChangePasswordRequest, MeResponse};
use crate::schemas::message::MessageResponse;
use crate::security::identity::AdminIdentity;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(login_admin))
        .routes(routes!(show_me))
        .routes(routes!(logout))
        .routes(routes!(change_password))
}

/// Log a user in
///
/// Several failed logins of one user or from one address cause a lockout, which grows with each further failure: 429
/// with `Retry-After`. Very many successful logins of one user also cause a short one.
#[utoipa::path(
    post, path = "/api/v1/admin/auth/login", tag = "admin: auth",
    request_body = AdminLoginRequest,
    responses((status = 200, description = "Logged in", body = AdminLoginResponse)),
    extensions(("x-errors" = json!(["AUTH_FAILED", "TOO_MANY_REQUESTS"]))),
)]
async fn login_admin(
    State(state): State<AppState>,
    client: ClientAddress,
    ValidatedJson(request): ValidatedJson<AdminLoginRequest>,
) -> Result<Json<AdminLoginResponse>> {
    let login = state.auth.login_admin(&request.store_id, &request.username, request.password, client.0).await?;
    Ok(Json(login.into()))
}

/// Show the current user
#[utoipa::path(
    get, path = "/api/v1/admin/auth/me", tag = "admin: auth",
    security(("admin_token" = [])),
    responses((status = 200, description = "The user of this token", body = MeResponse)),
)]
async fn show_me(admin: AdminIdentity, State(state): State<AppState>) -> Result<Json<MeResponse>> {
    let store = state.auth.store(&admin).await?;
    Ok(Json(MeResponse::new(admin, store)))
}

/// Log out
///
/// Revokes this token on every instance and closes its streams.
#[utoipa::path(
    post, path = "/api/v1/admin/auth/logout", tag = "admin: auth",
    security(("admin_token" = [])),
    responses((status = 200, description = "Logged out", body = MessageResponse)),
)]
async fn logout(
    admin: AdminIdentity,
    language: Language,
    State(state): State<AppState>,
) -> Result<Json<MessageResponse>> {
    state.auth.logout(&admin).await?;
    Ok(Json(MessageResponse::new(Message::LoggedOut, language)))
}

/// Change my password
///
/// Revokes the user's other tokens; this one stays valid. A wrong current password is a `VALIDATION_ERROR`, not a 401:
/// the login itself is valid.
#[utoipa::path(
    post, path = "/api/v1/admin/auth/password", tag = "admin: auth",
    security(("admin_token" = [])),
    request_body = ChangePasswordRequest,
    responses((status = 200, description = "Changed", body = MessageResponse)),
    extensions(("x-errors" = json!(["TOO_MANY_REQUESTS"]))),
)]
async fn change_password(
    admin: AdminIdentity,
    language: Language,
    State(state): State<AppState>,
    ValidatedJson(request): ValidatedJson<ChangePasswordRequest>,
) -> Result<Json<MessageResponse>> {
    state.auth.change_password(&admin, request.current_password, request.new_password).await?;
    Ok(Json(MessageResponse::new(Message::PasswordChanged, language)))
}
