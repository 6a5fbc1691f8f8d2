//! The answer a connection closes with.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::service::Service;

/// Says `Connection: close` with each answer of a connection whose next answer is to be its last.
#[derive(Debug)]
pub(super) struct LastAnswer<S> {
    inner: S,
    /// The connection's own, so that no core waits for another to read it.
    is_last: Arc<AtomicBool>,
}

impl<S> LastAnswer<S> {
    pub(super) fn new(inner: S, is_last: Arc<AtomicBool>) -> Self {
        Self { inner, is_last }
    }
}

impl<S> Service<Request<Incoming>> for LastAnswer<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>>,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Answering { answer: self.inner.call(request), is_last: Arc::clone(&self.is_last) }
    }
}

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Answering<F> {
    answer: F,
    is_last: Arc<AtomicBool>,
}

impl<F, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<Body>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = ready!(Pin::new(&mut self.answer).poll(cx))?;
        if self.is_last.load(Ordering::Relaxed) {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(answer))
    }
}
