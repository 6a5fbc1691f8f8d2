//! The settings, parsed and checked when the program starts.
//!
//! Settings come from environment variables only. All mistakes are reported at once. `.env.example` documents each setting,
//! and a test compares its names and defaults with the code. Values that are not settings are constants where they are used.
//! A file to imitate: `limits.rs`.

mod app_env;
mod backup;
mod database;
mod events;
mod http;
mod limits;
mod login;
mod reader;
mod secret;
mod telemetry;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use self::app_env::AppEnv;
pub use self::backup::{BackupConfig, NO_ANSWER_TIMEOUT};
pub use self::database::DatabaseConfig;
pub use self::events::{EventConfig, StreamConfig, StreamLimits};
pub use self::http::{CorsOrigins, HttpConfig};
pub use self::limits::{SessionLimits, StoreLimits};
pub use self::login::{DeviceConfig, EXAMPLE_SECRET, JwtConfig, LoginConfig};
pub use self::reader::{ConfigError, Mistake};
pub use self::secret::Secret;
pub use self::telemetry::{LogConfig, LogFormat};

use self::reader::Reader;

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The environment.
    pub env: AppEnv,
    /// The directory of the embedded database and of the generated secret.
    pub data_dir: PathBuf,
    /// Whether the demo restaurant is created in an empty database.
    pub seed_demo: bool,
    /// The database's settings.
    pub database: DatabaseConfig,
    /// The nightly backup's settings.
    pub backup: BackupConfig,
    /// The tokens' settings.
    pub jwt: JwtConfig,
    /// The paired tablets' settings.
    pub devices: DeviceConfig,
    /// The limits of logins.
    pub login: LoginConfig,
    /// The logs' settings.
    pub log: LogConfig,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the collector that receives a span for each request; `None` disables tracing.
    pub traces: Option<Secret>,
    /// The HTTP server's settings.
    pub http: HttpConfig,
    /// The event streams' settings.
    pub streams: StreamConfig,
    /// The events' settings.
    pub events: EventConfig,
    /// The limits of each store.
    pub store_limits: StoreLimits,
    /// The limits of each session.
    pub session_limits: SessionLimits,
}

impl Config {
    /// Reads the environment and, for variables that are not set, the file `.env` in the working directory.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn from_env() -> Result<Self, ConfigError> {
        // Only in the working directory, because a file in a parent directory may belong to another project.
        match dotenvy::from_path(".env") {
            Ok(()) => {}
            Err(error) if error.not_found() => {}
            Err(error) => {
                return Err(ConfigError(vec![Mistake {
                    name: ".env",
                    value: "(file)".to_owned(),
                    allowed: format!("cannot be read ({}); each line must be NAME=value", describe(&error)),
                }]));
            }
        }
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads the settings from `lookup`. An empty value counts as not set.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(&lookup);
        let env = AppEnv::read(&mut reader);
        let data_dir: PathBuf = reader.get("DATA_DIR").unwrap_or_else(|| "data".to_owned()).into();
        let database = DatabaseConfig::read(&mut reader, env);
        let config = Self {
            env,
            backup: BackupConfig::read(&mut reader, database.url.is_none().then_some(&data_dir)),
            data_dir,
            seed_demo: app_env::read_seed_demo(&mut reader, env),
            database,
            jwt: JwtConfig::read(&mut reader, env),
            devices: DeviceConfig::read(&mut reader),
            login: LoginConfig::read(&mut reader),
            log: LogConfig::read(&mut reader),
            traces: telemetry::read_traces(&mut reader),
            http: HttpConfig::read(&mut reader, env),
            streams: StreamConfig::read(&mut reader),
            events: EventConfig::read(&mut reader),
            store_limits: StoreLimits::read(&mut reader),
            session_limits: SessionLimits::read(&mut reader),
        };
        reader.finish(config)
    }
}

/// Describes the mistake without the line itself, which dotenvy's message contains and which may have a secret.
fn describe(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(_, position) => format!("a line cannot be parsed, character {position}"),
        other => other.to_string(),
    }
}
