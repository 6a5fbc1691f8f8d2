//! Whether PostgreSQL takes writes. During a failover its address may lead to a node that only reads: to a standby that
//! is not promoted yet, or to an old primary. An instance cannot use such a node, not even for reads, because it lags
//! behind what clients have seen.

use std::borrow::Cow;
use std::error::Error;

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Row, raw_sql};

/// PostgreSQL answers but takes no writes. The SQLSTATE is that of a refused write, `read_only_sql_transaction`.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL takes no writes: it is a standby, or default_transaction_read_only is on")]
struct TakesNoWrites;

impl DatabaseError for TakesNoWrites {
    fn message(&self) -> &'static str {
        "PostgreSQL takes no writes"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed("25006"))
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// Opens a connection and checks that PostgreSQL takes writes on it.
pub(super) async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut connection = options.connect().await?;
    match check(&mut connection).await {
        Ok(()) => Ok(connection),
        Err(error) => {
            // The first error is the one to report.
            let _ = connection.close().await;
            Err(error)
        }
    }
}

/// Checks that PostgreSQL answers and takes writes, in one round trip.
pub(super) async fn check(connection: &mut PgConnection) -> sqlx::Result<()> {
    // Also `on` on a standby.
    let row = raw_sql("SHOW transaction_read_only").fetch_one(connection).await?;
    match row.try_get::<&str, _>(0)? {
        "off" => Ok(()),
        _ => Err(sqlx::Error::Database(Box::new(TakesNoWrites))),
    }
}
