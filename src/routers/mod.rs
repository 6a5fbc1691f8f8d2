//! HTTP in, HTTP out: a handler extracts, calls one service method and shapes the answer. The path, its
//! OpenAPI entry and its handler are registered together, so the documentation cannot drift.

mod admin;
mod customer;
pub mod docs;
mod etag;
pub mod extract;
mod health;
pub mod outage;
pub mod private;
mod sse;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Where the API begins.
pub const API_PREFIX: &str = "/api/v1";

/// A 201 with the address, below [`API_PREFIX`], of what was made.
fn created(path: &str, body: impl Serialize) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, format!("{API_PREFIX}{path}"))], Json(body)).into_response()
}

/// The requests of the API: answered and done.
#[must_use]
pub fn requests() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .nest(
            API_PREFIX,
            OpenApiRouter::new().nest("/customer", customer::requests()).nest("/admin", admin::requests()),
        )
        .merge(health::requests())
}

/// The streams of the API, which stay open: no time-out may stand before them.
#[must_use]
pub fn streams() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .nest(API_PREFIX, OpenApiRouter::new().nest("/customer", customer::streams()).nest("/admin", admin::streams()))
}
