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
pub mod state;
pub mod telemetry;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;

use config::HttpConfig;
use error::envelope;
use security::headers::HeaderLimit;
use security::rate::RequestRate;
use security::{address, headers, rate};
use state::AppState;

/// The whole application, as the binary serves it and as the tests call it.
pub fn app(state: AppState, config: &HttpConfig) -> Router {
    let (requests, _) = routers::requests().split_for_parts();
    let (streams, _) = routers::streams().split_for_parts();

    let document = openapi();
    let private = [routers::private::METRICS_PATH, routers::private::LOG_LEVEL_PATH];
    telemetry::metrics::requests::know(document.paths.paths.keys().map(String::as_str).chain(private));
    let figures = if config.serves_metrics { routers::private::metrics() } else { Router::new() };
    let router = requests
        // What a store or a table is told is nobody else's to keep; the menu says for itself how it may be kept.
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, config.request_timeout))
        .merge(streams)
        .layer(from_fn_with_state(state.clone(), routers::outage::layer))
        .merge(routers::docs::pages(document))
        .merge(figures)
        .with_state(state);
    with_common_layers(router, config)
}

/// What every request goes through, whichever route it takes, from the outside in: whose it is, its id and log
/// line, CORS, what browsers should know, the error envelope, the limits, the net for panics.
pub fn with_common_layers(router: Router, config: &HttpConfig) -> Router {
    let header_limit = HeaderLimit { bytes: config.header_limit, fields: config.header_fields };
    let mut router = router
        .layer(DefaultBodyLimit::max(config.body_limit))
        .layer(CatchPanicLayer::custom(envelope::from_panic))
        .layer(from_fn_with_state(header_limit, headers::limit));
    if let Some(per_second) = config.requests_per_second {
        router = router.layer(from_fn_with_state(Arc::new(RequestRate::new(per_second)), rate::layer));
    }
    router
        .layer(from_fn(envelope::layer))
        .layer(from_fn(headers::secure))
        .layer(security::cors::layer(&config.cors_origins))
        .layer(from_fn(telemetry::request::layer))
        .layer(from_fn_with_state(config.trusted_proxies.clone().into(), address::layer))
}

/// The OpenAPI document of [`app`].
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = OpenApiRouter::with_openapi(routers::docs::document())
        .merge(routers::requests())
        .merge(routers::streams())
        .into_openapi();
    routers::docs::complete(&mut document);
    document
}
