//! Errors are part of the product: one envelope, stable codes, Korean and English messages.
//!
//! Services return an [`AppError`]; the routers write the response body from it.

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

/// How long a client is asked to wait where nothing better is known.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// One field that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's path in the request: `items[0].quantity`.
    pub field: String,
    /// Why.
    pub reason: Reason,
}

/// What a client needs beside the code to act on a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ErrorData {
    /// With `SESSION_MISMATCH`.
    SessionMismatch {
        /// The session that was meant.
        session_id: i64,
        /// The table's session, if it has one.
        current_session_id: Option<i64>,
    },
    /// With `LIMIT_REACHED`, `SESSION_FULL`, and the refusals of too many orders or streams.
    Limit {
        /// The bound.
        limit: Limit,
        /// Its value.
        maximum: i64,
    },
    /// With `MENU_CHANGED`.
    MenuChanged {
        /// The current version.
        menu_version: i64,
        /// The lines concerned.
        changed: Vec<ChangedLine>,
    },
}

/// A line of an order whose item has another name or price by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedLine {
    /// Its index in the order.
    pub index: usize,
    /// The item's name now.
    pub menu_name: String,
    /// The item's price now, in the currency's minor unit.
    pub unit_price: i64,
}

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
#[error("{code}")]
pub struct AppError {
    /// What clients branch on.
    pub code: ErrorCode,
    /// The fields concerned, where the refusal is about fields.
    pub details: Vec<FieldError>,
    /// What else the client needs to act on it.
    pub data: Option<ErrorData>,
    /// When to try again, for a 429 or 503.
    pub retry_after: Option<Duration>,
    /// The cause: for the log, never for the answer.
    #[source]
    pub cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// What services and repositories return.
pub type Result<T, E = AppError> = std::result::Result<T, E>;

impl AppError {
    /// An error with the cause that led to it, for the log.
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

    /// A refusal that names the bound `limit`, which is `maximum`.
    #[must_use]
    pub fn limit_reached(code: ErrorCode, limit: Limit, maximum: i64) -> Self {
        let reason = Reason::Limit { limit, maximum };
        let details = vec![FieldError { field: limit.as_str().to_owned(), reason }];
        Self { details, data: Some(ErrorData::Limit { limit, maximum }), ..code.into() }
    }

    /// The bound that the refusal names, and its value, if it names one.
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

    /// What the database said, where that is the cause.
    #[must_use]
    pub fn database_cause(&self) -> Option<&sqlx::Error> {
        self.cause.as_deref()?.downcast_ref()
    }

    /// An opaque 500 whose cause goes to the log.
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
                // A text PostgreSQL cannot keep (NUL), where no field's own rule caught it.
                Some("22021" | "22P05") => ErrorCode::ValidationError,
                Some(state) if is_unavailable(state) => ErrorCode::ServiceUnavailable,
                _ if is_read_only(error) => ErrorCode::ServiceUnavailable,
                _ => ErrorCode::InternalError,
            },
            _ => ErrorCode::InternalError,
        }
    }
}

/// SQLSTATEs of a database that is away, starting, stopping, full or out of connections, of one that lets nobody in
/// (28, another password), and of a transaction that lost against another: trying again helps.
fn is_unavailable(sqlstate: &str) -> bool {
    matches!(sqlstate.get(..2), Some("08" | "28" | "40" | "53" | "57" | "58")) || sqlstate == "55P03"
}

/// Whether PostgreSQL refused a statement because it takes no writes at the moment, as during a failover. Nothing was
/// written.
#[must_use]
pub fn is_read_only(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    match error.code().as_deref() {
        Some("25006") => true,
        // A standby also refuses to read an unlogged table. `feature_not_supported` has many other causes; unlike the
        // message, the name of PostgreSQL's function is the same in every language.
        Some("0A000") => {
            let error = error.try_downcast_ref::<PgDatabaseError>();
            error.and_then(PgDatabaseError::routine) == Some("get_relation_info")
        }
        _ => false,
    }
}
