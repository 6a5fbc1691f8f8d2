//! Response bodies that are serialised once and sent many times.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{AppError, Result};

/// A serialised body and its entity tag.
#[derive(Debug, Clone)]
pub struct PreparedBody {
    /// The JSON.
    pub bytes: Bytes,
    /// The strong `ETag`, with quotes as in the header. It depends only on the content, so it is the same on every
    /// instance.
    pub etag: String,
}

impl PreparedBody {
    /// Serialises `body`.
    pub fn new(body: &impl Serialize) -> Result<Self> {
        let bytes = Bytes::from(serde_json::to_vec(body).map_err(AppError::internal)?);
        let digest = Sha256::digest(&bytes);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default()));
        Ok(Self { bytes, etag })
    }
}
