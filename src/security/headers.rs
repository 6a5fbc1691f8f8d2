//! Headers: how much of them a request may bring, and what every answer says to browsers.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::{ErrorCode, Result};

/// What every answer says, unless it says otherwise: it is what it says it is, is no page, loads nothing and is not
/// kept, and where it led from is nobody's business.
const ANSWER_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
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
    /// Refuses a header beyond the limit.
    ///
    /// # Errors
    /// `HEADER_TOO_LARGE`.
    pub fn check(self, request: &Request) -> Result<()> {
        let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
        let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if request.headers().len() <= self.fields && address + fields <= self.bytes {
            Ok(())
        } else {
            Err(ErrorCode::HeaderTooLarge.into())
        }
    }
}

/// Puts into an answer's headers what browsers should know of it. What a store or a table is told is nobody else's to
/// keep; the menu and the pages say for themselves how they may be kept.
pub fn secure(answer: &mut HeaderMap) {
    for (name, value) in ANSWER_HEADERS {
        answer.entry(name).or_insert(value);
    }
}
