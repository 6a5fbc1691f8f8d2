//! Event streams over HTTP (server-sent events).

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

/// The cursor to resume a stream from, for a client that cannot set headers.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ResumeQuery {
    /// Resume after this event. The header `Last-Event-ID` takes precedence.
    #[param(example = "4f1c2a9be07d:42")]
    last_event_id: Option<String>,
}

/// The cursor to resume a stream from.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only documents the header")]
pub(super) struct LastEventId {
    /// Resume after this event: the `id` of the last event that the client received.
    #[param(rename = "Last-Event-ID", example = "4f1c2a9be07d:42")]
    last_event_id: Option<String>,
}

impl ResumeQuery {
    /// The cursor to resume from. A value that is not text becomes a cursor that cannot be replayed.
    pub(super) fn cursor(self, headers: &HeaderMap) -> Option<String> {
        headers
            .get("last-event-id")
            .map(|value| value.to_str().unwrap_or("unreadable").to_owned())
            .filter(|cursor| !cursor.is_empty())
            .or(self.last_event_id.filter(|cursor| !cursor.is_empty()))
    }
}

/// A user who opens the event stream: with an admin token or, if the client cannot set headers, with a ticket in the
/// query.
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

/// Refuses HTTP/1.0. There, the end of a stream looks like the end of a complete response, so a client would not
/// reconnect.
pub(super) struct RequireHttp11;

impl<S: Send + Sync> FromRequestParts<S> for RequireHttp11 {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        if parts.version < Version::HTTP_11 { Err(ErrorCode::HttpVersionNotSupported.into()) } else { Ok(Self) }
    }
}

/// The response that sends `stream`.
pub(super) fn respond(stream: EventStream) -> Response {
    let frames = stream.into_frames();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(FlushEach { frames: Box::pin(frames), flush: false })).into_response()
}

/// Yields after each frame, so that the connection flushes and each event is one write: existing clients cannot parse
/// an event that arrives in two reads.
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
