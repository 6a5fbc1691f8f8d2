//! Answers a client may keep, and is told when its copy is current.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::schemas::ready::ReadyAnswer;

/// `answer` with its `ETag`, or a 304 where the client has it already.
pub(super) fn with_etag(request: &HeaderMap, answer: &ReadyAnswer) -> Response {
    let headers = [
        (header::ETAG, answer.etag.clone()),
        // Kept by this client alone, and asked about each time.
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    if is_current(request, &answer.etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (headers, json, answer.bytes.clone()).into_response()
}

fn is_current(request: &HeaderMap, etag: &HeaderValue) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag))
        .any(|tag| tag == etag || tag == b"*")
}
