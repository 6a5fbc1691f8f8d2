//! Errors: one type with a stable code, and messages in Korean and English.
//!
//! Services return an [`AppError`]; `routers::error_response` writes the response body from it. Of HTTP, this module
//! has only the status numbers. A new code is a line in `code.rs`; a new reason of a refused field belongs to
//! `reason.rs`, which is also a file to imitate.

mod code;
mod language;
mod limit;
mod message;
mod reason;

use std::error::Error as StdError;
use std::time::Duration;

use serde::Serialize;
use sqlx::postgres::PgDatabaseError;

pub use code::ErrorCode;
pub use language::Language;
pub use limit::Limit;
pub use message::Message;
pub use reason::Reason;

/// The default `Retry-After`.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A refused field and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's path in the request: `items[0].quantity`.
    pub field: String,
    /// The reason.
    pub reason: Reason,
}

/// Data that a client needs to act on an error, besides its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ErrorData {
    /// With `SESSION_MISMATCH`.
    SessionMismatch {
        /// The session in the request.
        session_id: i64,
        /// The table's current session, if it has one.
        current_session_id: Option<i64>,
    },
    /// With `LIMIT_REACHED`, `SESSION_FULL`, and the errors for too many orders or streams.
    Limit {
        /// The limit.
        limit: Limit,
        /// Its value.
        maximum: i64,
    },
    /// With `MENU_CHANGED`.
    MenuChanged {
        /// The current version.
        menu_version: i64,
        /// The changed lines.
        changed: Vec<ChangedLine>,
    },
}

/// An order line whose menu item has a new name or price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedLine {
    /// The line's index in the order.
    pub index: usize,
    /// The current name.
    pub menu_name: String,
    /// The current price, in the currency's minor unit.
    pub unit_price: i64,
}

/// An error of a request.
#[derive(Debug, thiserror::Error)]
#[error("{code}")]
pub struct AppError {
    /// The code that clients branch on.
    pub code: ErrorCode,
    /// The refused fields, if the error is about fields.
    pub details: Vec<FieldError>,
    /// Further data that the client needs to act on the error.
    pub data: Option<ErrorData>,
    /// The `Retry-After` of a 429 or 503.
    pub retry_after: Option<Duration>,
    /// The cause. It is logged and never sent to the client.
    #[source]
    pub cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of services and repositories.
pub type Result<T, E = AppError> = std::result::Result<T, E>;

impl AppError {
    /// An error with a cause, which is logged.
    pub fn caused_by(code: ErrorCode, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..code.into() }
    }

    /// A `VALIDATION_ERROR` about these fields.
    #[must_use]
    pub fn validation(details: Vec<FieldError>) -> Self {
        Self { details, ..ErrorCode::ValidationError.into() }
    }

    /// A `VALIDATION_ERROR` about one field.
    #[must_use]
    pub fn invalid_field(field: impl Into<String>, reason: Reason) -> Self {
        Self::validation(vec![FieldError { field: field.into(), reason }])
    }

    /// An error that names the limit that was exceeded, and its value `maximum`.
    #[must_use]
    pub fn limit_reached(code: ErrorCode, limit: Limit, maximum: i64) -> Self {
        let reason = Reason::Limit { limit, maximum };
        let details = vec![FieldError { field: limit.as_str().to_owned(), reason }];
        Self { details, data: Some(ErrorData::Limit { limit, maximum }), ..code.into() }
    }

    /// The limit that the error names, and its value.
    #[must_use]
    pub fn limit(&self) -> Option<(Limit, i64)> {
        match self.data {
            Some(ErrorData::Limit { limit, maximum }) => Some((limit, maximum)),
            _ => None,
        }
    }

    /// Whether the cause is an error of this type.
    #[must_use]
    pub fn is_caused_by<E: StdError + 'static>(&self) -> bool {
        self.cause.as_deref().is_some_and(<dyn StdError + Send + Sync>::is::<E>)
    }

    /// The database error that caused this one, if any.
    #[must_use]
    pub fn database_cause(&self) -> Option<&sqlx::Error> {
        self.cause.as_deref()?.downcast_ref()
    }

    /// A 500 whose cause is logged but not sent.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::caused_by(ErrorCode::InternalError, cause)
    }
}

impl From<ErrorCode> for AppError {
    fn from(code: ErrorCode) -> Self {
        let retry_after =
            matches!(code, ErrorCode::ServiceUnavailable | ErrorCode::TooManyRequests).then_some(RETRY_AFTER);
        Self { code, details: Vec::new(), data: None, retry_after, cause: None }
    }
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        Self::caused_by(ErrorCode::from(&error), error)
    }
}

impl From<&sqlx::Error> for ErrorCode {
    fn from(error: &sqlx::Error) -> Self {
        use sqlx::Error::{Database, Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
        match error {
            PoolTimedOut | PoolClosed | Io(_) | Tls(_) | Protocol(_) | WorkerCrashed => ErrorCode::ServiceUnavailable,
            Database(database) => match database.code().as_deref() {
                // A text that PostgreSQL cannot store (NUL) and that no field validator refused.
                Some("22021" | "22P05") => ErrorCode::ValidationError,
                Some(state) if is_unavailable(state) => ErrorCode::ServiceUnavailable,
                _ if is_read_only(error) => ErrorCode::ServiceUnavailable,
                _ => ErrorCode::InternalError,
            },
            _ => ErrorCode::InternalError,
        }
    }
}

/// SQLSTATE classes after which a retry can succeed: the database is unreachable, starting, stopping, full or out of
/// connections, refuses the login (28, during a password change), or aborted the transaction because of a conflict.
fn is_unavailable(sqlstate: &str) -> bool {
    matches!(sqlstate.get(..2), Some("08" | "28" | "40" | "53" | "57" | "58")) || sqlstate == "55P03"
}

/// Whether PostgreSQL refused a statement because it is read-only at the moment, as during a failover. Nothing was
/// written.
#[must_use]
pub fn is_read_only(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    match error.code().as_deref() {
        Some("25006") => true,
        // A standby also refuses to read an unlogged table. The code `feature_not_supported` has many other causes, and
        // the message depends on the language; the name of PostgreSQL's function does not.
        Some("0A000") => {
            let error = error.try_downcast_ref::<PgDatabaseError>();
            error.and_then(PgDatabaseError::routine) == Some("get_relation_info")
        }
        _ => false,
    }
}
