//! Replaces `traces.rs` in a build without the feature `otlp`: nothing is traced.

use axum::extract::Request;
use axum::http::StatusCode;

use crate::config::Secret;
use crate::models::StoreId;

/// Traces are configured but not compiled in.
#[derive(Debug, thiserror::Error)]
#[error("OTEL_EXPORTER_OTLP_ENDPOINT is set, but this program was built without traces; build it with --features otlp")]
pub struct NotBuilt;

/// Does nothing.
#[derive(Debug)]
pub struct TraceGuard;

impl TraceGuard {
    /// Does nothing.
    #[expect(clippy::unused_async, reason = "the interface of a build with traces")]
    pub async fn finish(self) {}
}

/// Fails if an endpoint is configured.
pub fn init(endpoint: Option<&Secret>) -> Result<TraceGuard, NotBuilt> {
    if endpoint.is_some() { Err(NotBuilt) } else { Ok(TraceGuard) }
}

/// Never created.
#[derive(Debug)]
pub enum RequestSpan {}

/// Returns `None`.
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
