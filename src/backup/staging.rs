//! The schema that a restore loads into. Its tables replace those of `public` in one transaction at the end, so a failed
//! restore changes nothing.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::Result;

/// The schema's name. A restore first drops what an earlier one left there.
pub(super) const SCHEMA: &str = "tableorder_restore";

/// The kinds of relations that are moved: the kind's name in SQL, and its letters in `pg_class.relkind`. Indexes and
/// sequences of columns follow their tables.
const RELATIONS: [(&str, &str); 4] = [("VIEW", "v"), ("MATERIALIZED VIEW", "m"), ("TABLE", "rp"), ("SEQUENCE", "S")];

/// The kinds and names of the views in the schema $1, except those of extensions, newest first.
const LIST_VIEWS: &str = "
    SELECT CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END, oid::regclass::text FROM pg_class c
    WHERE relnamespace = $1::text::regnamespace AND relkind IN ('v', 'm')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY oid DESC";

/// Relations in the schema $1 of the kinds $2, except those of extensions and the sequences of columns.
const LIST_RELATIONS: &str = "
    SELECT oid::regclass::text FROM pg_class c
    WHERE relnamespace = $1::text::regnamespace AND strpos($2, relkind::text) > 0
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid
                      AND (d.deptype = 'e' OR relkind = 'S' AND d.deptype IN ('a', 'i')))";

/// Routines and types in the schema $1, except those of extensions.
const LIST_OTHERS: [(&str, &str); 2] = [
    (
        "ROUTINE",
        "SELECT oid::regprocedure::text FROM pg_proc p WHERE pronamespace = $1::text::regnamespace
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')",
    ),
    (
        "TYPE",
        "SELECT oid::regtype::text FROM pg_type t WHERE typnamespace = $1::text::regnamespace
         AND typtype IN ('e', 'd')
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')",
    ),
];

/// Constraints that slow down each insert, with the statements that drop and add them. Foreign keys come first.
const LIST_CONSTRAINTS: &str = "
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = $1::text::regnamespace AND contype IN ('f', 'p', 'u')
    ORDER BY contype = 'f' DESC, conrelid::regclass::text, conname";

/// The same for indexes that do not belong to a constraint.
const LIST_INDEXES: &str = "
    SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class c ON c.oid = indexrelid
    WHERE c.relnamespace = $1::text::regnamespace
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    ORDER BY indexrelid::regclass::text";

/// Creates an empty schema, and makes the statements on this connection use it.
pub(super) async fn create(conn: &mut PgConnection) -> Result<()> {
    discard(conn).await?;
    execute(conn, format!("CREATE SCHEMA {SCHEMA}; SET search_path = {SCHEMA}")).await
}

/// Whether the schema exists.
pub(super) async fn exists(conn: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL").bind(SCHEMA).fetch_one(conn).await?)
}

/// Drops the schema, if it exists.
pub(super) async fn discard(conn: &mut PgConnection) -> Result<()> {
    execute(conn, format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")).await
}

/// The options of connections whose statements use the schema.
pub(super) fn options(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([("search_path", SCHEMA)])
}

/// Drops indexes, keys and foreign keys, so that rows load faster, and returns the statements that create them again. The
/// definitions come from this program's migrations and not from the archive.
pub(super) async fn drop_indexes(conn: &mut PgConnection) -> Result<Vec<String>> {
    let mut definitions = Vec::new();
    for list in [LIST_CONSTRAINTS, LIST_INDEXES] {
        let found: Vec<(String, String)> = sqlx::query_as(list).bind(SCHEMA).fetch_all(&mut *conn).await?;
        for (drop, create) in found {
            execute(conn, drop).await?;
            definitions.push(create);
        }
    }
    // Create in the reverse order: foreign keys need the other keys.
    definitions.reverse();
    Ok(definitions)
}

/// Runs the statements that [`drop_indexes`] returned.
pub(super) async fn create_indexes(conn: &mut PgConnection, definitions: Vec<String>) -> Result<()> {
    for definition in definitions {
        execute(conn, definition).await?;
    }
    Ok(())
}

/// Drops everything in `public` that does not belong to an extension, and moves everything from the staging schema there.
pub(super) async fn replace_public(conn: &mut PgConnection) -> Result<()> {
    drop_views(conn, "public").await?;
    for (kind, letters) in [("TABLE", "rp"), ("SEQUENCE", "S")] {
        let all = relations(conn, "public", letters).await?;
        if !all.is_empty() {
            execute(conn, format!("DROP {kind} {}", all.join(", "))).await?;
        }
    }
    for (kind, list) in LIST_OTHERS {
        for name in others(conn, list, "public").await? {
            execute(conn, format!("DROP {kind} {name}")).await?;
        }
    }
    for (kind, letters) in RELATIONS {
        for name in relations(conn, SCHEMA, letters).await? {
            execute(conn, format!("ALTER {kind} {name} SET SCHEMA public")).await?;
        }
    }
    for (kind, list) in LIST_OTHERS {
        for name in others(conn, list, SCHEMA).await? {
            execute(conn, format!("ALTER {kind} {name} SET SCHEMA public")).await?;
        }
    }
    // Without CASCADE, because the schema must be empty now.
    execute(conn, format!("DROP SCHEMA {SCHEMA}")).await
}

/// Drops all views. A view may depend on others of both kinds, so those that cannot be dropped are tried again after the
/// others.
async fn drop_views(conn: &mut PgConnection, schema: &str) -> Result<()> {
    let mut left: Vec<(String, String)> = sqlx::query_as(LIST_VIEWS).bind(schema).fetch_all(&mut *conn).await?;
    loop {
        let (count, mut failure) = (left.len(), None);
        let mut blocked = Vec::new();
        for (kind, name) in left {
            execute(conn, "SAVEPOINT drop_view".to_owned()).await?;
            if let Err(error) = execute(conn, format!("DROP {kind} {name}")).await {
                execute(conn, "ROLLBACK TO SAVEPOINT drop_view".to_owned()).await?;
                blocked.push((kind, name));
                failure = Some(error);
            }
        }
        match failure {
            None => return Ok(()),
            Some(error) if blocked.len() == count => return Err(error),
            Some(_) => left = blocked,
        }
    }
}

async fn relations(conn: &mut PgConnection, schema: &str, letters: &str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(LIST_RELATIONS).bind(schema).bind(letters).fetch_all(conn).await?)
}

async fn others(conn: &mut PgConnection, list: &'static str, schema: &str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(list).bind(schema).fetch_all(conn).await?)
}

async fn execute(conn: &mut PgConnection, statement: String) -> Result<()> {
    conn.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}
