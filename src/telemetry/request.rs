//! Request ids, and one log line a request.

use std::cell::Cell;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::Response;
use uuid::Uuid;

use crate::models::StoreId;
use crate::security::address::ClientAddress;

/// The header a request's id travels in.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id taken from a caller.
const MAX_CALLER_ID: usize = 64;

/// A request's id: the caller's, if it sent a sane one. Visible ASCII.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    fn of(request: &Request) -> Self {
        let sane = |id: &&HeaderValue| {
            (1..=MAX_CALLER_ID).contains(&id.len())
                && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
        };
        request.headers().get(X_REQUEST_ID).filter(sane).map_or_else(Self::new, |id| Self(id.clone()))
    }

    fn new() -> Self {
        let mut text = Uuid::encode_buffer();
        let text: &str = Uuid::now_v7().hyphenated().encode_lower(&mut text);
        Self(HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-")))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// What is learnt of a request on its way, for its log line.
#[derive(Default)]
struct Trail {
    queries: Cell<u32>,
    store: Cell<Option<StoreId>>,
}

tokio::task_local! {
    static TRAIL: Trail;
}

/// Counts a statement sent to the database for the request under way.
pub fn count_query() {
    // Outside a request (start-up, background work) there is nobody to count for.
    let _ = TRAIL.try_with(|trail| trail.queries.set(trail.queries.get() + 1));
}

/// Notes which store the request under way is about.
pub fn note_store(store: StoreId) {
    let _ = TRAIL.try_with(|trail| trail.store.set(Some(store)));
}

/// Milliseconds with three places; beyond an hour the count no longer matters.
fn milliseconds(elapsed: Duration) -> f64 {
    f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1000.0
}

/// A request under way.
#[derive(Debug)]
pub struct Visit {
    started: Instant,
    id: RequestId,
    method: Method,
    /// The route, not the address: a query may carry a stream's ticket.
    route: Option<MatchedPath>,
    client: ClientAddress,
}

impl Visit {
    /// The visit that `request` begins.
    #[must_use]
    pub fn of(request: &Request, client: ClientAddress) -> Self {
        Self {
            started: Instant::now(),
            id: RequestId::of(request),
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            client,
        }
    }

    /// Puts the request's id on its answer, and a line into the log. A stream's line is written when it opens.
    ///
    /// # Errors
    /// That of `answer`.
    pub async fn trace<E>(self, answer: impl AsyncFnOnce(&RequestId) -> Result<Response, E>) -> Result<Response, E> {
        TRAIL
            .scope(Trail::default(), async move {
                let mut response = answer(&self.id).await?;
                response.headers_mut().insert(X_REQUEST_ID, self.id.0.clone());
                let (queries, store) = TRAIL.with(|trail| (trail.queries.get(), trail.store.get()));
                tracing::info!(
                    target: "tableorder::request",
                    request_id = self.id.as_str(),
                    method = self.method.as_str(),
                    route = self.route.as_ref().map_or("-", MatchedPath::as_str),
                    status = response.status().as_u16(),
                    ms = milliseconds(self.started.elapsed()),
                    client = %self.client.0,
                    store = store.map(|store| store.0),
                    queries,
                );
                Ok(response)
            })
            .await
    }
}
