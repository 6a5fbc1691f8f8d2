//! The set-up of the first store, with the code that the server prints at its start.

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Result;
use crate::routers::created;
use crate::routers::extract::{ClientAddress, ValidatedJson};
use crate::routers::json::Json;
use crate::schemas::setup::{
    FirstStoreRequest, FirstStoreResponse, SetupCodeRequest, SetupCodeResponse, SetupResponse,
};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show_setup))
        .routes(routes!(check_setup_code))
        .routes(routes!(create_setup_store))
}

/// Show whether a first store can be set up
///
/// A server without a store prints a one-time code at each start, which is valid for 30 minutes. The demo does not count
/// as a store.
#[utoipa::path(
    get, path = "/api/v1/setup", tag = "set-up",
    responses((status = 200, description = "The state of the set-up", body = SetupResponse)),
)]
async fn show_setup(State(state): State<AppState>) -> Result<Json<SetupResponse>> {
    let (status, has_store) = state.setup.status().await?;
    Ok(Json(SetupResponse { status, has_store }))
}

/// Check the set-up code
///
/// Only the code that was printed last is valid, on every instance. Several wrong codes from one address cause a lockout,
/// as failed logins do: 429 with `Retry-After`. Once there is a store, every code is `SETUP_CLOSED`.
#[utoipa::path(
    post, path = "/api/v1/setup/code", tag = "set-up",
    request_body = SetupCodeRequest,
    responses((status = 200, description = "The code is valid", body = SetupCodeResponse)),
    extensions(("x-errors" = json!([
        "SETUP_CODE_INVALID", "SETUP_CODE_EXPIRED", "SETUP_CLOSED", "TOO_MANY_REQUESTS"
    ]))),
)]
async fn check_setup_code(
    State(state): State<AppState>,
    client: ClientAddress,
    ValidatedJson(request): ValidatedJson<SetupCodeRequest>,
) -> Result<Json<SetupCodeResponse>> {
    Ok(Json(state.setup.check_code(&request.code, client.0).await?.into()))
}

/// Create the first store and its owner
///
/// Of several requests at the same time, also on several instances, one creates the store and the others are
/// `SETUP_CLOSED`. A repetition with the same code and content, while the code is valid, gets the first response again.
/// The response has no token: log the owner in with the password. `DUPLICATE`: the demo has this store code.
#[utoipa::path(
    post, path = "/api/v1/setup/store", tag = "set-up",
    request_body = FirstStoreRequest,
    responses((status = 201, description = "Created", body = FirstStoreResponse,
        headers(("Location" = String, description = "The address of the owner, after the login")))),
    extensions(("x-errors" = json!([
        "SETUP_CODE_INVALID", "SETUP_CODE_EXPIRED", "SETUP_CLOSED", "DUPLICATE", "TOO_MANY_REQUESTS"
    ]))),
)]
async fn create_setup_store(
    State(state): State<AppState>,
    client: ClientAddress,
    ValidatedJson(request): ValidatedJson<FirstStoreRequest>,
) -> Result<Response> {
    let code = request.code.clone();
    let store = request.into_store()?;
    state.setup.create_store(&code, &store, client.0).await?;
    Ok(created("/admin/auth/me", FirstStoreResponse::from(store)))
}
