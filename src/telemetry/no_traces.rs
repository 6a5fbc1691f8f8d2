//! Traces in a build without the feature `otlp`: there are none.

use axum::extract::Request;
use axum::http::StatusCode;

use crate::config::Secret;
use crate::models::StoreId;

/// Traces were asked for.
#[derive(Debug, thiserror::Error)]
#[error("OTEL_EXPORTER_OTLP_ENDPOINT is set, but this program was built without traces; build it with --features otlp")]
pub struct NotBuilt;

/// Nothing is sent.
#[derive(Debug)]
pub struct TraceGuard;

impl TraceGuard {
    /// Nothing is left to send.
    #[expect(clippy::unused_async, reason = "the interface of a build with traces")]
    pub async fn finish(self) {}
}

/// Refuses an endpoint.
pub fn init(endpoint: Option<&Secret>) -> Result<TraceGuard, NotBuilt> {
    if endpoint.is_some() { Err(NotBuilt) } else { Ok(TraceGuard) }
}

/// Never made.
#[derive(Debug)]
pub enum RequestSpan {}

/// No span.
#[must_use]
pub fn begin(_: &Request, _: Option<&str>) -> Option<RequestSpan> {
    None
}

impl RequestSpan {
    /// Never called.
    pub fn end(self, _: &str, _: Option<StoreId>, _: StatusCode) {
        match self {}
    }
}
