//! Request ids, and what is said of a request once it is answered: a log line, a figure, perhaps a span.

use std::cell::Cell;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::Response;
use uuid::Uuid;

use super::metrics;
use super::traces::{self, RequestSpan};
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

/// Who a request is, and what is learnt of it on its way, for its log line and those written meanwhile.
struct Trail {
    id: RequestId,
    route: Option<MatchedPath>,
    queries: Cell<u32>,
    store: Cell<Option<StoreId>>,
}

/// Whose the lines are that are written while a request is answered.
pub(super) struct Circumstances {
    pub(super) request_id: String,
    pub(super) route: String,
    pub(super) store: Option<StoreId>,
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

/// Those of the request under way, if there is one.
pub(super) fn circumstances() -> Option<Circumstances> {
    let of = |trail: &Trail| Circumstances {
        request_id: trail.id.as_str().to_owned(),
        route: trail.route.as_ref().map_or("-", MatchedPath::as_str).to_owned(),
        store: trail.store.get(),
    };
    TRAIL.try_with(of).ok()
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
    span: Option<RequestSpan>,
}

impl Visit {
    /// The visit that `request` begins.
    #[must_use]
    pub fn of(request: &Request, client: ClientAddress) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        Self {
            started: Instant::now(),
            id: RequestId::of(request),
            method: request.method().clone(),
            span: traces::begin(request, route.as_ref()),
            route,
            client,
        }
    }

    /// Puts the request's id on its answer, a line into the log, and adds it to the figures. A stream's line is
    /// written when it opens.
    ///
    /// # Errors
    /// That of `answer`.
    pub async fn trace<E>(self, answer: impl AsyncFnOnce(&RequestId) -> Result<Response, E>) -> Result<Response, E> {
        let Self { started, id, method, route, client, span } = self;
        let trail = Trail { id: id.clone(), route, queries: Cell::default(), store: Cell::default() };
        TRAIL
            .scope(trail, async move {
                let mut response = answer(&id).await?;
                let (status, elapsed) = (response.status(), started.elapsed());
                response.headers_mut().insert(X_REQUEST_ID, id.0.clone());
                TRAIL.with(|Trail { route, queries, store, .. }| {
                    metrics::requests::observe(&method, route.as_ref(), status, elapsed);
                    if let Some(span) = span {
                        span.end(id.as_str(), store.get(), status);
                    }
                    tracing::info!(
                        target: "tableorder::request",
                        request_id = id.as_str(),
                        method = method.as_str(),
                        route = route.as_ref().map_or("-", MatchedPath::as_str),
                        status = status.as_u16(),
                        ms = milliseconds(elapsed),
                        client = %client.0,
                        store = store.get().map(|store| store.0),
                        queries = queries.get(),
                    );
                });
                Ok(response)
            })
            .await
    }
}
