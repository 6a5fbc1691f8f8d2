//! A PostgreSQL that the server starts itself, for a single restaurant and for tests.
//!
//! Its files are in one *home* directory: the cluster (`pgdata`), the generated password, the start log and the
//! socket. It listens on a Unix socket in a directory that only its user can enter, and on no TCP port, so no other
//! program's port is taken. A small shell, the `keeper`, stops it when this process ends, however it ends.

mod binaries;
mod download;
mod error;
mod home;
mod keeper;
mod owner;
mod process;

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
use home::Home;
use keeper::Keeper;
use owner::Owner;

pub use error::EmbeddedError;
pub use keeper::Durability;

/// How long one attempt to connect may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long PostgreSQL may take until it answers.
const START_TIMEOUT: Duration = Duration::from_mins(2);

/// A running PostgreSQL. It stops when this is dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    keeper: Keeper,
    options: PgConnectOptions,
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts the PostgreSQL under `data_dir`, which it makes at the first start.
    ///
    /// # Errors
    /// [`EmbeddedError`]; its message says what to do.
    pub async fn start(data_dir: &Path, durability: Durability) -> Result<Self> {
        let data_dir = home::absolute(data_dir)?;
        home::make_dir(&data_dir)?;
        // Without links: the permissions of the real directories decide who can enter.
        let data_dir = data_dir.canonicalize().map_err(file_error(&data_dir))?;
        let lock = home::lock(&data_dir)?;
        let owner = Owner::of_home(&data_dir.join("postgres"))?;
        let home = Home::prepare(&data_dir, &owner)?;
        let binaries = Binaries::find(&home.cluster(), &home.downloads()).await?;
        owner.check_reach(&binaries.directory).await?;

        if !home.cluster().join("PG_VERSION").exists() {
            if home.cluster().exists() {
                let cause = io::Error::other("is there but holds no database; complete or remove it");
                return Err(file_error(&home.cluster())(cause));
            }
            home.initialise(&binaries, &owner).await?;
        }
        home.wait_for_predecessor().await?;
        let remove_after = match durability {
            Durability::Durable => None,
            Durability::Throwaway => {
                owner.give(&data_dir)?;
                Some(data_dir.as_path())
            }
        };
        let options = home.connect_options()?;
        let keeper = Keeper::start(&home, &binaries, &owner, durability, remove_after)?;
        let mut embedded = Self { keeper, options, _lock: lock };
        embedded.wait_until_ready(&home).await?;
        Ok(embedded)
    }

    /// How to connect to the PostgreSQL under `data_dir` that another server has started; `None` where none has.
    ///
    /// # Errors
    /// [`EmbeddedError::BeingMade`], [`EmbeddedError::File`].
    pub fn running_in(data_dir: &Path) -> Result<Option<PgConnectOptions>> {
        let data_dir = home::absolute(data_dir)?;
        if !data_dir.join("postgres").exists() {
            return Ok(None);
        }
        match home::lock(&data_dir) {
            Ok(_) => Ok(None),
            Err(EmbeddedError::InUse(_)) => {
                let home = Home::locate(&data_dir)?;
                // Without the permission to look, the next line fails and reports that.
                if matches!(home.cluster().try_exists(), Ok(false)) {
                    return Err(EmbeddedError::BeingMade(home.path().to_owned()));
                }
                home.connect_options().map(Some)
            }
            Err(error) => Err(error),
        }
    }

    /// How to connect to it.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Completes when PostgreSQL has ended without being stopped.
    pub async fn ended(&mut self) {
        self.keeper.ended().await;
    }

    /// Stops it and waits until it has ended.
    pub async fn stop(self) {
        self.keeper.stop().await;
    }

    /// Waits for the first connection, and makes the database at the first start.
    async fn wait_until_ready(&mut self, home: &Home) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        let maintenance = self.options.clone().database("postgres").disable_statement_logging();
        loop {
            let attempt = tokio::select! {
                attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, maintenance.connect()) => {
                    attempt.unwrap_or(Err(sqlx::Error::PoolTimedOut))
                }
                () = self.keeper.ended() => {
                    return Err(EmbeddedError::Program { program: "postgres", output: home.start_log_end() });
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
                // After a power cut PostgreSQL replays its log first, however long that takes.
                Err(error) if is_starting(&error) => tokio::time::sleep(Duration::from_millis(20)).await,
                // A wrong password stays wrong.
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
