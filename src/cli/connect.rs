//! How commands reach the database and the secret.

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

use super::{CliError, tell};
use crate::config::{Config, DatabaseConfig, Secret};
use crate::database::embedded::{Durability, EmbeddedPostgres};
use crate::database::{Database, MIGRATIONS, migrations};
use crate::error::is_read_only;

/// How long a command's statement may take.
const COMMAND_STATEMENT_TIMEOUT: Duration = Duration::from_hours(1);

/// How long a single connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The PostgreSQL a command works on, as it is.
#[derive(Debug)]
pub struct Reached {
    /// How to connect to it.
    pub options: PgConnectOptions,
    /// The embedded PostgreSQL, where this command had to start it.
    embedded: Option<EmbeddedPostgres>,
}

impl Reached {
    /// The one of `DATABASE_URL`; else the embedded one, started or, where a server runs on it, joined.
    pub async fn open(config: &Config) -> Result<Self, CliError> {
        let known = match configured(config)? {
            Some(options) => Some(options),
            None => EmbeddedPostgres::running_in(&config.data_dir)?,
        };
        if let Some(options) = known {
            return Ok(Self { options, embedded: None });
        }
        let home = home(config);
        let is_new = !home.exists();
        let embedded = EmbeddedPostgres::start(&config.data_dir, Durability::Durable).await?;
        if is_new {
            // In the wrong directory, the right command would seem to have done its work.
            tell(format_args!("there was no database in {}: made a new one", home.display()));
        }
        Ok(Self { options: embedded.connect_options(), embedded: Some(embedded) })
    }

    /// As [`open`](Self::open), where there is something already.
    pub(super) async fn of_existing(config: &Config) -> Result<Self, CliError> {
        let home = home(config);
        if config.database.url.is_none() && !home.exists() {
            let home = home.display();
            return Err(format!(
                "there is no database in {home}, and DATABASE_URL is not set; run this in the server's directory"
            )
            .into());
        }
        Self::open(config).await
    }

    /// One connection, called `name` so that an operator can tell it from the others.
    pub async fn connect(&self, name: &str) -> Result<PgConnection, CliError> {
        let options = self.options.clone().application_name(name).disable_statement_logging();
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await;
        connecting.map_err(|_| unreachable("it does not answer"))?.map_err(unreachable)
    }

    /// The way to it that passes by a pooler, where there is one.
    pub(super) fn direct(&self, config: &Config) -> Result<PgConnectOptions, CliError> {
        direct(config, &self.options)
    }

    /// Stops it if this command started it.
    pub async fn close(self) {
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// The database a command works on, migrated.
pub(super) struct Connected {
    pub(super) database: Database,
    reached: Reached,
}

impl Connected {
    /// As [`Reached::open`].
    pub(super) async fn open(config: &Config) -> Result<Self, CliError> {
        Self::on(Reached::open(config).await?, config).await
    }

    /// As [`Reached::of_existing`].
    pub(super) async fn of_existing(config: &Config) -> Result<Self, CliError> {
        Self::on(Reached::of_existing(config).await?, config).await
    }

    /// The one that was reached.
    pub(super) async fn on(reached: Reached, config: &Config) -> Result<Self, CliError> {
        // A command works alone: a few connections do, and nobody waits for it.
        let few = DatabaseConfig {
            min_connections: 0,
            max_connections: 4,
            statement_timeout: COMMAND_STATEMENT_TIMEOUT,
            ..config.database.clone()
        };
        let direct = direct(config, &reached.options)?;
        let database = connect(reached.options.clone(), &few).await?;
        prepare_schema(&config.database, &direct).await?;
        Ok(Self { database, reached })
    }

    /// Lets go of the database, and stops it if this command started it.
    pub(super) async fn close(self) {
        self.database.close().await;
        self.reached.close().await;
    }
}

/// Where the embedded database is, in full.
fn home(config: &Config) -> PathBuf {
    let home = config.data_dir.join("postgres");
    std::path::absolute(&home).unwrap_or(home)
}

/// The PostgreSQL of `DATABASE_URL`, if that is set.
pub(super) fn configured(config: &Config) -> Result<Option<PgConnectOptions>, CliError> {
    let Some(url) = &config.database.url else { return Ok(None) };
    // The parser's own message may quote the password.
    Ok(Some(url.expose().parse().map_err(|_| "DATABASE_URL cannot be read")?))
}

/// The way to the database that `options` lead to which passes by a pooler, where there is one.
pub fn direct(config: &Config, options: &PgConnectOptions) -> Result<PgConnectOptions, CliError> {
    match &config.database.listener_url {
        Some(url) => Ok(url.expose().parse().map_err(|_| "DATABASE_LISTENER_URL cannot be read")?),
        None => Ok(options.clone()),
    }
}

/// Brings the schema up to date, or where that is done as a step of its own, checks that it was.
pub async fn prepare_schema(config: &DatabaseConfig, direct: &PgConnectOptions) -> Result<(), CliError> {
    if config.migrate_at_start {
        migrations::migrate(&MIGRATIONS, direct).await?;
    } else {
        migrations::check(&MIGRATIONS, direct).await?;
    }
    Ok(())
}

/// Opens the pool, or says in a sentence why not.
pub(super) async fn connect(options: PgConnectOptions, config: &DatabaseConfig) -> Result<Database, CliError> {
    Database::connect(options, config).await.map_err(|error| {
        if is_read_only(&error) {
            return format!("the database cannot be used: {error}; DATABASE_URL must lead to the primary").into();
        }
        unreachable(error)
    })
}

fn unreachable(error: impl Display) -> CliError {
    format!("the database cannot be reached: {error}").into()
}

/// The configured secret or, on a local server without one, a random one that is made once and kept.
pub fn token_secret(config: &Config) -> Result<Secret, CliError> {
    if let Some(secret) = &config.jwt.secret {
        return Ok(secret.clone());
    }
    let path = config.data_dir.join("jwt-secret");
    let told = |error: io::Error| {
        format!("{}, where the secret that signs tokens is kept unless JWT_SECRET_KEY is set: {error}", path.display())
    };
    match fs::read_to_string(&path) {
        Ok(secret) if !secret.trim().is_empty() => return Ok(Secret::new(secret.trim())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(told(error).into()),
        _ => {}
    }
    fs::create_dir_all(&config.data_dir).map_err(told)?;
    let mut bytes = [0; 48];
    SysRng.try_fill_bytes(&mut bytes)?;
    let secret = hex::encode(bytes);
    write_private(&path, &secret).map_err(told)?;
    Ok(Secret::new(secret))
}

fn write_private(path: &Path, content: &str) -> io::Result<()> {
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}
