//! Counts large bodies towards the memory budget ([`BodyMemory`]).

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};

use crate::body_memory::{BodyClaim, BodyMemory};
use crate::request_context;
use crate::routers::extract::LargeRequest;
use crate::routers::json::LargeBody;

/// The size from which on a request body counts, in bytes.
const LARGE_REQUEST: u64 = 16 << 10;

/// A body that counts until its last byte is sent: hyper keeps the bytes until then.
struct CountedBody {
    bytes: Bytes,
    _claim: BodyClaim,
}

impl AsRef<[u8]> for CountedBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Marks a request whose body may be large. It is counted when it is read, because the client is known only then.
pub(super) fn mark_request(memory: &BodyMemory, mut request: Request, limit: usize) -> Request {
    let size = request.body().size_hint().upper();
    if size.is_none_or(|size| size > LARGE_REQUEST) {
        let bytes = size.and_then(|size| size.try_into().ok()).map_or(limit, |size: usize| size.min(limit));
        request.extensions_mut().insert(LargeRequest { bytes, memory: memory.clone() });
    }
    request
}

/// Counts a large response. If the client's share of the budget is used up, an error replaces it.
pub(super) fn count_response(memory: &BodyMemory, mut response: Response) -> Response {
    let Some(LargeBody(bytes)) = response.extensions_mut().remove() else { return response };
    let is_read = request_context::with(|context| context.is_read).unwrap_or_default();
    let claim = if is_read { memory.claim(bytes.len()) } else { Ok(memory.count(bytes.len())) };
    let claim = match claim {
        Ok(claim) => claim,
        Err(refused) => return refused.into_response(),
    };
    *response.body_mut() = Body::from(Bytes::from_owner(CountedBody { bytes, _claim: claim }));
    response
}
