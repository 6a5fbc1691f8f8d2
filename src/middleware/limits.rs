//! Requests that are refused before they reach the router.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::config::HttpConfig;
use crate::error::{AppError, ErrorCode, Result};
use crate::request_context;
use crate::security::rate::RateLimit;

/// An extension of requests on a connection beyond `MAX_CONNECTIONS`.
#[derive(Debug, Clone, Copy)]
pub struct TooManyConnections;

/// What a request may bring, and how often.
#[derive(Debug)]
pub(super) struct RequestLimits {
    rate: Option<RateLimit>,
    /// Path and query, header names and values together, in bytes.
    header_bytes: usize,
    header_fields: usize,
}

impl RequestLimits {
    pub(super) fn new(config: &HttpConfig) -> Self {
        Self {
            rate: config.requests_per_second.map(RateLimit::new),
            header_bytes: config.header_limit,
            header_fields: config.header_fields,
        }
    }

    fn check_header(&self, request: &Request) -> Result<()> {
        let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
        let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if request.headers().len() <= self.header_fields && path + fields <= self.header_bytes {
            Ok(())
        } else {
            Err(ErrorCode::HeaderTooLarge.into())
        }
    }
}

/// Refuses requests beyond the limits of connections, rate and header size.
pub(super) async fn check(State(limits): State<Arc<RequestLimits>>, request: Request, next: Next) -> Result<Response> {
    if request.extensions().get::<TooManyConnections>().is_some() {
        return Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "MAX_CONNECTIONS are open"));
    }
    if let (Some(rate), Some(client)) = (&limits.rate, request_context::with(|context| context.client)) {
        rate.check(client)?;
    }
    limits.check_header(&request)?;
    Ok(next.run(request).await)
}
