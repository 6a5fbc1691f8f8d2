//! Headers: how much of them a request may bring, and what every answer says to browsers.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::{ErrorCode, Result};

/// That it is what it says it is, that where it led from is nobody's business, and that pages of other origins may be told
/// more.
const EVERY_ANSWER: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::VARY, HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers")),
];

/// That it is not to be kept.
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// That it is no page and loads nothing.
const NO_PAGE: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");

/// Headers that are put on an answer here, and later by others.
const MORE_HEADERS: usize = 8;

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
/// keep; the menu and the pages say for themselves how they may be kept, and the pages what they load.
pub fn secure(answer: &mut HeaderMap) {
    // An answer that was made ready has been here.
    if answer.contains_key(header::X_CONTENT_TYPE_OPTIONS) {
        return;
    }
    // Once, instead of twice on the way.
    answer.reserve(MORE_HEADERS);
    for (name, value) in EVERY_ANSWER {
        answer.insert(name, value);
    }
    // (`entry` costs more than the look.)
    if !answer.contains_key(header::CACHE_CONTROL) {
        answer.insert(header::CACHE_CONTROL, NOT_KEPT);
    }
    if !answer.contains_key(header::CONTENT_SECURITY_POLICY) {
        answer.insert(header::CONTENT_SECURITY_POLICY, NO_PAGE);
    }
}
