//! Headers: how much of them a request may bring, and what every answer says to browsers.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::{AppError, ErrorCode};

/// What every answer says, unless it says otherwise: it is what it says it is, is no page and loads nothing, and
/// where it led from is nobody's business.
const ANSWER_HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// How much header a request may bring.
#[derive(Debug, Clone, Copy)]
pub struct HeaderLimit {
    /// Address, names and values together, in bytes.
    pub bytes: usize,
    /// Fields.
    pub fields: usize,
}

impl HeaderLimit {
    fn allows(self, request: &Request) -> bool {
        let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
        let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        request.headers().len() <= self.fields && address + fields <= self.bytes
    }
}

/// Refuses a header beyond the limit.
pub async fn limit(State(limit): State<HeaderLimit>, request: Request, next: Next) -> Response {
    if limit.allows(&request) {
        next.run(request).await
    } else {
        AppError::from(ErrorCode::HeaderTooLarge).into_response()
    }
}

/// Puts on every answer what browsers should know of it.
pub async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in ANSWER_HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
