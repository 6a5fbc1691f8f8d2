//! Putting a backup back: all of it, or nothing.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::io::AsyncBufReadExt;

use super::Archive;
use super::contents::Section;
use super::script::{DataLine, Entry, data_line, entries};
use crate::cli::connect::Reached;
use crate::cli::progress::Progress;
use crate::cli::{CliError, new_epoch};
use crate::repositories::deployment::{self, Contents};
use crate::repositories::store;

/// Rows sent to PostgreSQL at a time, in bytes.
const CHUNK: usize = 1 << 16;

/// What there is to be dropped, kind by kind, in an order in which it can be.
const RELATIONS: [(&str, &str); 4] = [("VIEW", "v"), ("MATERIALIZED VIEW", "m"), ("TABLE", "rp"), ("SEQUENCE", "S")];

/// How the relations of a kind ($1, of these letters, $2) are dropped. What extensions own is not ours.
const DROP_RELATIONS: &str = "
    SELECT 'DROP ' || $1 || ' ' || string_agg(oid::regclass::text, ', ') FROM pg_class c
    WHERE relnamespace = 'public'::regnamespace AND strpos($2, relkind::text) > 0
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')";

/// How everything else is dropped.
const DROP_OTHERS: [&str; 2] = [
    "SELECT 'DROP ROUTINE ' || string_agg(oid::regprocedure::text, ', ') FROM pg_proc p
     WHERE pronamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')",
    "SELECT 'DROP TYPE ' || string_agg(oid::regtype::text, ', ') FROM pg_type t
     WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')",
];

/// What was put back, and is not there for others yet.
pub(in crate::cli) struct Loaded {
    /// How much there is.
    pub(in crate::cli) contents: Contents,
    connection: PgConnection,
}

impl Loaded {
    /// Makes it what the database holds.
    pub(in crate::cli) async fn commit(mut self) -> Result<Contents, CliError> {
        self.connection.execute("COMMIT").await?;
        // Until PostgreSQL has looked by itself what there is, its plans would be poor.
        let _ = self.connection.execute("ANALYZE").await;
        let _ = self.connection.close().await;
        Ok(self.contents)
    }
}

/// Puts back what the backup holds and begins a new epoch, all in one transaction that is yet to be committed: dropped
/// instead, it leaves everything as it was.
pub(in crate::cli) async fn load(archive: &Archive, reached: &Reached, overwrite: bool) -> Result<Loaded, CliError> {
    let mut connection = reached.connect("tableorder-restore").await?;
    let conn = &mut connection;
    conn.execute(
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
         SET LOCAL lock_timeout = '10s'; SET LOCAL check_function_bodies = off; SET LOCAL client_min_messages = error",
    )
    .await?;
    make_room(conn, overwrite).await?;

    let progress = Progress::new(archive.size);
    progress.step("tables");
    make(conn, &archive.section_text("pre-data").await?, |_| {}).await?;
    data(archive, conn, &progress).await?;
    progress.at(archive.size);
    progress.step("indexes and constraints");
    make(conn, &archive.section_text("post-data").await?, |name| progress.part(name)).await?;
    new_epoch::begin(conn).await?;
    let contents = deployment::contents(conn).await?;
    Ok(Loaded { contents, connection })
}

/// Makes the things of a script.
async fn make(conn: &mut PgConnection, script: &str, begin: impl Fn(&str)) -> Result<(), CliError> {
    for Entry { name, sql } in entries(script) {
        begin(&name);
        let told = |error| CliError::from(format!("{name} cannot be made: {error}"));
        conn.execute(AssertSqlSafe(sql)).await.map_err(told)?;
    }
    Ok(())
}

/// Drops what is there, if that may be.
async fn make_room(conn: &mut PgConnection, overwrite: bool) -> Result<(), CliError> {
    let (is_any, is_ours) = deployment::tables(conn).await?;
    if is_any && !is_ours {
        return Err("the database holds the tables of another program: restore into a database of its own".into());
    }
    if is_ours {
        new_epoch::refuse_while_connected(conn).await?;
        if !overwrite && store::any(conn).await? {
            return Err("the database is not empty; --force replaces everything in it".into());
        }
    }
    for (kind, letters) in RELATIONS {
        let drop = sqlx::query_scalar(DROP_RELATIONS).bind(kind).bind(letters).fetch_one(&mut *conn).await?;
        execute(conn, drop).await?;
    }
    for others in DROP_OTHERS {
        let drop = sqlx::query_scalar(others).fetch_one(&mut *conn).await?;
        execute(conn, drop).await?;
    }
    Ok(())
}

/// Executes the statement, if there is one.
async fn execute(conn: &mut PgConnection, statement: Option<String>) -> Result<(), CliError> {
    if let Some(statement) = statement {
        conn.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(())
}

/// Puts back the rows of every table.
async fn data(archive: &Archive, conn: &mut PgConnection, progress: &Progress) -> Result<(), CliError> {
    let mut section = archive.section("data")?;
    let mut output = section.program.output()?;
    let (mut line, mut begun) = (Vec::new(), false);
    loop {
        line.clear();
        if output.read_until(b'\n', &mut line).await? == 0 {
            break;
        }
        match data_line(std::str::from_utf8(&line)?, &mut begun)? {
            DataLine::Copy { table, statement } => {
                progress.step(table);
                if !copy(conn, statement, &mut output, &mut section, progress).await? {
                    break;
                }
            }
            DataLine::Statement(statement) => {
                conn.execute(AssertSqlSafe(statement.to_owned())).await?;
            }
            DataLine::Nothing => {}
        }
    }
    // Whether that was all of it.
    section.program.end().await
}

/// Puts back the rows of one table. `false` where they break off.
async fn copy(
    conn: &mut PgConnection,
    statement: &str,
    rows: &mut (impl AsyncBufReadExt + Unpin),
    section: &mut Section,
    progress: &Progress,
) -> Result<bool, CliError> {
    let mut copy = conn.copy_in_raw(statement).await?;
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        let begin = chunk.len();
        let is_end = rows.read_until(b'\n', &mut chunk).await? == 0;
        let is_last = chunk.get(begin..).is_some_and(|row| row == b"\\.\n");
        if is_end {
            copy.abort("the backup breaks off").await?;
            return Ok(false);
        }
        if is_last {
            chunk.truncate(begin);
        }
        if is_last || chunk.len() >= CHUNK {
            copy.send(std::mem::take(&mut chunk)).await?;
            progress.at(section.position());
        }
        if is_last {
            copy.finish().await?;
            return Ok(true);
        }
    }
}
