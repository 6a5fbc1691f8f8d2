//! What answers the requests of one connection.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, Request, Response, header};
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::service::Service;

use crate::routers::door::Door;
use crate::security::address::ClientAddress;

/// The application, as one connection sees it. (hyper-util's adapter would copy it for each request, and so do its
/// counting on counters that all cores share.)
#[derive(Debug)]
pub(super) struct Answers {
    app: RefCell<Door>,
    peer: ClientAddress,
    /// The connection's own, so that no core waits for another to read it.
    is_last: Arc<AtomicBool>,
}

impl Answers {
    /// The requests of `peer`, answered by `app`. Once `is_last`, each answer says `Connection: close`.
    pub(super) fn new(app: Door, peer: ClientAddress, is_last: Arc<AtomicBool>) -> Self {
        Self { app: RefCell::new(app), peer, is_last }
    }
}

impl Service<Request<Incoming>> for Answers {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        // A body that is empty needs no box.
        let request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        let answer = self.app.borrow_mut().answer(request, self.peer);
        Answering { answer, is_last: Arc::clone(&self.is_last) }
    }
}

/// An answer on its way.
pub(super) struct Answering {
    answer: BoxFuture<'static, Response<Body>>,
    is_last: Arc<AtomicBool>,
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = ready!(self.answer.as_mut().poll(cx));
        if self.is_last.load(Ordering::Relaxed) {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(answer))
    }
}
