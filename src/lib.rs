//! tableorder, a table-order server: guests order from a tablet at their table, and the order appears on the store's
//! dashboard at once.
//!
//! A request passes each layer once: [`routers`] (HTTP) call [`services`] (rules, transaction, publish), which call
//! [`repositories`] (SQL); [`events`] delivers committed changes to the open streams. Modules depend downward only;
//! `tests/api/layers.rs` checks it.

pub mod backup;
pub mod body_memory;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod database;
pub mod error;
pub mod events;
pub mod middleware;
pub mod models;
pub mod repositories;
pub mod request_context;
pub mod routers;
pub mod schemas;
pub mod security;
pub mod server;
pub mod services;
pub mod shutdown;
pub mod state;
pub mod telemetry;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use config::HttpConfig;
use middleware::Middleware;
use routers::{docs, pages};
use state::AppState;

/// The complete application, as the binary serves it and the tests call it.
pub fn app(state: AppState, config: &HttpConfig) -> Router {
    let middleware = Middleware::new(config, state.request_metrics.clone(), &state.shutdown);
    let metrics = if config.serves_metrics { routers::internal::metrics() } else { Router::new() };
    let api = Router::from(routers::api())
        .merge(metrics)
        .merge(docs::pages(openapi))
        .merge(pages::pages())
        .with_state(state.clone());
    let streams = Router::from(routers::streams()).with_state(state);
    middleware.apply(api, Some(config.request_timeout)).merge(middleware.apply(streams, None))
}

/// The OpenAPI document of [`app`].
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let document = OpenApiRouter::with_openapi(docs::document());
    let mut document = document.merge(routers::api()).merge(routers::streams()).into_openapi();
    docs::complete(&mut document);
    document
}
