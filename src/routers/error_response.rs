//! The body of every error response.

use std::any::Any;
use std::error::Error;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{AppError, ErrorCode, ErrorData, Language};
use crate::request_context;

/// The body of every error response.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorResponse {
    /// The error.
    pub error: ErrorBody,
}

/// An error for clients.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// The code that clients branch on.
    pub code: ErrorCode,
    /// The message for people, in the language of `Accept-Language`.
    #[schema(example = "입력값이 올바르지 않습니다.")]
    pub message: &'static str,
    /// The refused fields, if the error is about fields.
    pub details: Vec<ErrorDetail>,
    /// Further fields that the client needs to act on the error. The operation describes them.
    #[serde(flatten)]
    #[schema(ignore)]
    pub data: Option<ErrorData>,
    /// The id of the request in the server's log.
    #[schema(example = "0193475e-94a8-7d2c-9c57-0a6c1f3f7f10")]
    pub request_id: String,
}

/// A refused field.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// The path of the field in the request.
    #[schema(example = "items[0].quantity")]
    pub field: String,
    /// The reason for the refusal.
    #[schema(example = "1 이상 999 이하로 입력해 주세요")]
    pub reason: String,
}

/// The response extension that carries the error to [`write_body`].
#[derive(Clone)]
struct ErrorExtension(Arc<AppError>);

impl IntoResponse for AppError {
    /// A response with the status and the error as an extension; [`write_body`] adds the body.
    fn into_response(self) -> Response {
        let mut response = status_of(self.code).into_response();
        response.extensions_mut().insert(ErrorExtension(Arc::new(self)));
        response
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl ErrorResponse {
    /// The body for `error`.
    #[must_use]
    pub fn new(error: &AppError, language: Language, request_id: &str) -> Self {
        let details = error
            .details
            .iter()
            .map(|detail| ErrorDetail { field: detail.field.clone(), reason: detail.reason.message(language) });
        Self {
            error: ErrorBody {
                code: error.code,
                message: error.code.message(language),
                details: details.collect(),
                data: error.data.clone(),
                request_id: request_id.to_owned(),
            },
        }
    }
}

/// Writes the body of every error response, in the language of the request, and logs the cause of server errors.
#[must_use]
pub fn write_body(response: Response) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let error = parts.extensions.remove::<ErrorExtension>().map_or_else(
        || Arc::new(AppError::from(ErrorCode::for_status(status.as_u16()))),
        |ErrorExtension(error)| error,
    );
    log_cause(&error);
    if let Some((limit, _)) = error.limit() {
        request_context::set_limit(limit);
    }

    let (language, id) = request_context::with(|context| (context.language, context.id.clone())).unwrap_or_default();
    let body = Json(ErrorResponse::new(&error, language, &id));
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(wait) = error.retry_after {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    parts.status = status_of(error.code);
    (parts.status, parts.headers, body).into_response()
}

/// The response after a panic: the same as after any other internal error.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "`CatchPanicLayer` requires this signature")]
pub fn from_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic".to_owned());
    AppError::internal(format!("panic: {message}")).into_response()
}

/// Logs the cause of a server error. (For other errors the access log is complete.)
fn log_cause(error: &AppError) {
    if !status_of(error.code).is_server_error() {
        return;
    }
    let mut chain = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        chain.push(error.to_string());
        cause = error.source();
    }
    let (code, cause) = (error.code.as_str(), chain.join(": "));
    let (id, store) = request_context::with(|context| (context.id.clone(), context.store())).unwrap_or_default();
    let store = store.map(|store| store.0);
    if error.code == ErrorCode::InternalError {
        tracing::error!(request_id = id, store, code, cause, "request failed");
    } else if !cause.is_empty() {
        tracing::warn!(request_id = id, store, code, cause, "request refused");
    }
}
