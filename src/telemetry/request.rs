//! Request ids, and what is said of a request once it is answered: a log line, a figure, perhaps a span.

use std::cell::Cell;
use std::time::{Duration, Instant};

use arrayvec::ArrayString;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::Response;
use uuid::{NoContext, Timestamp, Uuid};

use super::route::Route;
use super::traces::{self, RequestSpan};
use crate::models::StoreId;
use crate::security::address::ClientAddress;

/// The header a request's id travels in.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id taken from a caller.
const MAX_CALLER_ID: usize = 64;

/// A request's id: the caller's, if it sent a sane one. Visible ASCII.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(ArrayString<MAX_CALLER_ID>);

impl RequestId {
    fn of(request: &Request) -> Self {
        let is_sane = |id: &&str| {
            !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        };
        let callers = request.headers().get(X_REQUEST_ID).and_then(|id| id.to_str().ok()).filter(is_sane);
        // One that is too long is none.
        callers.and_then(|id| ArrayString::from(id).ok()).map_or_else(Self::new, Self)
    }

    fn new() -> Self {
        let mut text = Uuid::encode_buffer();
        // In the order of time, to the millisecond; within it, what made each differ is chance, not a counter that
        // all cores share.
        let text = Uuid::new_v7(Timestamp::now(NoContext)).hyphenated().encode_lower(&mut text);
        Self(ArrayString::from(text).unwrap_or_default())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who a request is, and what is learnt of it on its way, for its log line and those written meanwhile.
#[derive(Debug)]
pub struct Trail {
    id: RequestId,
    route: &'static Route,
    client: ClientAddress,
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

impl Trail {
    /// Whatever happens in `answer` happens on this trail.
    pub fn scope<F: Future>(self, answer: F) -> impl Future<Output = F::Output> + use<F> {
        TRAIL.scope(self, answer)
    }
}

/// Counts a statement sent to the database for the request under way.
pub fn count_query() {
    // Outside a request (start-up, background work) there is nobody to count for.
    let _ = TRAIL.try_with(|trail| trail.queries.set(trail.queries.get() + 1));
}

/// Where the request under way comes from.
#[must_use]
pub fn client() -> Option<ClientAddress> {
    TRAIL.try_with(|trail| trail.client).ok()
}

/// Notes which store the request under way is about.
pub fn note_store(store: StoreId) {
    let _ = TRAIL.try_with(|trail| trail.store.set(Some(store)));
}

/// Those of the request under way, if there is one.
pub(super) fn circumstances() -> Option<Circumstances> {
    let of = |trail: &Trail| Circumstances {
        request_id: trail.id.as_str().to_owned(),
        route: trail.route.template().unwrap_or("-").to_owned(),
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
    route: &'static Route,
    client: ClientAddress,
    span: Option<RequestSpan>,
}

impl Visit {
    /// The visit that `request` begins.
    #[must_use]
    pub fn of(request: &Request, route: &'static Route, client: ClientAddress) -> Self {
        Self {
            started: Instant::now(),
            id: RequestId::of(request),
            method: request.method().clone(),
            span: traces::begin(request, route.template()),
            route,
            client,
        }
    }

    /// The request's id.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// The trail of this request, yet empty.
    #[must_use]
    pub fn trail(&self) -> Trail {
        let (queries, store) = Default::default();
        Trail { id: self.id, route: self.route, client: self.client, queries, store }
    }

    /// Puts the request's id on its answer, a line into the log, and adds it to the figures: within its
    /// [`trail`](Self::trail). A stream's line is written when it opens.
    pub fn end(self, answer: &mut Response) {
        let Self { started, id, method, route, client, span } = self;
        let (status, elapsed) = (answer.status(), started.elapsed());
        if let Ok(id) = HeaderValue::from_str(id.as_str()) {
            answer.headers_mut().insert(X_REQUEST_ID, id);
        }
        route.figures.observe(&method, status, elapsed);
        let learnt = TRAIL.try_with(|trail| (trail.queries.get(), trail.store.get()));
        let (queries, store) = learnt.unwrap_or_default();
        if let Some(span) = span {
            span.end(id.as_str(), store, status);
        }
        tracing::info!(
            target: "tableorder::request",
            request_id = id.as_str(),
            method = method.as_str(),
            route = route.template().unwrap_or("-"),
            status = status.as_u16(),
            ms = milliseconds(elapsed),
            client = %client.0,
            store = store.map(|store| store.0),
            queries,
        );
    }
}
