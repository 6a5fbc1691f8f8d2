//! The door: what every request goes through on its way in, and every answer on its way out. From the outside in:
//! whose request it is, its id and log line, what browsers should know, the error envelope, CORS, the limits, an end
//! to waiting, the net for panics.
//!
//! It is one layer, not one for each of these: axum keeps each layer of each route in a box of its own and copies the
//! whole chain for every request, which cost a menu read more than the menu.

use std::convert::Infallible;
use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, Either};
use futures_util::{FutureExt, poll};
use ipnet::IpNet;
use tokio::time::timeout;
use tower::{Layer, Service, service_fn};
use tower_http::cors::CorsLayer;

use super::is_stream;
use crate::config::HttpConfig;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Language, Result, envelope};
use crate::security::address::ClientAddress;
use crate::security::cors;
use crate::security::headers::{HeaderLimit, secure};
use crate::security::rate::RequestRate;
use crate::telemetry::request::Visit;

/// Puts the door before routes.
#[derive(Debug, Clone)]
pub struct DoorLayer(Arc<Rules>);

/// Routes behind the door.
#[derive(Debug, Clone)]
pub struct Door<S> {
    rules: Arc<Rules>,
    routes: S,
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
    /// Without which there is nothing to wait for.
    database: Option<Database>,
}

impl DoorLayer {
    /// A door as `config` says. A request is given up when `database` goes away while it is being answered.
    #[must_use]
    pub fn new(config: &HttpConfig, database: Option<Database>) -> Self {
        Self(Arc::new(Rules {
            trusted_proxies: config.trusted_proxies.clone(),
            header_limit: HeaderLimit { bytes: config.header_limit, fields: config.header_fields },
            body_limit: DefaultBodyLimit::max(config.body_limit),
            rate: config.requests_per_second.map(RequestRate::new),
            cors: cors::layer(&config.cors_origins),
            patience: config.request_timeout,
            database,
        }))
    }
}

impl<S> Layer<S> for DoorLayer {
    type Service = Door<S>;

    fn layer(&self, routes: S) -> Door<S> {
        Door { rules: Arc::clone(&self.0), routes }
    }
}

impl<S> Service<Request> for Door<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.routes.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let rules = Arc::clone(&self.rules);
        let client = ClientAddress::note(&mut request, &rules.trusted_proxies);
        let visit = Visit::of(&request, client);
        let language = Language::of(request.headers());
        let stays_open = request.extensions().get::<MatchedPath>().is_some_and(|route| is_stream(route.as_str()));

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
            Either::Left(rules.cors.layer(answer).call(request))
        } else {
            Either::Right(answer.call(request))
        };

        Box::pin(visit.trace(async move |id| {
            let answer = rules.end_of_waiting(answer, stays_open).await;
            let mut answer = envelope::write(answer, language, id);
            // Once, instead of twice on the way.
            answer.headers_mut().reserve(MORE_HEADERS);
            secure(answer.headers_mut());
            if !is_from_a_page {
                answer.headers_mut().append(header::VARY, VARY);
            }
            Ok(answer)
        }))
    }
}

/// Headers that are put on an answer here and by [`Visit::trace`].
const MORE_HEADERS: usize = 8;

/// What [`CorsLayer`] says of every answer, for those it need not look at.
const VARY: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

impl Rules {
    fn admit(&self, request: &Request, client: ClientAddress) -> Result<()> {
        if let Some(rate) = &self.rate {
            rate.check(client)?;
        }
        self.header_limit.check(request)
    }

    /// The answer, if it comes in time and PostgreSQL does not go away meanwhile. A stream that is open has been
    /// answered: it stays open.
    async fn end_of_waiting(
        &self,
        answer: impl Future<Output = Result<Response, Infallible>>,
        stays_open: bool,
    ) -> Response {
        let mut answer = pin!(async {
            match AssertUnwindSafe(answer).catch_unwind().await {
                Ok(Ok(answer)) => answer,
                Err(panic) => envelope::from_panic(panic),
            }
        });
        // What is answered from memory waits for nothing, and needs nobody to watch the time.
        if let Poll::Ready(answer) = poll!(answer.as_mut()) {
            return answer;
        }
        let while_there = async {
            match &self.database {
                Some(database) => database.while_there(answer).await.unwrap_or_else(AppError::into_response),
                None => answer.await,
            }
        };
        if stays_open {
            return while_there.await;
        }
        let too_late = |_| AppError::from(ErrorCode::RequestTimeout).into_response();
        timeout(self.patience, while_there).await.unwrap_or_else(too_late)
    }
}
