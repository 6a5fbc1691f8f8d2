//! Answers a client may keep, and is told when its copy is current.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::{AppError, Result};
use crate::schemas::ready::ReadyAnswer;

/// `answer` with its `ETag`, or a 304 where the client has it already.
pub(super) fn with_etag(request: &HeaderMap, answer: &ReadyAnswer) -> Result<Response> {
    let headers = [
        (header::ETAG, HeaderValue::from_str(&answer.etag).map_err(AppError::internal)?),
        // Kept by this client alone, and asked about each time.
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    if is_current(request, &answer.etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((headers, json, answer.bytes.clone()).into_response())
}

fn is_current(request: &HeaderMap, etag: &str) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*")
}
