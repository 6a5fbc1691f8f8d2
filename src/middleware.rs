//! The layers around the router.

mod access_log;
mod client_address;
mod cors;
mod limits;
mod security_headers;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use self::access_log::AccessLog;
use self::limits::RequestLimits;
use crate::config::HttpConfig;
use crate::routers::error_response;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::RequestMetrics;

pub use limits::TooManyConnections;

/// Puts every layer around `router`. They belong to the router, not around it, because only there the matched route is
/// known, which the log and the metrics name.
pub fn apply(router: Router, config: &HttpConfig, metrics: RequestMetrics, shutdown: &Shutdown) -> Router {
    let access_log = AccessLog { trusted_proxies: config.trusted_proxies.clone(), metrics };
    // From the outside in: a request passes the first layer first, its response passes it last.
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(Arc::new(access_log), access_log::record))
            .map_response(close_while_draining(shutdown.clone()))
            .map_response(security_headers::add)
            .layer(cors::layer(&config.cors_origins))
            .map_response(error_response::write_body)
            .map_response(IntoResponse::into_response)
            .layer(CatchPanicLayer::custom(error_response::from_panic))
            .layer(from_fn_with_state(Arc::new(RequestLimits::new(config)), limits::check))
            .layer(DefaultBodyLimit::max(config.body_limit)),
    )
}

/// Once the server drains, each response closes its connection, so that clients connect to another instance.
fn close_while_draining(shutdown: Shutdown) -> impl Fn(Response) -> Response + Clone {
    move |mut response| {
        if shutdown.is_draining() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
