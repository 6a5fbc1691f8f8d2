//! Request ids, the context of a request, and what is recorded once it is answered: a log line, a metric and, where
//! traces are on, a span.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;
use tracing::Instrument;
use uuid::{NoContext, Timestamp, Uuid};

use super::client_address;
use crate::request_context::{self, RequestContext};
use crate::routers::extract::language_of;
use crate::telemetry::metrics::RequestMetrics;
use crate::telemetry::traces;

/// The header that carries a request's id.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id taken from a caller, in bytes.
const MAX_CALLER_ID: usize = 64;

/// What [`record`] needs besides the request.
#[derive(Debug)]
pub(super) struct AccessLog {
    pub(super) trusted_proxies: Vec<IpNet>,
    pub(super) metrics: RequestMetrics,
}

/// Answers a request within a context of its own and records the outcome. A stream is recorded when it opens.
pub(super) async fn record(State(log): State<Arc<AccessLog>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map(MatchedPath::as_str);
    let trace = traces::begin(&request, route);
    let context = RequestContext::new(
        request_id(request.headers()),
        client_address::of(&request, &log.trusted_proxies),
        language_of(request.headers()),
    );
    // Its fields are on every line that is written while the request is answered.
    let span = tracing::error_span!("request", request_id = context.id, route = route.unwrap_or("-"));
    let answer = async {
        let mut response = next.run(request).instrument(span).await;
        let (status, elapsed) = (response.status(), started.elapsed());
        log.metrics.observe(&method, route, status, elapsed);
        request_context::with(|context| {
            tracing::info!(
                target: "tableorder::request",
                request_id = context.id,
                method = method.as_str(),
                route = route.unwrap_or("-"),
                status = status.as_u16(),
                ms = milliseconds(elapsed),
                client = %context.client,
                store = context.store().map(|store| store.0),
                queries = context.queries(),
            );
            if let Some(trace) = trace {
                trace.end(&context.id, context.store(), status);
            }
            if let Ok(id) = HeaderValue::from_str(&context.id) {
                response.headers_mut().insert(X_REQUEST_ID, id);
            }
        });
        response
    };
    context.scope(answer).await
}

/// The caller's id if it is short and plain, else a new one, which sorts by time.
fn request_id(headers: &HeaderMap) -> String {
    let is_valid = |id: &&str| {
        (1..=MAX_CALLER_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    let sent = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok()).filter(is_valid);
    // Without the counter of `Uuid::now_v7`, which all cores would share.
    sent.map_or_else(|| Uuid::new_v7(Timestamp::now(NoContext)).to_string(), str::to_owned)
}

/// Milliseconds with three decimal places, at most about 71 minutes.
fn milliseconds(elapsed: Duration) -> f64 {
    f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1000.0
}
