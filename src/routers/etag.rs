//! Responses that a client may cache and revalidate with their `ETag`.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::schemas::prepared::PreparedBody;

/// The `If-None-Match` fields of a request: the entity tags that the client has.
pub(super) struct IfNoneMatch(Vec<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect()))
    }
}

impl IfNoneMatch {
    /// Whether the client has the representation with this `ETag`.
    pub(super) fn matches(&self, etag: &str) -> bool {
        self.0
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag))
            .any(|tag| tag == etag.as_bytes() || tag == b"*")
    }
}

/// A response with `body` and its `ETag`, or a 304 if the client already has this body.
pub(super) fn with_etag(client: &IfNoneMatch, body: &PreparedBody) -> Response {
    // Only the client itself may cache the response, and it must revalidate each time.
    let headers = [(header::ETAG, body.etag.as_str()), (header::CACHE_CONTROL, "private, no-cache")];
    if client.matches(&body.etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, "application/json")], Body::from(body.bytes.clone())).into_response()
}
