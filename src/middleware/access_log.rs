//! Request ids, the request context, and the record of each response: a log line, a metric and, if traces are on, a
//! span.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;
use futures_util::future::BoxFuture;
use ipnet::IpNet;
use tower::{Layer, Service};
use tracing::Instrument;
use uuid::{NoContext, Timestamp, Uuid};

use super::client_address;
use crate::error::Limit;
use crate::request_context::RequestContext;
use crate::routers::extract::language_of;
use crate::telemetry::metrics::RequestMetrics;
use crate::telemetry::traces::{self, RequestSpan};

/// The header that carries a request's id.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id that a caller may send, in bytes.
const MAX_CALLER_ID: usize = 64;

/// Creates the context of each request and records the response. A stream is recorded when it opens.
#[derive(Debug, Clone)]
pub(super) struct AccessLogLayer(Arc<Settings>);

#[derive(Debug)]
struct Settings {
    trusted_proxies: Vec<IpNet>,
    metrics: RequestMetrics,
}

impl AccessLogLayer {
    pub(super) fn new(trusted_proxies: Vec<IpNet>, metrics: RequestMetrics) -> Self {
        Self(Arc::new(Settings { trusted_proxies, metrics }))
    }
}

impl<S> Layer<S> for AccessLogLayer {
    type Service = AccessLog<S>;

    fn layer(&self, inner: S) -> AccessLog<S> {
        AccessLog { inner, settings: Arc::clone(&self.0) }
    }
}

/// The service of [`AccessLogLayer`].
#[derive(Debug, Clone)]
pub(super) struct AccessLog<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Service<Request> for AccessLog<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let record = Record::new(&request, Arc::clone(&self.settings));
        // The fields of this span are on every log line of the request. It exists only at debug level: a span costs as
        // much as the access log line.
        let route = record.route().unwrap_or("-");
        let span = tracing::debug_span!("request", request_id = record.context.id, route);
        let context = Arc::clone(&record.context);
        let response = Arc::clone(&context).enter(|| span.in_scope(|| self.inner.call(request))).instrument(span);
        Box::pin(context.scope(async move {
            let mut response = response.await?;
            record.end(&mut response);
            Ok(response)
        }))
    }
}

/// The data of a request until its response is recorded.
struct Record {
    settings: Arc<Settings>,
    context: Arc<RequestContext>,
    started: Instant,
    method: Method,
    route: Option<MatchedPath>,
    trace: Option<RequestSpan>,
}

impl Record {
    fn new(request: &Request, settings: Arc<Settings>) -> Self {
        let started = Instant::now();
        let route = request.extensions().get::<MatchedPath>().cloned();
        let context = RequestContext::new(
            request_id(request.headers()),
            client_address::from_request(request, &settings.trusted_proxies),
            language_of(request.headers()),
            request.method().is_safe(),
        );
        let trace = traces::begin(request, route.as_ref().map(MatchedPath::as_str));
        Self { settings, context, started, method: request.method().clone(), route, trace }
    }

    fn route(&self) -> Option<&str> {
        self.route.as_ref().map(MatchedPath::as_str)
    }

    fn end(self, response: &mut Response) {
        let (context, status, elapsed) = (&self.context, response.status(), self.started.elapsed());
        self.settings.metrics.observe(&self.method, self.route(), status, elapsed);
        if let Some(limit) = context.limit() {
            self.settings.metrics.limit_reached(limit);
        }
        tracing::info!(
            target: "tableorder::request",
            request_id = context.id,
            method = self.method.as_str(),
            route = self.route().unwrap_or("-"),
            status = status.as_u16(),
            ms = milliseconds(elapsed),
            client = %context.client,
            store = context.store().map(|store| store.0),
            table = context.table().map(|table| table.0),
            queries = context.queries(),
            limit = context.limit().map(Limit::as_str),
        );
        if let Some(trace) = self.trace {
            trace.end(&context.id, context.store(), status);
        }
        if let Ok(id) = HeaderValue::from_str(&context.id) {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
    }
}

/// The caller's id if it is valid, else a new one (version 7: ids sort by time).
fn request_id(headers: &HeaderMap) -> String {
    let is_valid = |id: &&str| {
        (1..=MAX_CALLER_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    let sent = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok()).filter(is_valid);
    // `Uuid::now_v7` has a counter that all cores would share.
    sent.map_or_else(|| Uuid::new_v7(Timestamp::now(NoContext)).to_string(), str::to_owned)
}

/// Milliseconds with three decimal places, at most about 71 minutes.
fn milliseconds(elapsed: Duration) -> f64 {
    f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1000.0
}
