//! Connects commands to the database, and loads the secret that signs tokens.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::TryRng;
use rand::rngs::SysRng;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use super::{CliError, print_notice};
use crate::config::{Config, DatabaseConfig, Secret};
use crate::database::embedded::{Durability, EmbeddedPostgres};
use crate::database::{Database, MIGRATIONS, migrations, writable};
use crate::error::is_read_only;

/// The statement timeout of commands.
const COMMAND_STATEMENT_TIMEOUT: Duration = Duration::from_hours(1);

/// Time limit for opening a single connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The PostgreSQL that a command works on. Its schema is not migrated.
#[derive(Debug)]
pub struct DatabaseTarget {
    /// The address of PostgreSQL.
    pub options: PgConnectOptions,
    /// The embedded PostgreSQL, if this command started it.
    embedded: Option<EmbeddedPostgres>,
}

impl DatabaseTarget {
    /// Uses `DATABASE_URL` or, if it is not set, the embedded PostgreSQL: that of a running server, else this starts it.
    pub async fn open(config: &Config) -> Result<Self, CliError> {
        let known = match configured(config)? {
            Some(options) => Some(options),
            None => EmbeddedPostgres::running_in(&config.data_dir)?,
        };
        if let Some(options) = known {
            return Ok(Self { options, embedded: None });
        }
        let directory = postgres_directory(config);
        let is_new = !directory.exists();
        let embedded = EmbeddedPostgres::start(&config.data_dir, Durability::Durable).await?;
        if is_new {
            // In a wrong working directory, the command would otherwise seem to succeed.
            print_notice(format_args!("there was no database in {}; created a new one", directory.display()));
        }
        Ok(Self { options: embedded.connect_options(), embedded: Some(embedded) })
    }

    /// Like [`open`](Self::open), but fails instead of creating a database.
    pub(super) async fn of_existing(config: &Config) -> Result<Self, CliError> {
        let directory = postgres_directory(config);
        if config.database.url.is_none() && !directory.exists() {
            let directory = directory.display();
            return Err(format!(
                "there is no database in {directory} and DATABASE_URL is not set; run this command in the server's directory"
            )
            .into());
        }
        Self::open(config).await
    }

    /// Opens a single connection that accepts writes. `name` is its name in `pg_stat_activity`.
    pub async fn connect(&self, name: &str) -> Result<PgConnection, CliError> {
        let options = self.options.clone().application_name(name).disable_statement_logging();
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, writable::connect(&options)).await;
        connecting.map_err(|_| unreachable("it does not answer"))?.map_err(unusable)
    }

    /// The address of PostgreSQL itself, not of a pooler in front of it.
    pub(super) fn direct(&self, config: &Config) -> Result<PgConnectOptions, CliError> {
        direct(config, &self.options)
    }

    /// Stops PostgreSQL if this command started it.
    pub async fn close(self) {
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// The database that a command works on, with an up-to-date schema.
pub(super) struct MigratedDatabase {
    pub(super) database: Database,
    target: DatabaseTarget,
}

impl MigratedDatabase {
    /// Like [`DatabaseTarget::open`].
    pub(super) async fn open(config: &Config) -> Result<Self, CliError> {
        Self::on(DatabaseTarget::open(config).await?, config).await
    }

    /// Like [`DatabaseTarget::of_existing`].
    pub(super) async fn of_existing(config: &Config) -> Result<Self, CliError> {
        Self::on(DatabaseTarget::of_existing(config).await?, config).await
    }

    /// Connects to `target` and prepares its schema.
    pub(super) async fn on(target: DatabaseTarget, config: &Config) -> Result<Self, CliError> {
        // A command does one thing at a time, so a few connections are enough.
        let few = DatabaseConfig {
            min_connections: 0,
            max_connections: 4,
            statement_timeout: COMMAND_STATEMENT_TIMEOUT,
            ..config.database.clone()
        };
        let direct = direct(config, &target.options)?;
        let database = connect(target.options.clone(), &few).await?;
        prepare_schema(&config.database, &direct).await?;
        Ok(Self { database, target })
    }

    /// Closes the connections, and stops PostgreSQL if this command started it.
    pub(super) async fn close(self) {
        self.database.close().await;
        self.target.close().await;
    }
}

/// The absolute path of the embedded database.
fn postgres_directory(config: &Config) -> PathBuf {
    let directory = config.data_dir.join("postgres");
    std::path::absolute(&directory).unwrap_or(directory)
}

/// The address in `DATABASE_URL`, if it is set.
pub(super) fn configured(config: &Config) -> Result<Option<PgConnectOptions>, CliError> {
    let Some(url) = &config.database.url else { return Ok(None) };
    // The parser's own message may contain the password.
    Ok(Some(url.expose().parse().map_err(|_| "DATABASE_URL is not a valid address")?))
}

/// The address of PostgreSQL itself, for what does not work through a pooler: `DATABASE_LISTENER_URL`, else `options`.
pub fn direct(config: &Config, options: &PgConnectOptions) -> Result<PgConnectOptions, CliError> {
    match &config.database.listener_url {
        Some(url) => Ok(url.expose().parse().map_err(|_| "DATABASE_LISTENER_URL is not a valid address")?),
        None => Ok(options.clone()),
    }
}

/// Migrates the schema or, with `MIGRATE_AT_START=false`, checks that it is up to date.
pub async fn prepare_schema(config: &DatabaseConfig, direct: &PgConnectOptions) -> Result<(), CliError> {
    if config.migrate_at_start {
        migrations::migrate(&MIGRATIONS, direct).await?;
    } else {
        migrations::check(&MIGRATIONS, direct).await?;
    }
    Ok(())
}

/// Opens the pool. An error names the cause in one sentence.
pub(super) async fn connect(options: PgConnectOptions, config: &DatabaseConfig) -> Result<Database, CliError> {
    Database::connect(options, config).await.map_err(unusable)
}

fn unusable(error: sqlx::Error) -> CliError {
    if is_read_only(&error) {
        return format!("the database cannot be used: {error}; DATABASE_URL must name the primary").into();
    }
    unreachable(error)
}

fn unreachable(error: impl Display) -> CliError {
    format!("the database cannot be reached: {error}").into()
}

/// The configured secret. Without one, a local server generates a random secret at the first start and keeps it.
pub fn token_secret(config: &Config) -> Result<Secret, CliError> {
    if let Some(secret) = &config.jwt.secret {
        return Ok(secret.clone());
    }
    let path = config.data_dir.join("jwt-secret");
    let file_error = |error: io::Error| {
        format!("{} (the secret that signs tokens, because JWT_SECRET_KEY is not set): {error}", path.display())
    };
    match fs::read_to_string(&path) {
        Ok(secret) if !secret.trim().is_empty() => return Ok(Secret::new(secret.trim())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file_error(error).into()),
        _ => {}
    }
    fs::create_dir_all(&config.data_dir).map_err(file_error)?;
    let mut bytes = [0; 48];
    SysRng.try_fill_bytes(&mut bytes)?;
    let secret = hex::encode(bytes);
    write_private(&path, &secret).map_err(file_error)?;
    Ok(Secret::new(secret))
}

fn write_private(path: &Path, content: &str) -> io::Result<()> {
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}
