//! Recognises transactions that conflicted with another one and can be retried.

use std::time::Duration;

use crate::error::AppError;

/// The pause before the next attempt, in milliseconds. It is random, so that two transactions do not conflict again.
const PAUSE_MS: std::ops::Range<u64> = 5..40;

/// Whether PostgreSQL rolled the work back because of another transaction: a deadlock or, at a higher isolation level, a
/// serialization failure. After any other error the work may be committed.
pub(super) fn is_conflict(error: &AppError) -> bool {
    let state = error.database_cause().and_then(|cause| cause.as_database_error()?.code());
    matches!(state.as_deref(), Some("40001" | "40P01"))
}

pub(super) async fn pause_before_retry(error: &AppError) {
    tracing::debug!(cause = error.cause, "a transaction conflicted with another one; trying again");
    tokio::time::sleep(Duration::from_millis(rand::random_range(PAUSE_MS))).await;
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("SQLSTATE {0}")]
    struct Sqlstate(&'static str);

    impl DatabaseError for Sqlstate {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(Cow::Borrowed(self.0))
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn only_a_certain_rollback_is_a_conflict() {
        let conflict = |error: sqlx::Error| is_conflict(&error.into());
        let state = |state| sqlx::Error::Database(Box::new(Sqlstate(state)));
        assert!(conflict(state("40001")) && conflict(state("40P01")));
        assert!(!conflict(state("40003")), "whether it was committed is not known");
        assert!(!conflict(state("57P01")) && !conflict(state("55P03")));
        assert!(!conflict(sqlx::Error::PoolTimedOut));
        assert!(!conflict(sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into())));
    }
}
