//! HTTP in, HTTP out: a handler extracts, calls one service method and shapes the answer. The path, its
//! OpenAPI entry and its handler are registered together, so the documentation cannot drift.

mod admin;
mod customer;
pub mod docs;
pub mod error_response;
mod etag;
pub mod extract;
mod health;
mod json;
pub mod private;
mod sse;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;

use self::json::Json;
use crate::state::AppState;

/// Where the API begins.
pub const API_PREFIX: &str = "/api/v1";

/// A 201 with the address, below [`API_PREFIX`], of what was made.
fn created(path: &str, body: impl Serialize) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, format!("{API_PREFIX}{path}"))], Json(body)).into_response()
}

/// The routes that answer within the request timeout. Each handler names its whole path: a nested router would rewrite
/// the address of each request.
#[must_use]
pub fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(customer::routes()).merge(admin::routes()).merge(health::routes())
}

/// The event streams, which stay open.
#[must_use]
pub fn streams() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(customer::streams()).merge(admin::streams())
}
