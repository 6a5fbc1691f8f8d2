//! Foreign keys of the tables that past orders are in.
//!
//! PostgreSQL checks a foreign key with one query a row: three quarters of the time that storing the rows takes. Adding
//! the constraint again checks all rows in one query. Both happen in the transaction that writes the rows, so a
//! constraint is never missing for another transaction, nor after an interruption.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::Result;

/// Constraints that were dropped, as the statements that add them again.
pub struct Dropped(Vec<String>);

/// Drops the constraints, which locks the tables until the transaction ends. Fails if another transaction uses the
/// tables for ten seconds.
pub async fn drop(conn: &mut PgConnection) -> Result<Dropped> {
    let found: Vec<(String, String)> = sqlx::query_as(
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
                format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
         FROM pg_constraint
         WHERE contype = 'f' AND conrelid IN ('table_sessions'::regclass, 'orders'::regclass, 'order_items'::regclass)
         ORDER BY conname",
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::raw_sql("SET LOCAL lock_timeout = '10s'").execute(&mut *conn).await?;
    let mut dropped = Vec::new();
    for (drop, add) in found {
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *conn).await.map_err(|error| {
            format!("the tables cannot be locked ({error}): stop the servers that use the database, and try again")
        })?;
        dropped.push(add);
    }
    Ok(Dropped(dropped))
}

impl Dropped {
    /// Adds the constraints again, which checks every row.
    pub async fn add(self, conn: &mut PgConnection) -> Result<()> {
        sqlx::raw_sql("SET LOCAL maintenance_work_mem = '256MB'").execute(&mut *conn).await?;
        for add in self.0 {
            sqlx::raw_sql(AssertSqlSafe(add)).execute(&mut *conn).await?;
        }
        Ok(())
    }
}
