//! The embedded PostgreSQL: the server starts it when `DATABASE_URL` is not set. It is for a single restaurant and for
//! tests.
//!
//! All its files are in one directory (`data_dir/postgres`): the cluster (`pgdata`), the generated password, the start log
//! and the socket. It listens only on a Unix socket, in a directory that only its user can enter, so it needs no TCP port.
//! A small shell script, the `supervisor`, stops it when this process ends for any reason.

mod binaries;
mod download;
mod error;
mod postgres_dir;
mod process;
mod run_as;
mod supervisor;

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::time::Instant;

use binaries::Binaries;
use error::{Result, file_error};
use postgres_dir::PostgresDir;
use run_as::RunAs;
use supervisor::Supervisor;

pub use error::EmbeddedError;
pub use supervisor::Durability;

/// Time limit for one attempt to connect.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time limit for the start of PostgreSQL. The replay of its log after a crash does not count.
const START_TIMEOUT: Duration = Duration::from_mins(2);

/// A running PostgreSQL. It stops when this is dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    supervisor: Supervisor,
    options: PgConnectOptions,
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts the PostgreSQL under `data_dir`, and creates it at the first start.
    pub async fn start(data_dir: &Path, durability: Durability) -> Result<Self> {
        let data_dir = postgres_dir::absolute(data_dir)?;
        postgres_dir::make_dir(&data_dir)?;
        // Resolve links: the permissions of the real directories decide who can access them.
        let data_dir = data_dir.canonicalize().map_err(file_error(&data_dir))?;
        let lock = postgres_dir::lock(&data_dir)?;
        let run_as = RunAs::for_directory(&data_dir.join("postgres"))?;
        let directory = PostgresDir::prepare(&data_dir, &run_as)?;
        let binaries = Binaries::find(&directory.cluster(), &directory.downloads()).await?;
        run_as.check_can_run(&binaries.directory).await?;

        if !directory.cluster().join("PG_VERSION").exists() {
            if directory.cluster().exists() {
                let cause = io::Error::other("exists but is not a complete database; restore it or remove it");
                return Err(file_error(&directory.cluster())(cause));
            }
            directory.initialise(&binaries, &run_as).await?;
        }
        directory.wait_for_predecessor().await?;
        let remove_after = match durability {
            Durability::Durable => None,
            Durability::Throwaway => {
                run_as.own(&data_dir)?;
                Some(data_dir.as_path())
            }
        };
        let options = directory.connect_options()?;
        let supervisor = Supervisor::start(&directory, &binaries, &run_as, durability, remove_after)?;
        let mut embedded = Self { supervisor, options, _lock: lock };
        embedded.wait_until_ready(&directory).await?;
        Ok(embedded)
    }

    /// The address of the PostgreSQL under `data_dir`, if another process has started it.
    ///
    /// # Errors
    /// [`EmbeddedError::BeingCreated`] while another process creates the database.
    pub fn running_in(data_dir: &Path) -> Result<Option<PgConnectOptions>> {
        let data_dir = postgres_dir::absolute(data_dir)?;
        if !data_dir.join("postgres").exists() {
            return Ok(None);
        }
        match postgres_dir::lock(&data_dir) {
            Ok(_) => Ok(None),
            Err(EmbeddedError::InUse(_)) => {
                let directory = PostgresDir::locate(&data_dir)?;
                // If the permission to check is missing, the next statement reports the error.
                if matches!(directory.cluster().try_exists(), Ok(false)) {
                    return Err(EmbeddedError::BeingCreated(directory.path().to_owned()));
                }
                directory.connect_options().map(Some)
            }
            Err(error) => Err(error),
        }
    }

    /// The address of this PostgreSQL.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Waits until PostgreSQL has ended unexpectedly.
    pub async fn ended(&mut self) {
        self.supervisor.ended().await;
    }

    /// Stops PostgreSQL and waits until it has ended.
    pub async fn stop(self) {
        self.supervisor.stop().await;
    }

    /// Waits for the first connection, and creates the database at the first start.
    async fn wait_until_ready(&mut self, directory: &PostgresDir) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        let maintenance = self.options.clone().database("postgres").disable_statement_logging();
        loop {
            let attempt = tokio::select! {
                attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, maintenance.connect()) => {
                    attempt.unwrap_or(Err(sqlx::Error::PoolTimedOut))
                }
                () = self.supervisor.ended() => {
                    return Err(EmbeddedError::Program { program: "postgres", output: directory.start_log_end() });
                }
            };
            match attempt {
                Ok(mut connection) => {
                    let found = sqlx::query("SELECT FROM pg_database WHERE datname = 'tableorder'")
                        .fetch_optional(&mut connection)
                        .await
                        .map_err(|error| EmbeddedError::NotReady(error.to_string()))?;
                    if found.is_none() {
                        sqlx::query("CREATE DATABASE tableorder")
                            .execute(&mut connection)
                            .await
                            .map_err(|error| EmbeddedError::NotReady(error.to_string()))?;
                    }
                    let _ = connection.close().await;
                    return Ok(());
                }
                // After a crash PostgreSQL first replays its log, which may take any time.
                Err(error) if is_starting(&error) => tokio::time::sleep(Duration::from_millis(20)).await,
                // Retrying a refused password is useless.
                Err(error) if Instant::now() >= deadline || is_refused(&error) => {
                    return Err(EmbeddedError::NotReady(error.to_string()));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

/// Whether PostgreSQL refused the user or the password.
fn is_refused(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|state| state.starts_with("28"))
}

/// Whether PostgreSQL answered that it is still starting.
fn is_starting(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|state| state == "57P03")
}

fn sqlstate(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code)
}
