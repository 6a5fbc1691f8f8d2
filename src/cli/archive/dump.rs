//! Writing a backup.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{Connection, Executor, PgConnection};
use tempfile::NamedTempFile;

use super::child::{Call, Program};
use super::{address, contents, programs};
use crate::cli::CliError;
use crate::cli::connect::Reached;
use crate::cli::progress::Progress;
use crate::config::Config;
use crate::repositories::deployment::{self, Contents, TableSize};

/// What `pg_dump --verbose` says before each table's rows.
const TABLE_BEGINS: &str = "dumping contents of table \"public.";

/// Where a backup goes to: a file that takes its name once it is complete.
struct Target {
    path: PathBuf,
    directory: PathBuf,
    replace: bool,
    file: NamedTempFile,
}

impl Target {
    fn new(path: &Path, replace: bool) -> Result<Self, CliError> {
        let name = path.file_name().ok_or_else(|| format!("{} is no name for a file", path.display()))?;
        if path.is_dir() {
            return Err(format!("{} is a directory", path.display()).into());
        }
        if !replace && path.symlink_metadata().is_ok() {
            return Err(is_there(path));
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let prefix = format!(".{}.", name.to_string_lossy());
        // Readable for its owner alone: it holds what the database holds.
        let file = tempfile::Builder::new().prefix(&prefix).suffix(".part").tempfile_in(directory);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("there is no directory {}", directory.display()),
            kind => format!("{} cannot be written to: {kind}", directory.display()),
        })?;
        Ok(Self { path: path.to_owned(), directory: directory.to_owned(), replace, file })
    }

    /// Gives it its name, for good.
    fn complete(self) -> Result<(), CliError> {
        let told = |error: io::Error| CliError::from(format!("{}: {error}", self.path.display()));
        self.file.as_file().sync_all().map_err(told)?;
        if self.replace {
            self.file.persist(&self.path).map_err(|error| told(error.error))?;
        } else {
            self.file.persist_noclobber(&self.path).map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => is_there(&self.path),
                _ => told(error.error),
            })?;
        }
        File::open(&self.directory).and_then(|directory| directory.sync_all()).map_err(told)
    }
}

fn is_there(path: &Path) -> CliError {
    format!("{} is there already; --force replaces it", path.display()).into()
}

/// Writes everything of the database to `path`, and says how much there was and how many bytes it takes.
pub(in crate::cli) async fn dump(
    config: &Config,
    reached: &Reached,
    path: &Path,
    replace: bool,
) -> Result<(Contents, u64), CliError> {
    let mut connection = reached.connect("tableorder-backup").await?;
    let (_, is_ours) = deployment::tables(&mut connection).await?;
    if !is_ours {
        return Err("the database holds nothing of tableorder's".into());
    }
    let server = connection.server_version_num().unwrap_or_default() / 10_000;
    let (pg_dump, pg_restore) = (programs::pg_dump(config, server)?, programs::pg_restore(config)?);
    let target = Target::new(path, replace)?;

    // What is counted is what is written, whatever happens meanwhile.
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    let snapshot = format!("--snapshot={}", deployment::export_snapshot(&mut connection).await?);
    let contents = deployment::contents(&mut connection).await?;
    let sizes = deployment::table_sizes(&mut connection).await?;

    let progress = Arc::new(Progress::new(sizes.iter().map(bytes).sum()));
    let call = Call {
        name: "pg_dump",
        path: &pg_dump,
        arguments: &[
            "--format=custom",
            "--schema=public",
            "--no-owner",
            "--no-privileges",
            // Counts of failed logins, which a crash may lose as well.
            "--no-unlogged-table-data",
            "--encoding=UTF8",
            "--no-password",
            "--verbose",
            &snapshot,
        ],
        variables: address::variables(&reached.options, config.database.url.as_ref()),
        input: None,
        output: Some(target.file.as_file().try_clone()?),
    };
    Program::start(call, table_by_table(Arc::clone(&progress), &sizes))?.end().await?;
    leave(connection).await;

    progress.step("reading it again");
    contents::check_readable(&pg_restore, target.file.path()).await?;
    let size = target.file.as_file().metadata()?.len();
    target.complete()?;
    Ok((contents, size))
}

/// Takes what `pg_dump` says for progress: the sizes of the tables it is through with.
fn table_by_table(progress: Arc<Progress>, sizes: &[TableSize]) -> impl Fn(&str) + Send + 'static {
    let sizes: HashMap<String, u64> = sizes.iter().map(|table| (table.name.clone(), bytes(table))).collect();
    let through = std::sync::Mutex::new((0, 0));
    move |line| {
        let Some(table) = line.split(TABLE_BEGINS).nth(1).map(|rest| rest.trim_end_matches('"')) else { return };
        let size = sizes.get(table).copied().unwrap_or_default();
        if let Ok(mut through) = through.lock() {
            *through = (through.0 + through.1, size);
            progress.at(through.0);
        }
        progress.step(&format!("{table} ({})", indicatif::HumanBytes(size)));
    }
}

fn bytes(table: &TableSize) -> u64 {
    u64::try_from(table.bytes).unwrap_or_default()
}

/// The file is what matters; a connection that cannot be closed in an orderly way is closed all the same.
async fn leave(connection: PgConnection) {
    let _ = connection.close().await;
}
