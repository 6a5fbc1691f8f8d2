//! Reads the bytes of a JSON body.

use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use bytes::BytesMut;

use crate::body_memory::BodyMemory;
use crate::error::{ErrorCode, Result};
use crate::request_context::{self, RequestContext};

/// The size limit of a body whose sender is not authenticated, as of a login, in bytes.
const ANONYMOUS_BODY_LIMIT: usize = 16 << 10;

/// A request extension: a body that may be large, which counts towards the memory budget while it is read.
#[derive(Clone)]
pub struct LargeRequest {
    /// The largest size that it can have, in bytes.
    pub bytes: usize,
    /// The memory budget.
    pub memory: BodyMemory,
}

/// The JSON body of a request, within the size limit and the memory budget.
pub(super) async fn json_bytes<S: Send + Sync>(mut request: Request, state: &S) -> Result<BytesMut> {
    if !is_json(&request) {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    let is_anonymous = request_context::with(RequestContext::store).flatten().is_none();
    let large: Option<LargeRequest> = request.extensions_mut().remove();
    let _claim = match large {
        Some(LargeRequest { bytes, memory }) if !is_anonymous => Some(memory.claim(bytes)?),
        _ => None,
    };
    if is_anonymous {
        DefaultBodyLimit::max(ANONYMOUS_BODY_LIMIT).apply(&mut request);
    }
    // `BytesMut` copies each frame. `Bytes` would keep them all until the last one, and with each frame, even one of a
    // single byte, the whole buffer that hyper read it into.
    BytesMut::from_request(request, state)
        .await
        .map_err(|rejection| ErrorCode::for_status(rejection.status().as_u16()).into())
}

fn is_json(request: &Request) -> bool {
    let essence = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|essence| essence.trim().to_ascii_lowercase());
    essence.is_some_and(|essence| {
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::{Body, Bytes};

    use super::*;

    /// A part of a body that counts how many of its kind are in memory.
    struct CountedFrame(Arc<AtomicUsize>);

    impl CountedFrame {
        fn bytes(count: &Arc<AtomicUsize>) -> Bytes {
            count.fetch_add(1, Ordering::Relaxed);
            Bytes::from_owner(Self(Arc::clone(count)))
        }
    }

    impl AsRef<[u8]> for CountedFrame {
        fn as_ref(&self) -> &[u8] {
            b" "
        }
    }

    impl Drop for CountedFrame {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn the_frames_of_a_body_are_not_kept() {
        let count = Arc::new(AtomicUsize::new(0));
        let frames = std::iter::repeat_with({
            let count = Arc::clone(&count);
            move || {
                assert!(count.load(Ordering::Relaxed) < 2, "hyper's buffer of an earlier frame is still in memory");
                Ok::<_, Infallible>(CountedFrame::bytes(&count))
            }
        });
        let body = Body::from_stream(futures_util::stream::iter(frames.take(1_000)));
        let request = Request::builder().header(CONTENT_TYPE, "application/json").body(body).unwrap();
        assert_eq!(json_bytes(request, &()).await.unwrap().len(), 1_000);
    }
}
