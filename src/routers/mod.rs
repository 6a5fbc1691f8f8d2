//! HTTP in, HTTP out: a handler extracts, calls one service method and shapes the answer. The path, its
//! OpenAPI entry and its handler are registered together, so the documentation cannot drift.

mod admin;
mod customer;
pub mod docs;
pub mod door;
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

/// Every route. Each handler names its whole path: nested routers would cost each request a rewritten address.
#[must_use]
pub fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(customer::routes()).merge(admin::routes()).merge(health::routes())
}

/// Whether this route stays open: no time-out may end it.
fn is_stream(route: &str) -> bool {
    route.ends_with("/stream")
}
