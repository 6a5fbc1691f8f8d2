//! HTTP handlers: a handler extracts its input, calls one service method and returns the response.
//!
//! The path, its OpenAPI entry and its handler are registered together, so that the document is always complete. Rules
//! and transactions belong to `services`, bodies to `schemas`, and layers for all routes to `middleware`. Extractors
//! are in `extract`. A file to imitate: `admin/category.rs`.

mod admin;
mod customer;
pub mod docs;
pub mod error_response;
mod etag;
pub mod extract;
mod health;
pub mod internal;
pub mod json;
pub mod pages;
mod setup;
mod sse;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;

use self::json::Json;
use crate::state::AppState;

/// The prefix of the API's paths.
pub const API_PREFIX: &str = "/api/v1";

/// A 201 response. `path` is the address of the created resource, below [`API_PREFIX`].
fn created(path: &str, body: impl Serialize) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, format!("{API_PREFIX}{path}"))], Json(body)).into_response()
}

/// Marks the response to a retry.
fn mark_replayed(mut response: Response, is_replayed: bool) -> Response {
    if is_replayed {
        let header = HeaderName::from_static("idempotent-replayed");
        response.headers_mut().insert(header, HeaderValue::from_static("true"));
    }
    response
}

/// The routes with the request timeout. Each handler has its complete path: a nested router would rewrite the URI of
/// each request.
#[must_use]
pub fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(customer::routes()).merge(admin::routes()).merge(setup::routes()).merge(health::routes())
}

/// The event streams, which have no timeout.
#[must_use]
pub fn streams() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(customer::streams()).merge(admin::streams())
}
