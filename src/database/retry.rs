//! Transactions that lost against another one are tried again.

use std::time::Duration;

use crate::error::{AppError, Result};

/// How often a transaction is tried.
const TRIES: u32 = 3;

/// Milliseconds to wait before the next try, spread so that two that met do not meet again.
const PAUSE_MS: std::ops::Range<u64> = 5..40;

/// Does `attempt`, a whole transaction, again if PostgreSQL sacrificed it to another: a deadlock or, at a higher
/// isolation level, a serialization failure. That is safe since such an error says that all of it was rolled
/// back; an error that leaves open whether it was committed is never an occasion to try again.
///
/// # Errors
/// Of the last try.
pub async fn retrying<T, F>(mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for _ in 1..TRIES {
        match attempt().await {
            Err(error) if was_sacrificed(&error) => {
                tracing::debug!(cause = error.cause, "a transaction lost against another; trying again");
                tokio::time::sleep(Duration::from_millis(fastrand::u64(PAUSE_MS))).await;
            }
            done => return done,
        }
    }
    attempt().await
}

fn was_sacrificed(error: &AppError) -> bool {
    let state = error.database_cause().and_then(|cause| cause.as_database_error()?.code());
    matches!(state.as_deref(), Some("40001" | "40P01"))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::cell::Cell;

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

    /// How often a transaction is tried that fails this way each time.
    async fn tries(failure: impl Fn() -> sqlx::Error) -> u32 {
        let tries = Cell::new(0);
        let done: Result<()> = retrying(|| {
            tries.set(tries.get() + 1);
            std::future::ready(Err(failure().into()))
        })
        .await;
        assert!(done.is_err());
        tries.get()
    }

    #[tokio::test]
    async fn only_what_was_surely_rolled_back_is_tried_again_and_not_for_ever() {
        let state = |state| move || sqlx::Error::Database(Box::new(Sqlstate(state)));
        assert_eq!(tries(state("40001")).await, TRIES);
        assert_eq!(tries(state("40P01")).await, TRIES);
        assert_eq!(tries(state("40003")).await, 1, "whether it was committed is not known");
        assert_eq!(tries(state("57P01")).await, 1);
        assert_eq!(tries(|| sqlx::Error::PoolTimedOut).await, 1);
        assert_eq!(tries(|| sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into())).await, 1);
    }
}
