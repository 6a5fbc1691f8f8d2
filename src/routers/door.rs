//! The door: what every request goes through on its way in, and every answer on its way out. From the outside in:
//! whose request it is, its id and log line, what browsers should know, the error envelope, CORS, the limits, an end
//! to waiting, the net for panics.
//!
//! It stands before the router and is no layer of it: axum keeps each layer of each route in a box of its own and copies
//! the whole chain for every request, which cost a menu read more than the menu.

use std::convert::Infallible;
use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, Either};
use futures_util::{FutureExt, poll};
use ipnet::IpNet;
use tokio::time::timeout;
use tower::{Layer, Service, service_fn};
use tower_http::cors::CorsLayer;

use super::is_stream;
use crate::config::HttpConfig;
use crate::error::{AppError, ErrorCode, Language, Result, envelope};
use crate::security::address::ClientAddress;
use crate::security::cors;
use crate::security::headers::{HeaderLimit, secure};
use crate::security::rate::RequestRate;
use crate::telemetry::request::Visit;
use crate::telemetry::route::{self, Route};

/// Routes behind the door. A clone is for one connection.
#[derive(Debug)]
pub struct Door {
    /// The connection's own hold on the rules, shared by its requests.
    #[expect(clippy::redundant_allocation, reason = "requests that all count the same make the cores wait in turn")]
    rules: Arc<Arc<Rules>>,
    routes: Router,
}

impl Clone for Door {
    fn clone(&self) -> Self {
        Self { rules: Arc::new(Arc::clone(&self.rules)), routes: self.routes.clone() }
    }
}

#[derive(Debug)]
struct Rules {
    trusted_proxies: Vec<IpNet>,
    header_limit: HeaderLimit,
    body_limit: DefaultBodyLimit,
    rate: Option<RequestRate>,
    cors: CorsLayer,
    /// How long an answer may take, streams apart.
    patience: Duration,
}

impl Door {
    /// A door as `config` says, before `routes`.
    #[must_use]
    pub fn before(routes: Router, config: &HttpConfig) -> Self {
        let rules = Rules {
            trusted_proxies: config.trusted_proxies.clone(),
            header_limit: HeaderLimit { bytes: config.header_limit, fields: config.header_fields },
            body_limit: DefaultBodyLimit::max(config.body_limit),
            rate: config.requests_per_second.map(RequestRate::new),
            cors: cors::layer(&config.cors_origins),
            patience: config.request_timeout,
        };
        Self { rules: Arc::new(Arc::new(rules)), routes }
    }

    /// The answer to `request`, which `peer` sent.
    pub fn answer(&mut self, request: Request, peer: ClientAddress) -> BoxFuture<'static, Response> {
        let rules = Arc::clone(&self.rules);
        let client = peer.behind_proxies(request.headers(), &rules.trusted_proxies);
        let route = route::find(request.uri().path());
        let visit = Visit::of(&request, route, client);
        let language = Language::of(request.headers());

        let mut answer = service_fn(|mut request: Request| match rules.admit(&request, client) {
            Ok(()) => {
                if !request.body().is_end_stream() {
                    rules.body_limit.apply(&mut request);
                }
                Either::Left(self.routes.call(request))
            }
            Err(refused) => Either::Right(ready(Ok(refused.into_response()))),
        });
        let is_from_a_page = request.headers().contains_key(header::ORIGIN);
        let answer = if is_from_a_page {
            Either::Left(rules.cors.layer(answer).call(request).boxed())
        } else {
            Either::Right(answer.call(request))
        };

        // One block, which hands what it awaits to nobody: a future has its room twice in each that takes it over, and
        // it is all of that room which is copied to where it will stay.
        Box::pin(visit.trail().scope(async move {
            let mut answer = pin!(AssertUnwindSafe(answer).catch_unwind());
            // What is answered from memory waits for nothing, and needs nobody to watch the time.
            let answered = match poll!(answer.as_mut()) {
                Poll::Ready(answered) => caught(answered),
                Poll::Pending => Box::pin(rules.end_of_waiting(answer, route)).await,
            };
            let mut answer = envelope::write(answered, language, visit.id());
            secure(answer.headers_mut());
            visit.end(&mut answer);
            answer
        }))
    }
}

/// An answer, or what was thrown instead.
type Caught = thread::Result<Result<Response, Infallible>>;

fn caught(answer: Caught) -> Response {
    match answer {
        Ok(Ok(answer)) => answer,
        Err(panic) => envelope::from_panic(panic),
    }
}

impl Rules {
    fn admit(&self, request: &Request, client: ClientAddress) -> Result<()> {
        if let Some(rate) = &self.rate {
            rate.check(client)?;
        }
        self.header_limit.check(request)
    }

    /// The answer, if it comes in time. A stream that is open has been answered: it stays open.
    async fn end_of_waiting(&self, answer: impl Future<Output = Caught>, route: &Route) -> Response {
        let answer = answer.map(caught);
        if route.template().is_some_and(is_stream) {
            return answer.await;
        }
        let too_late = |_| AppError::from(ErrorCode::RequestTimeout).into_response();
        timeout(self.patience, answer).await.unwrap_or_else(too_late)
    }
}
