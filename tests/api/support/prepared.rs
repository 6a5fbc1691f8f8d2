//! The statements that the program prepares, as described in `.sqlx`.

use std::fs;
use std::path::Path;

use sqlx::{AssertSqlSafe, Executor, PgConnection};

/// A statement and its number of parameters.
pub struct Statement {
    pub query: String,
    pub parameters: usize,
}

/// Every statement that is checked at compile time and can be prepared.
pub fn statements() -> Vec<Statement> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let files = fs::read_dir(directory).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let described = files.map(|file| serde_json::from_slice::<serde_json::Value>(&file).unwrap());
    described
        .map(|described| Statement {
            query: described["query"].as_str().unwrap().to_owned(),
            parameters: described["describe"]["parameters"]["Left"].as_array().unwrap().len(),
        })
        // PostgreSQL cannot prepare these.
        .filter(|statement| !["SET ", "LOCK "].iter().any(|verb| statement.query.starts_with(verb)))
        .collect()
}

/// Prepares a query under the name `statement`.
pub async fn prepare(connection: &mut PgConnection, query: &str) -> sqlx::Result<()> {
    // Fails before the first PREPARE.
    let _ = connection.execute("DEALLOCATE statement").await;
    connection.execute(AssertSqlSafe(format!("PREPARE statement AS {query}"))).await?;
    Ok(())
}
