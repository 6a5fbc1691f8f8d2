//! Streams over HTTP.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Version, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{AppError, ErrorCode, Result};
use crate::events::EventStream;
use crate::request_context;
use crate::routers::extract::Query;
use crate::security::identity::AdminIdentity;
use crate::state::AppState;

/// Where a stream resumes, for a client that cannot set headers.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ResumeQuery {
    /// Resume after this event; the header wins.
    #[param(example = "4f1c2a9be07d:42")]
    last_event_id: Option<String>,
}

/// Where a stream resumes.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "documents the header, which is read as it comes")]
pub(super) struct LastEventId {
    /// Resume after this event: the `id` of the last one seen.
    #[param(rename = "Last-Event-ID", example = "4f1c2a9be07d:42")]
    last_event_id: Option<String>,
}

impl ResumeQuery {
    /// The place to resume from. What is not text is a place that cannot be replayed.
    pub(super) fn place(self, headers: &HeaderMap) -> Option<String> {
        headers
            .get("last-event-id")
            .map(|value| value.to_str().unwrap_or("unreadable").to_owned())
            .filter(|place| !place.is_empty())
            .or(self.last_event_id.filter(|place| !place.is_empty()))
    }
}

/// A member of staff who opens the event stream: by an admin token or, where a client cannot set headers, by
/// a ticket in the query.
#[derive(Debug, Clone)]
pub(super) struct StreamIdentity(pub(super) AdminIdentity);

/// The ticket in the query.
#[derive(Deserialize)]
struct TicketQuery {
    ticket: Option<String>,
}

impl FromRequestParts<AppState> for StreamIdentity {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let Query(TicketQuery { ticket }) = Query::from_request_parts(parts, state).await?;
        let Some(ticket) = ticket else {
            return AdminIdentity::from_request_parts(parts, state).await.map(Self);
        };
        let identity = state.auth.authenticate_ticket(&ticket).await?;
        request_context::set_store(identity.store_id);
        Ok(Self(identity))
    }
}

/// A request whose answer can be a stream. Over HTTP/1.0 the end of a stream looks like the end of a complete answer, so a
/// client would not connect again.
pub(super) struct Streamable;

impl<S: Send + Sync> FromRequestParts<S> for Streamable {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        if parts.version < Version::HTTP_11 { Err(ErrorCode::HttpVersionNotSupported.into()) } else { Ok(Self) }
    }
}

/// Answers with an open stream.
pub(super) fn respond(stream: EventStream) -> Response {
    let frames = stream.into_frames();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(FlushEach { frames: Box::pin(frames), flush: false })).into_response()
}

/// Pauses after each frame, upon which the connection flushes: each event is one write, as existing clients
/// forget what they had parsed between two reads.
struct FlushEach<S> {
    frames: Pin<Box<S>>,
    flush: bool,
}

impl<S: Stream> Stream for FlushEach<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.flush) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = self.frames.poll_next_unpin(cx);
        self.flush = next.is_ready();
        next
    }
}
