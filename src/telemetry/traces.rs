//! Traces: one span for each request, sent to an OpenTelemetry collector. If no collector is configured, a request costs
//! only one read of an empty cell.
//!
//! Spans wait in a bounded queue and are sent by a separate thread. If the collector is slow or unavailable, spans are lost
//! but no request waits.

use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span, SpanKind, Status, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::config::Secret;
use crate::models::StoreId;

/// The service name, unless `OTEL_SERVICE_NAME` is set.
const SERVICE_NAME: &str = "tableorder";

/// The path for traces below the collector's address.
const TRACES_PATH: &str = "/v1/traces";

/// Time limit for the last spans when the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Routes that are not traced, because probes and scrapers call them all the time.
const UNTRACED: [&str; 5] = ["/health", "/health/live", "/health/ready", "/metrics", "/log-level"];

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Sends the remaining spans when the server stops.
#[derive(Debug)]
#[must_use]
pub struct TraceGuard(Option<SdkTracerProvider>);

impl TraceGuard {
    /// Sends the remaining spans, for at most two seconds.
    pub async fn finish(self) {
        let Some(provider) = self.0 else { return };
        // Spans that cannot be sent in time are lost; the library has logged the reason.
        let _ = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(SHUTDOWN_TIMEOUT)).await;
    }
}

/// Starts to trace requests to the collector at `endpoint`. Without an endpoint, nothing is traced.
///
/// The OpenTelemetry library reads all other variables (`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`,
/// `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_BSP_…`) from the environment.
///
/// # Errors
/// If the endpoint or one of these variables is not valid.
pub fn init(endpoint: Option<&Secret>) -> Result<TraceGuard, ExporterBuildError> {
    let Some(endpoint) = endpoint else { return Ok(TraceGuard(None)) };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}{TRACES_PATH}", endpoint.expose().trim_end_matches('/')))
        .build()?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name(SERVICE_NAME);
    }
    let resource = resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
    let provider = SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
    // Only the first call has an effect; a process has one tracer.
    let _ = TRACER.set(provider.tracer(SERVICE_NAME));
    Ok(TraceGuard(Some(provider)))
}

/// The span of a request. If it is dropped without [`end`](Self::end), because the client disconnected, it has no status.
#[derive(Debug)]
pub struct RequestSpan(Box<opentelemetry_sdk::trace::Span>);

/// Begins the span of a request, as part of the caller's trace if the request names one; `None` if it is not traced.
///
/// The span has the route and never the URL, whose query may contain a stream's ticket.
pub fn begin(request: &Request, route: Option<&str>) -> Option<RequestSpan> {
    let tracer = TRACER.get()?;
    let method = request.method();
    if route.is_some_and(|route| UNTRACED.contains(&route)) {
        return None;
    }
    let name = route.map_or_else(|| method.to_string(), |route| format!("{method} {route}"));
    let mut attributes = vec![KeyValue::new("http.request.method", method.to_string())];
    attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
    let caller = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(request.headers()));
    let span = tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(attributes);
    Some(RequestSpan(Box::new(tracer.build_with_context(span, &caller))))
}

impl RequestSpan {
    /// Ends the span of an answered request.
    pub fn end(self, request_id: &str, store: Option<StoreId>, status: StatusCode) {
        let Self(mut span) = self;
        if span.is_recording() {
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
            span.set_attribute(KeyValue::new("tableorder.request_id", request_id.to_owned()));
            if let Some(store) = store {
                span.set_attribute(KeyValue::new("tableorder.store_id", store.0));
            }
            if status.is_server_error() {
                span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
                span.set_status(Status::error(""));
            }
        }
        span.end();
    }
}

/// The request's headers, from which the caller's trace is read.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
