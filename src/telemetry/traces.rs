//! Traces, where they are asked for: one span a request, told to an OpenTelemetry collector. Without, a request
//! pays one look at an empty cell.
//!
//! Spans wait in a queue that has an end and are sent by a thread of their own, so a collector that is slow or away
//! costs spans and never a request.

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

/// What the server is called, unless `OTEL_SERVICE_NAME` says otherwise.
const SERVICE_NAME: &str = "tableorder";

/// Where collectors take traces, below their address.
const TRACES_PATH: &str = "/v1/traces";

/// How long the collector may take the last spans when the server stops.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// What probes ask for all day.
const UNTRACED: [&str; 5] = ["/health", "/health/live", "/health/ready", "/metrics", "/log-level"];

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Sends the spans that wait once the server stops.
#[derive(Debug)]
#[must_use]
pub struct TraceGuard(Option<SdkTracerProvider>);

impl TraceGuard {
    /// Sends what waits still, for two seconds at most.
    pub async fn finish(self) {
        let Some(provider) = self.0 else { return };
        // What could not be sent in time is lost, and the log has said why.
        let _ = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_SPANS)).await;
    }
}

/// Traces requests from here on, to the collector at `endpoint`; without one there is nothing to do.
///
/// Whatever else OpenTelemetry has variables for (`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`,
/// `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_BSP_…`) its library reads from the environment.
///
/// # Errors
/// When the endpoint or one of those variables cannot be read.
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
    // Only the first counts; a process has one.
    let _ = TRACER.set(provider.tracer(SERVICE_NAME));
    Ok(TraceGuard(Some(provider)))
}

/// A request's span. Dropped without [`end`](Self::end), as when the client hangs up, it ends without a status.
#[derive(Debug)]
pub struct RequestSpan(Box<opentelemetry_sdk::trace::Span>);

/// Begins the span of a request, as a part of its caller's trace if that says so; `None` where nothing is traced.
///
/// It has the route and never the address, which may have a stream's ticket in its query.
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
    /// The request was answered.
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

/// Where a caller's trace is read from.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
