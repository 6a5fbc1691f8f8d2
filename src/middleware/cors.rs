//! CORS: the origins whose pages may use the API.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::Response;
use futures_util::future::Either;
use tower::{Layer, Service};
use tower_http::cors::{self, AllowOrigin, CorsLayer};

use super::access_log::X_REQUEST_ID;
use crate::config::CorsOrigins;

/// How long a browser may cache the response to a preflight.
const MAX_AGE: Duration = Duration::from_hours(1);

/// CORS for requests with an `Origin`, as browsers send them. (tower-http's layer adds its headers to every response,
/// and is cloned with all of them for every request.)
#[derive(Debug, Clone)]
pub(super) struct CorsByOriginLayer(Arc<CorsLayer>);

impl CorsByOriginLayer {
    pub(super) fn new(origins: &CorsOrigins) -> Self {
        Self(Arc::new(cors(origins)))
    }
}

impl<S> Layer<S> for CorsByOriginLayer {
    type Service = CorsByOrigin<S>;

    fn layer(&self, inner: S) -> CorsByOrigin<S> {
        CorsByOrigin { inner, cors: Arc::clone(&self.0) }
    }
}

/// The service of [`CorsByOriginLayer`].
#[derive(Debug, Clone)]
pub(super) struct CorsByOrigin<S> {
    inner: S,
    cors: Arc<CorsLayer>,
}

impl<S: Service<Request, Response = Response> + Clone> Service<Request> for CorsByOrigin<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, cors::ResponseFuture<S::Future>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.headers().contains_key(header::ORIGIN) {
            Either::Right(self.cors.layer(self.inner.clone()).call(request))
        } else {
            Either::Left(self.inner.call(request))
        }
    }
}

/// tower-http's layer with the methods and headers of the API.
fn cors(origins: &CorsOrigins) -> CorsLayer {
    let cors = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS])
        .allow_headers([
            header::ACCEPT,
            header::ACCEPT_LANGUAGE,
            header::AUTHORIZATION,
            header::CACHE_CONTROL,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            X_REQUEST_ID,
        ])
        .expose_headers([
            header::CONTENT_LANGUAGE,
            header::DATE,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("idempotent-replayed"),
            X_REQUEST_ID,
        ])
        // `security_headers` sets the complete `Vary`.
        .vary([])
        .max_age(MAX_AGE);
    match origins {
        CorsOrigins::Any => cors.allow_origin(AllowOrigin::any()),
        CorsOrigins::List(origins) => {
            let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
            cors.allow_origin(AllowOrigin::list(origins)).allow_credentials(true)
        }
    }
}
