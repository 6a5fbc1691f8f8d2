//! tableorder, a table-order server: guests order from a tablet at their table, the store's dashboard sees it
//! within a blink.
//!
//! A request goes down the house once and comes back once: [`routers`] (HTTP in and out) call [`services`]
//! (rules, transaction, publish), which call [`repositories`] (SQL); [`events`] carries what was committed to
//! the open streams. Arrows run downward only.

pub mod cli;
pub mod clock;
pub mod config;
pub mod database;
pub mod error;
pub mod events;
pub mod models;
pub mod repositories;
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
use routers::docs;
use routers::door::Door;
use state::AppState;

/// The whole application, as the binary serves it and as the tests call it.
pub fn app(state: AppState, config: &HttpConfig) -> Door {
    let (routes, documented) = routers::all().split_for_parts();
    let others = [routers::private::METRICS_PATH, routers::private::LOG_LEVEL_PATH].into_iter().chain(docs::PATHS);
    telemetry::route::know(documented.paths.paths.keys().map(String::as_str).chain(others));
    let figures = if config.serves_metrics { routers::private::metrics() } else { Router::new() };
    let routes = routes.merge(figures).merge(docs::pages(openapi)).with_state(state);
    Door::before(routes, config)
}

/// The OpenAPI document of [`app`].
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = OpenApiRouter::with_openapi(docs::document()).merge(routers::all()).into_openapi();
    docs::complete(&mut document);
    document
}
