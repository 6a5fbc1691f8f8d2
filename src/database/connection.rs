//! Connections and transactions on loan, and how they are given back.
//!
//! A request may be given up at any moment, in the midst of a statement too: then the rest of the answer is still to
//! come, and whoever had the connection next would wait for it. So a connection goes straight to the next only when it is
//! [`done`](Connection::done) or its transaction committed; any other waits in a task of its own until PostgreSQL has
//! said everything, and has rolled back what was begun.

use deadpool::managed::Object;
use sqlx::{Connection as _, PgConnection, raw_sql};
use tokio::runtime::Handle;

use super::pool::Lent;
use crate::error::Result;
use crate::telemetry::request::count_query;

/// A connection on loan from the pool.
#[derive(Debug)]
pub struct Connection {
    /// There until it is given back.
    lent: Option<Lent>,
    condition: Condition,
}

/// What is known of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// PostgreSQL waits for the next statement.
    Ready,
    /// A statement was begun, and nobody said that it ended.
    InUse,
    /// A transaction was begun, and nobody said that it ended.
    InTransaction,
}

impl Connection {
    pub(super) fn of(lent: Lent) -> Self {
        Self { lent: Some(lent), condition: Condition::Ready }
    }

    /// The connection, for one statement of a repository; each call counts as one in the request's log line.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.condition = Condition::InUse;
        self.statement()
    }

    /// Gives it back to whoever wants it next, at once: every statement was answered, and none failed.
    pub fn done(mut self) {
        self.condition = Condition::Ready;
    }

    fn statement(&mut self) -> &mut PgConnection {
        count_query();
        self.raw()
    }

    fn raw(&mut self) -> &mut PgConnection {
        let Some(lent) = &mut self.lent else { unreachable!("only drop takes it") };
        lent
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(lent) = self.lent.take() else { return };
        match (self.condition, Handle::try_current()) {
            (Condition::Ready, _) => drop(lent),
            (condition, Ok(runtime)) => drop(runtime.spawn(tidy_up(lent, condition))),
            (_, Err(_)) => drop(Object::take(lent)),
        }
    }
}

/// Gives a connection back once PostgreSQL has answered everything, if it does while the pool is open.
async fn tidy_up(mut lent: Lent, condition: Condition) {
    let Some(pool) = Object::pool(&lent) else { return };
    let tidied = async {
        match condition {
            Condition::InTransaction => raw_sql("ROLLBACK").execute(&mut *lent).await.map(drop),
            Condition::InUse | Condition::Ready => lent.ping().await,
        }
    };
    if !matches!(pool.manager().closed.run_until_cancelled(tidied).await, Some(Ok(()))) {
        drop(Object::take(lent));
    }
}

/// A transaction; dropped without [`commit`](Self::commit), it is rolled back.
#[derive(Debug)]
pub struct Transaction(Connection);

impl Transaction {
    pub(super) async fn begin(mut connection: Connection) -> Result<Self> {
        // From now on: if this is given up half-way, there may be one.
        connection.condition = Condition::InTransaction;
        raw_sql("BEGIN").execute(connection.raw()).await?;
        Ok(Self(connection))
    }

    /// The connection, for one statement of a repository; each call counts as one in the request's log line.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.0.statement()
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// When PostgreSQL did not confirm: the writes may or may not have happened.
    pub async fn commit(mut self) -> Result<()> {
        raw_sql("COMMIT").execute(self.0.raw()).await?;
        self.0.done();
        Ok(())
    }
}
