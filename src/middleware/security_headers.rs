//! Security headers of responses.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// Headers of every response.
const ALWAYS: [(HeaderName, HeaderValue); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Added to every response, beside the handler's own `Vary`.
const VARY: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

/// Default headers. The handlers of the menu, of the pages and of the documentation set their own.
const BY_DEFAULT: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ),
];

pub(super) fn add(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    headers.append(header::VARY, VARY);
    for (name, value) in BY_DEFAULT {
        headers.entry(name).or_insert(value);
    }
    response
}
