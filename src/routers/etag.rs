//! Answers a client may keep, and is told when its copy is current.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::schemas::ready::ReadyAnswer;

/// A request's `If-None-Match`: what the client has. Hardly anybody sends more than one field of it.
pub(super) struct IfNoneMatch {
    first: Option<HeaderValue>,
    others: Vec<HeaderValue>,
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut fields = parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned();
        Ok(Self { first: fields.next(), others: fields.collect() })
    }
}

impl IfNoneMatch {
    fn has(&self, etag: &HeaderValue) -> bool {
        self.first
            .iter()
            .chain(&self.others)
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag))
            .any(|tag| tag == etag || tag == b"*")
    }
}

/// `answer` with its `ETag`, or a 304 where the client has it already.
pub(super) fn with_etag(client: &IfNoneMatch, answer: &ReadyAnswer) -> Response {
    let is_current = client.has(&answer.etag);
    let mut response = Response::new(if is_current { Body::empty() } else { Body::from(answer.bytes.clone()) });
    let mut headers = answer.headers.clone();
    if is_current {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(answer.bytes.len()));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    *response.headers_mut() = headers;
    response
}
