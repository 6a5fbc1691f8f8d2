//! Request ids, and what is said of a request once it is answered: a log line, a figure, perhaps a span.

use std::cell::Cell;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use super::{metrics, traces};
use crate::models::StoreId;
use crate::security::address::ClientAddress;

/// The header a request's id travels in.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id taken from a caller.
const MAX_CALLER_ID: usize = 64;

/// A request's id: the caller's, if it sent a sane one.
#[derive(Debug, Clone, Default)]
pub struct RequestId(String);

impl RequestId {
    fn of(request: &Request) -> Self {
        let sane = |id: &&str| {
            (1..=MAX_CALLER_ID).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        };
        request
            .headers()
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(sane)
            .map_or_else(|| Self(Uuid::now_v7().to_string()), |id| Self(id.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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

/// Gives the request its id and logs it when it is answered. A stream's line is written when it opens.
///
/// The route is logged, not the address: a query may carry a stream's ticket.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(&request);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let client = request.extensions().get::<ClientAddress>().copied();
    let span = traces::begin(&request, route.as_ref());
    request.extensions_mut().insert(id.clone());

    let trail = Trail { id, route, queries: Cell::default(), store: Cell::default() };
    TRAIL
        .scope(trail, async move {
            let mut response = next.run(request).await;
            let (status, elapsed) = (response.status(), started.elapsed());
            TRAIL.with(|Trail { id, route, queries, store }| {
                if let Ok(value) = HeaderValue::from_str(id.as_str()) {
                    response.headers_mut().insert(X_REQUEST_ID, value);
                }
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
                    client = client.map(|client| tracing::field::display(client.0)),
                    store = store.get().map(|store| store.0),
                    queries = queries.get(),
                );
            });
            response
        })
        .await
}
