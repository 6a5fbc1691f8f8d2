//! Checks whether PostgreSQL accepts writes. During a failover, its address may lead to a read-only node: to a standby that
//! is not promoted yet, or to an old primary. An instance must not use such a node even for reads, because its data is
//! older than the data that clients have already seen.

use std::borrow::Cow;
use std::error::Error;

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Row, raw_sql};

/// PostgreSQL answers but refuses writes. The SQLSTATE is that of a refused write, `read_only_sql_transaction`.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL refuses writes: it is a standby, or default_transaction_read_only is on")]
struct RefusesWrites;

impl DatabaseError for RefusesWrites {
    fn message(&self) -> &'static str {
        "PostgreSQL refuses writes"
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

/// Opens a connection and checks that PostgreSQL accepts writes on it.
pub(crate) async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut connection = options.connect().await?;
    match check(&mut connection).await {
        Ok(()) => Ok(connection),
        Err(error) => {
            // Report the first error.
            let _ = connection.close().await;
            Err(error)
        }
    }
}

/// Checks in one round trip that PostgreSQL answers and accepts writes.
pub(super) async fn check(connection: &mut PgConnection) -> sqlx::Result<()> {
    // On a standby this is always `on`.
    let row = raw_sql("SHOW transaction_read_only").fetch_one(connection).await?;
    match row.try_get::<&str, _>(0)? {
        "off" => Ok(()),
        _ => Err(sqlx::Error::Database(Box::new(RefusesWrites))),
    }
}
