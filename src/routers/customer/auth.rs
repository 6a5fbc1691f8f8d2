//! Login of tablets, and the renewal of their tokens.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{AppError, Language, Message, Result};
use crate::routers::extract::{ClientAddress, ValidatedJson, bearer};
use crate::routers::json::Json;
use crate::schemas::auth::{SessionCheckResponse, TableLoginRequest, TableLoginResponse};
use crate::security::identity::TableIdentity;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(login_table)).routes(routes!(check_session)).routes(routes!(renew_session))
}

/// Log a tablet in
///
/// The tablet is paired as a device, which can renew its token without the password. The token belongs to the table's
/// unfinished session; the first login of a new party opens one. A table has at most 50 devices (unless the server has
/// another setting): one more login unpairs the device that was not seen for the longest time and revokes its tokens.
/// Several failed logins of one table or from one address cause a lockout, which grows with each further failure: 429
/// with `Retry-After`. Very many successful logins of one table also cause a short one.
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

/// Check whether the session is running
#[utoipa::path(
    get, path = "/api/v1/customer/auth/session/check", tag = "customer: auth",
    security(("table_token" = [])),
    responses((status = 200, description = "`valid` is false once the session is completed", body = SessionCheckResponse)),
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

/// The token that a tablet exchanges for a new one. It is not verified yet and may have expired. The type is private to
/// this file, since only the renewal accepts expired tokens; every other route takes a [`TableIdentity`].
struct TokenToRenew(Vec<u8>);

impl<S: Send + Sync> FromRequestParts<S> for TokenToRenew {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        bearer(parts).map(|token| Self(token.to_vec()))
    }
}

/// Renew a tablet's token
///
/// A paired tablet gets a new token for its table's current session without the password: while its session is running,
/// after it was completed, and also if the token has expired. `TOKEN_EXPIRED` means that the tablet must log in with
/// the password: its pairing is more than 90 days old (unless the server has another setting), or it was unpaired
/// because the table had too many devices. `DEVICE_REVOKED` means that a user of the store revoked the tablet: ask the
/// staff. A token issued before devices existed pairs its tablet, unless the token has expired.
#[utoipa::path(
    post, path = "/api/v1/customer/auth/session", tag = "customer: auth",
    security(("table_token" = [])),
    responses((status = 200, description = "A new token", body = TableLoginResponse)),
    extensions(("x-errors" = json!(["DEVICE_REVOKED", "TOO_MANY_REQUESTS"]))),
)]
async fn renew_session(
    TokenToRenew(token): TokenToRenew,
    State(state): State<AppState>,
    client: ClientAddress,
) -> Result<Json<TableLoginResponse>> {
    Ok(Json(state.auth.renew_table_token(&token, client.0).await?.into()))
}
