//! Answers that are made once and sent often.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{AppError, Result};
use crate::security::headers::secure;
use crate::telemetry::request::X_REQUEST_ID;

/// An answer's bytes, and what is said of them.
#[derive(Debug, Clone)]
pub struct ReadyAnswer {
    /// The body: JSON.
    pub bytes: Bytes,
    /// The strong `ETag` they have on every instance: in quotes, as it stands in the header.
    pub etag: HeaderValue,
    /// The headers for who has them already, with a place for each that an answer is given on its way out: to make room for
    /// one more in a copy costs as much as the copy.
    pub headers: HeaderMap,
}

impl ReadyAnswer {
    /// `body`, ready to be sent.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of(body: &impl Serialize) -> Result<Self> {
        let bytes = Bytes::from(serde_json::to_vec(body).map_err(AppError::internal)?);
        let digest = Sha256::digest(&bytes);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default()));
        let etag = HeaderValue::try_from(etag).map_err(AppError::internal)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, etag.clone());
        // Kept by this client alone, and asked about each time.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        // The places of what axum and the door put there.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("yet to come"));
        secure(&mut headers);
        Ok(Self { bytes, etag, headers })
    }
}
