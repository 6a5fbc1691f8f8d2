//! Cross-origin requests: which origins' pages may use the API.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::access_log::X_REQUEST_ID;
use crate::config::CorsOrigins;

/// How long a browser may cache the response to a preflight.
const MAX_AGE: Duration = Duration::from_hours(1);

/// CORS for the methods and headers of the contract.
pub(super) fn layer(origins: &CorsOrigins) -> CorsLayer {
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
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("idempotent-replayed"),
            X_REQUEST_ID,
        ])
        // The security headers have the complete `Vary`.
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
