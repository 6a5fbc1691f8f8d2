//! Tablets log in.

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Language, Message, Result};
use crate::routers::extract::{ClientAddress, ValidatedJson};
use crate::routers::json::Json;
use crate::schemas::auth::{SessionCheckResponse, TableLoginRequest, TableLoginResponse};
use crate::security::identity::TableIdentity;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(login_table)).routes(routes!(check_session)).routes(routes!(renew_session))
}

/// Log a tablet in
///
/// The token orders for the table's unfinished session; the first login of a new party makes one. After several
/// failures of a table, or from an address, there is a pause, which grows: 429 with `Retry-After`.
/// After very many successful logins of one table, there is a short one as well.
#[utoipa::path(
    post, path = "/api/v1/customer/auth/login", tag = "customer: auth",
    request_body = TableLoginRequest,
    responses((status = 200, description = "Logged in", body = TableLoginResponse)),
    extensions(("x-errors" = json!(["AUTH_FAILED", "TOO_MANY_REQUESTS"]))),
)]
async fn login_table(
    State(state): State<AppState>,
    client: ClientAddress,
    ValidatedJson(request): ValidatedJson<TableLoginRequest>,
) -> Result<Json<TableLoginResponse>> {
    let login = state.auth.login_table(&request.store_id, request.table_number, request.password, client.0).await?;
    Ok(Json(login.into()))
}

/// Does the session go on?
#[utoipa::path(
    get, path = "/api/v1/customer/auth/session/check", tag = "customer: auth",
    security(("table_token" = [])),
    responses((status = 200, description = "`valid` is false once the session was completed", body = SessionCheckResponse)),
)]
async fn check_session(
    table: TableIdentity,
    language: Language,
    State(state): State<AppState>,
) -> Result<Json<SessionCheckResponse>> {
    let valid = state.sessions.is_running(table.store_id, table.session_id).await?;
    let message = (!valid).then(|| Message::SessionEnded.text(language));
    Ok(Json(SessionCheckResponse { valid, message }))
}

/// Go on with the table's current session
///
/// A tablet whose session was completed gets a fresh token for the next party, without its password.
#[utoipa::path(
    post, path = "/api/v1/customer/auth/session", tag = "customer: auth",
    security(("table_token" = [])),
    responses((status = 200, description = "A fresh token", body = TableLoginResponse)),
)]
async fn renew_session(table: TableIdentity, State(state): State<AppState>) -> Result<Json<TableLoginResponse>> {
    Ok(Json(state.auth.renew_session(&table).await?.into()))
}
