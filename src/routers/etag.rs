//! Answers a client may keep, and is told when its copy is current.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{AppError, Result};

/// `body` as JSON with a strong `ETag`, or a 304 where the client has it already.
pub(super) fn json_with_etag(request: &HeaderMap, body: &impl Serialize) -> Result<Response> {
    let bytes = serde_json::to_vec(body).map_err(AppError::internal)?;
    let digest = Sha256::digest(&bytes);
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default()));
    let headers = [
        (header::ETAG, HeaderValue::from_str(&etag).map_err(AppError::internal)?),
        // Kept by this client alone, and asked about each time.
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    if is_current(request, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((headers, json, bytes).into_response())
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
