//! The layers around the router, which apply to every request: access log, CORS, security headers, limits, timeouts.
//!
//! [`Middleware::apply`] lists them from the outside in. A layer belongs here if it is the same for every route;
//! authentication is an extractor (`routers::extract`), since handlers require different identities. Use a layer of
//! tower-http if there is a suitable one. A file to imitate: `security_headers.rs`, or `cors.rs` for a layer with
//! state.

mod access_log;
mod client_address;
mod cors;
mod large_bodies;
mod limits;
mod security_headers;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use self::access_log::AccessLogLayer;
use self::cors::CorsByOriginLayer;
use self::limits::RequestLimits;
use crate::body_memory::BodyMemory;
use crate::config::HttpConfig;
use crate::routers::error_response;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::RequestMetrics;

pub use limits::TooManyConnections;

/// The configured layers.
#[derive(Debug, Clone)]
pub struct Middleware {
    access_log: AccessLogLayer,
    cors: CorsByOriginLayer,
    limits: RequestLimits,
    body_memory: BodyMemory,
    body_limit: usize,
    shutdown: Arc<Shutdown>,
}

impl Middleware {
    /// The layers with the limits of `config`. Requests are counted in `metrics`.
    #[must_use]
    pub fn new(config: &HttpConfig, metrics: RequestMetrics, shutdown: &Shutdown) -> Self {
        Self {
            access_log: AccessLogLayer::new(config.trusted_proxies.clone(), metrics.clone()),
            cors: CorsByOriginLayer::new(&config.cors_origins),
            limits: RequestLimits::new(config),
            body_memory: BodyMemory::new(config.body_memory, metrics),
            body_limit: config.body_limit,
            shutdown: Arc::new(shutdown.clone()),
        }
    }

    /// Adds every layer around each route of `router`: only there the matched route is known, which the log and the
    /// metrics need. Without `timeout`, a request may take any time.
    pub fn apply(&self, router: Router, timeout: Option<Duration>) -> Router {
        let timeout = timeout.map(|timeout| TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeout));
        let (request_memory, response_memory, body_limit) =
            (self.body_memory.clone(), self.body_memory.clone(), self.body_limit);
        // From the outside in: a request passes the first layer first, its response passes it last. All layers form one
        // stack, since axum boxes each layer that is added separately, for every request.
        router.layer(
            ServiceBuilder::new()
                .layer(self.access_log.clone())
                .map_response(close_while_draining(Arc::clone(&self.shutdown)))
                .map_response(security_headers::add)
                .layer(self.cors.clone())
                .map_response(error_response::write_body)
                .map_response(move |response| large_bodies::count_response(&response_memory, response))
                .map_response(IntoResponse::into_response)
                .layer(CatchPanicLayer::custom(error_response::from_panic))
                .layer(self.limits.clone())
                .layer(DefaultBodyLimit::max(body_limit))
                .map_request(move |request| large_bodies::mark_request(&request_memory, request, body_limit))
                .option_layer(timeout),
        )
    }
}

/// During the drain each response closes its connection, so that clients connect to another instance.
fn close_while_draining(shutdown: Arc<Shutdown>) -> impl Fn(Response) -> Response + Clone {
    move |mut response| {
        if shutdown.is_draining() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
