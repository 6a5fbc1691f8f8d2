//! Foreign keys and indexes of the tables that past orders are in.
//!
//! PostgreSQL checks a foreign key with one query per row, which takes three quarters of the time of storing the rows. Adding
//! the constraint again checks all rows in one query, and building an index sorts all rows at once, on several cores.
//! Everything happens in the transaction that writes the rows, so nothing is ever missing for another transaction, nor
//! after an interruption.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::Result;

/// A row of `orders` has more bytes than this.
const BYTES_PER_ORDER: i64 = 100;

/// Statements that drop a constraint or index, and that add it again.
type Statements = Vec<(String, String)>;

/// The statements that add the dropped constraints and indexes again.
pub struct Dropped(Vec<String>);

/// Drops the foreign keys and, where `orders` new orders are more than there are so far, the indexes. This locks the
/// tables until the transaction ends. Fails if another transaction uses the tables for ten seconds.
pub async fn drop(conn: &mut PgConnection, orders: usize) -> Result<Dropped> {
    sqlx::raw_sql("SET LOCAL lock_timeout = '10s'").execute(&mut *conn).await?;
    let mut found = constraints(conn, &["f"]).await?;
    let size: i64 = sqlx::query_scalar("SELECT pg_relation_size('orders')").fetch_one(&mut *conn).await?;
    if size < orders as i64 * BYTES_PER_ORDER {
        found.extend(constraints(conn, &["p", "u"]).await?);
        found.extend(other_indexes(conn).await?);
    }
    let mut dropped = Vec::new();
    for (drop, add) in found {
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *conn).await.map_err(|error| {
            format!("the tables cannot be locked ({error}): stop the servers that use the database, and try again")
        })?;
        dropped.push(add);
    }
    Ok(Dropped(dropped))
}

async fn constraints(conn: &mut PgConnection, kinds: &[&str]) -> Result<Statements> {
    let statement = "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
                            format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
                                   pg_get_constraintdef(oid))
                     FROM pg_constraint
                     WHERE contype::text = ANY ($1)
                       AND ARRAY[conrelid, confrelid] && ARRAY['table_sessions', 'orders', 'order_items']::regclass[]::oid[]
                     ORDER BY conname";
    Ok(sqlx::query_as(statement).bind(kinds).fetch_all(conn).await?)
}

/// Indexes that belong to no constraint.
async fn other_indexes(conn: &mut PgConnection) -> Result<Statements> {
    let statement = "SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
                     FROM pg_index
                     WHERE indrelid = ANY (ARRAY['table_sessions', 'orders', 'order_items']::regclass[])
                       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
                     ORDER BY indexrelid";
    Ok(sqlx::query_as(statement).fetch_all(conn).await?)
}

impl Dropped {
    /// Adds everything again, which checks every row. Foreign keys come last: they need the indexes.
    pub async fn add(self, conn: &mut PgConnection) -> Result<()> {
        sqlx::raw_sql("SET LOCAL maintenance_work_mem = '256MB'").execute(&mut *conn).await?;
        for add in self.0.into_iter().rev() {
            sqlx::raw_sql(AssertSqlSafe(add)).execute(&mut *conn).await?;
        }
        Ok(())
    }
}
