//! Answers that are made once and sent often.

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{AppError, Result};

/// An answer's bytes, and the strong `ETag` they have on every instance.
#[derive(Debug, Clone)]
pub struct ReadyAnswer {
    /// The body: JSON.
    pub bytes: Bytes,
    /// In quotes, as it stands in the header.
    pub etag: HeaderValue,
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
        Ok(Self { bytes, etag: HeaderValue::try_from(etag).map_err(AppError::internal)? })
    }
}
