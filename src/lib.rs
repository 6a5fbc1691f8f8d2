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
use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;

use config::HttpConfig;
use database::Database;
use routers::door::DoorLayer;
use state::AppState;

/// The whole application, as the binary serves it and as the tests call it.
pub fn app(state: AppState, config: &HttpConfig) -> Router {
    let (routes, documented) = routers::all().split_for_parts();
    let private = [routers::private::METRICS_PATH, routers::private::LOG_LEVEL_PATH];
    telemetry::metrics::requests::know(documented.paths.paths.keys().map(String::as_str).chain(private));
    let figures = if config.serves_metrics { routers::private::metrics() } else { Router::new() };
    let door = DoorLayer::new(config, Some(Database::from_ref(&state)));
    routes.merge(figures).merge(routers::docs::pages(openapi)).with_state(state).layer(door)
}

/// The OpenAPI document of [`app`].
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = OpenApiRouter::with_openapi(routers::docs::document()).merge(routers::all()).into_openapi();
    routers::docs::complete(&mut document);
    document
}
