//! PostgreSQL's system catalogue: the tables of the database, their columns and id sequences, and the open connections.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;

/// The schema of the tables.
pub const PUBLIC: &str = "public";

/// The contents of the schema [`PUBLIC`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Whether it has any tables, except those of extensions.
    pub is_any: bool,
    /// Whether it has the tables of this program.
    pub is_ours: bool,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<String>,
    /// Its size on the disk in bytes, without its indexes.
    pub size: u64,
    /// Whether its `id` comes from a sequence.
    pub gives_ids: bool,
}

impl Table {
    /// The table and its columns as a `COPY` statement names them.
    #[must_use]
    pub fn copied(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| quoted(column)).collect();
        format!("{} ({})", quoted(&self.name), columns.join(", "))
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Reads what the schema [`PUBLIC`] contains.
pub async fn contents(conn: &mut PgConnection) -> Result<Contents> {
    Ok(sqlx::query_as!(
        Contents,
        r#"SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
                          AND relkind IN ('r', 'p')
                          AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
                         ) AS "is_any!",
                  to_regclass('public.event_epochs') IS NOT NULL
                  AND to_regclass('public.store_streams') IS NOT NULL AS "is_ours!"
        "#
    )
    .fetch_one(conn)
    .await?)
}

/// The tables of a schema.
pub async fn tables(conn: &mut PgConnection, schema: &str) -> Result<Vec<Table>> {
    let rows = sqlx::query!(
        r#"SELECT relname::text AS "name!", pg_table_size(c.oid) AS "size!",
                  array(SELECT attname::text FROM pg_attribute
                        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                        ORDER BY attnum) AS "columns!",
                  EXISTS (SELECT FROM pg_attribute
                          WHERE attrelid = c.oid AND attname = 'id' AND attidentity <> '') AS "gives_ids!"
           FROM pg_class c WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p') ORDER BY relname"#,
        schema
    )
    .fetch_all(conn)
    .await?;
    let tables = rows.into_iter().map(|row| Table {
        name: row.name,
        columns: row.columns,
        size: u64::try_from(row.size).unwrap_or_default(),
        gives_ids: row.gives_ids,
    });
    Ok(tables.collect())
}

/// The last value of a table's id sequence; `None` if the sequence was not used yet.
pub async fn last_id(conn: &mut PgConnection, schema: &str, table: &str) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "SELECT pg_sequence_last_value(pg_get_serial_sequence(format('%I.%I', $1::text, $2::text), 'id')::regclass)",
        schema,
        table
    )
    .fetch_one(conn)
    .await?)
}

/// The largest id of a table; `None` if it is empty.
pub async fn largest_id(conn: &mut PgConnection, schema: &str, table: &str) -> Result<Option<i64>> {
    let largest = format!("SELECT max(id) FROM {}.{}", quoted(schema), quoted(table));
    Ok(sqlx::query_scalar(AssertSqlSafe(largest)).fetch_one(conn).await?)
}

/// Sets a table's id sequence, so that the next id is `last` + 1.
pub async fn set_last_id(conn: &mut PgConnection, schema: &str, table: &str, last: i64) -> Result<()> {
    sqlx::query!(
        "SELECT setval(pg_get_serial_sequence(format('%I.%I', $1::text, $2::text), 'id')::regclass, $3)",
        schema,
        table,
        last
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// The number of other connections of this program's servers and commands to the database.
pub async fn connections(conn: &mut PgConnection) -> Result<i64> {
    // Otherwise, a transaction would always see the connections of its first query.
    sqlx::query!("SELECT pg_stat_clear_snapshot()").fetch_one(&mut *conn).await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM pg_stat_activity
           WHERE datname = current_database() AND application_name LIKE 'tableorder%' AND pid <> pg_backend_pid()"#
    )
    .fetch_one(conn)
    .await?)
}
