//! Limits of connections, request rate and header size, checked before the router.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use tower::{Layer, Service};

use crate::config::HttpConfig;
use crate::error::{AppError, ErrorCode, Limit, Result};
use crate::models::network_of;
use crate::request_context;
use crate::security::rate::RateLimit;

/// The burst, in seconds of the permitted rate.
const BURST_SECONDS: NonZero<u32> = NonZero::new(5).unwrap();

/// An extension that marks requests on a connection beyond `MAX_CONNECTIONS`.
#[derive(Debug, Clone, Copy)]
pub struct TooManyConnections;

/// The limits of a request.
#[derive(Debug, Clone)]
pub(super) struct RequestLimits {
    max_connections: i64,
    rate: Option<Arc<RateLimit<IpAddr>>>,
    /// The size of path, query, header names and header values together.
    header_bytes: usize,
    header_fields: usize,
}

impl RequestLimits {
    pub(super) fn new(config: &HttpConfig) -> Self {
        Self {
            max_connections: i64::try_from(config.max_connections).unwrap_or(i64::MAX),
            rate: config.requests_per_second.map(|rate| {
                let burst = rate.saturating_mul(BURST_SECONDS);
                Arc::new(RateLimit::per_second(Limit::AddressRequests, rate, burst))
            }),
            header_bytes: config.header_limit,
            header_fields: config.header_fields,
        }
    }

    fn check(&self, request: &Request) -> Result<()> {
        if request.extensions().get::<TooManyConnections>().is_some() {
            return Err(AppError::limit_reached(
                ErrorCode::ServiceUnavailable,
                Limit::Connections,
                self.max_connections,
            ));
        }
        if let (Some(rate), Some(client)) = (&self.rate, request_context::with(|context| context.client)) {
            rate.check(&network_of(client))?;
        }
        let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
        let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if request.headers().len() > self.header_fields || path + fields > self.header_bytes {
            return Err(ErrorCode::HeaderTooLarge.into());
        }
        Ok(())
    }
}

impl<S> Layer<S> for RequestLimits {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited { inner, limits: self.clone() }
    }
}

/// The service of [`RequestLimits`].
#[derive(Debug, Clone)]
pub(super) struct Limited<S> {
    inner: S,
    limits: RequestLimits,
}

impl<S: Service<Request, Response = Response>> Service<Request> for Limited<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.limits.check(&request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(refused) => Either::Right(ready(Ok(refused.into_response()))),
        }
    }
}
