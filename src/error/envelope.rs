//! The one body every refusal has, whoever refused.

use std::any::Any;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AppError, ErrorCode, Language};
use crate::telemetry::request::RequestId;

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorResponse {
    /// The error.
    pub error: ErrorBody,
}

/// An error as clients read it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What clients branch on.
    pub code: ErrorCode,
    /// What people are shown, in the language of `Accept-Language`.
    #[schema(example = "입력값이 올바르지 않습니다.")]
    pub message: &'static str,
    /// The fields concerned, where the refusal is about fields.
    pub details: Vec<ErrorDetail>,
    /// The request's id, under which the server's log knows more.
    #[schema(example = "0193475e-94a8-7d2c-9c57-0a6c1f3f7f10")]
    pub request_id: String,
}

/// One refused field.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// Its path in the request.
    #[schema(example = "items[0].quantity")]
    pub field: String,
    /// Why it was refused.
    #[schema(example = "1 이상 999 이하여야 합니다")]
    pub reason: String,
}

/// Carries the error from where it was made to the layer that writes it.
#[derive(Clone)]
struct Refusal(Arc<AppError>);

impl IntoResponse for AppError {
    /// The status and the error itself; [`write()`] writes the body, which needs the request's language and id.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(Refusal(Arc::new(self)));
        response
    }
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
                request_id: request_id.to_owned(),
            },
        }
    }
}

/// Writes the envelope of every refusal, and logs the cause of those that are the server's fault.
pub fn write(response: Response, language: Language, request_id: RequestId) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let error = parts
        .extensions
        .remove::<Refusal>()
        .map_or_else(|| Arc::new(AppError::from(ErrorCode::for_status(status))), |Refusal(error)| error);
    log_cause(&error);

    let body = Json(ErrorResponse::new(&error, language, request_id.as_str()));
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(wait) = error.retry_after {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    parts.status = error.code.status();
    (parts.status, parts.headers, body).into_response()
}

/// Answers a panic like any other fault of the server.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "the signature is the layer's")]
pub fn from_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic".to_owned());
    AppError::internal(format!("panic: {message}")).into_response()
}

/// The line has the request's id, route and store of itself.
fn log_cause(error: &AppError) {
    if !error.code.status().is_server_error() {
        return;
    }
    let mut chain = String::new();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(error) = cause {
        if !chain.is_empty() {
            chain.push_str(": ");
        }
        chain.push_str(&error.to_string());
        cause = error.source();
    }
    let code = error.code.as_str();
    if chain.is_empty() && error.code != ErrorCode::InternalError {
        // The request's own line says all there is to say.
        return;
    }
    if error.code == ErrorCode::InternalError {
        tracing::error!(code, cause = chain, "request failed");
    } else {
        tracing::warn!(code, cause = chain, "request refused");
    }
}
