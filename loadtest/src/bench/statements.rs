//! The number of statements that the server sends, counted in PostgreSQL's log.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use super::deployment::{Bench, Deployment};
use super::load::{Load, Measured};
use crate::Result;
use crate::postgres::Postgres;

/// The prefix of log lines: the database and the application's name.
const PREFIX: &str = "%d %a ";

/// Statements a request while `load` is on; it ran before as well, and `happened` in between.
pub async fn per_request(
    bench: &Bench,
    deployment: &Deployment,
    load: Load,
    happened: impl Future<Output = Result<()>>,
) -> Result<f64> {
    let once = |seconds| Load { warm_up: Duration::ZERO, duration: Duration::from_secs_f64(seconds), ..load.clone() };
    once(0.2).run().await?;
    let (statements, measured) = counted(&bench.postgres, deployment, happened, once(0.5).run()).await?;
    Ok(statements as f64 / measured.answers as f64)
}

/// Does `work` after `happened`, and counts the statements that the server sent for it.
async fn counted(
    postgres: &Postgres,
    deployment: &Deployment,
    happened: impl Future<Output = Result<()>>,
    work: impl Future<Output = Result<Measured>>,
) -> Result<(usize, Measured)> {
    let set = |name: &str, value: &str| {
        let statement = format!("ALTER SYSTEM SET {name} = {value}");
        async move { postgres.execute("tableorder", &statement).await }
    };
    set("log_line_prefix", &format!("'{PREFIX}'")).await?;
    set("log_statement", "'all'").await?;
    reload(postgres).await?;
    let happened = happened.await;
    let mut log = File::open(postgres.log()?)?;
    log.seek(SeekFrom::End(0))?;
    let measured = work.await;
    set("log_statement", "DEFAULT").await?;
    set("log_line_prefix", "DEFAULT").await?;
    reload(postgres).await?;
    let mut text = Vec::new();
    log.read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let [statement, execute] =
        ["statement: ", "execute "].map(|kind| format!("{} tableorder LOG:  {kind}", deployment.database));
    let statements = text.lines().filter(|line| line.starts_with(&statement) || line.starts_with(&execute)).count();
    happened?;
    Ok((statements, measured?))
}

/// Applies changed settings, and waits until every process has them.
async fn reload(postgres: &Postgres) -> Result<()> {
    postgres.execute("tableorder", "SELECT pg_reload_conf()").await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(())
}
