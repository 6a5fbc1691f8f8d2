//! Every setting, typed and validated at start. `.env.example` documents each.

mod read;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use self::read::Reader;
use ipnet::IpNet;

/// The secret that `.env.example` shows; no server outside a developer's machine may use it.
pub const EXAMPLE_SECRET: &str = "change-me-to-a-long-random-secret-of-32-bytes-or-more";

/// Where the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppEnv {
    /// One machine, nothing to configure.
    Local,
    /// A shared development server.
    Development,
    /// A rehearsal of production.
    Staging,
    /// Real guests.
    Production,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Whom browsers let read answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Anyone (never in production).
    Any,
    /// These origins.
    List(Vec<String>),
}

/// A text that must not be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// The database's settings.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`; without one the server runs its own PostgreSQL under the data directory.
    pub url: Option<Secret>,
    /// `DATABASE_LISTENER_URL`: the same database past a pooler that lends connections by the transaction, for what
    /// needs a session of its own.
    pub listener_url: Option<Secret>,
    /// Whether whoever starts brings the schema up to date, or refuses to start on one that is not.
    pub migrate_at_start: bool,
    /// The pool opens no more connections than this.
    pub max_connections: u32,
    /// The pool opens this many connections in advance, and closes idle ones only above this number.
    pub min_connections: u32,
    /// How long a request waits for a connection.
    pub acquire_timeout: Duration,
    /// An idle connection older than this is replaced.
    pub max_lifetime: Duration,
    /// How often the pool opens missing connections and replaces expired ones. Not a setting; tests shorten it.
    pub maintenance_interval: Duration,
    /// How long a statement may take, waiting for locks included.
    pub statement_timeout: Duration,
    /// Where `pg_dump` and `pg_restore` are, if not to be looked for.
    pub programs: Option<PathBuf>,
}

/// The tokens' settings.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// `JWT_SECRET_KEY`; without one a local server makes its own.
    pub secret: Option<Secret>,
    /// `JWT_PREVIOUS_SECRET_KEYS`: tokens signed with these still count, none is made with them any more.
    pub previous_secrets: Vec<Secret>,
    /// The one algorithm tokens are signed and checked with.
    pub algorithm: jsonwebtoken::Algorithm,
    /// How long an admin token lives.
    pub admin_lifetime: Duration,
    /// How long a table token lives.
    pub table_lifetime: Duration,
}

/// How guessing passwords is slowed down.
#[derive(Debug, Clone, Copy)]
pub struct LoginConfig {
    /// Failures of one account without a pause.
    pub failures_per_account: i32,
    /// Failures from one address without a pause.
    pub failures_per_address: i32,
    /// The first pause; each further failure doubles it.
    pub first_lockout: Duration,
    /// The longest pause.
    pub longest_lockout: Duration,
    /// How many logins may wait or be in progress.
    pub queue: usize,
}

/// The logs' settings.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// What is logged, in the syntax of tracing's `EnvFilter`: `info`, `tableorder=debug,info` …
    pub level: String,
    /// The file, rotated daily; `None` writes to the console alone.
    pub file: Option<PathBuf>,
    /// How lines look.
    pub format: LogFormat,
}

/// The limits and habits of the HTTP side.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 takes any free one.
    pub port: u16,
    /// Where operators are answered: figures, health, the log level. `None` is nowhere.
    pub private_address: Option<SocketAddr>,
    /// Whether the figures are on `port`, too: where there is no other place, on a developer's machine alone.
    pub serves_metrics: bool,
    /// Whom browsers let read answers.
    pub cors_origins: CorsOrigins,
    /// The proxies that are believed when they say whom they forward for.
    pub trusted_proxies: Vec<IpNet>,
    /// How many connections may be open.
    pub max_connections: usize,
    /// How many requests an address may send each second, on this instance; `None` is any number.
    pub requests_per_second: Option<NonZero<u32>>,
    /// How large a request's header may be, in bytes.
    pub header_limit: usize,
    /// How many fields a request's header may have.
    pub header_fields: usize,
    /// How long a request may take (streams apart).
    pub request_timeout: Duration,
    /// How long a client may take to send a request's header, and how long a connection may lie idle.
    pub header_timeout: Duration,
    /// How large a request's body may be, in bytes.
    pub body_limit: usize,
    /// How long, before it stops, the server says that it is about to, and takes requests all the same.
    pub shutdown_drain: Duration,
    /// How long a graceful stop may take, once the drain is over.
    pub shutdown_timeout: Duration,
    /// How long a client may take none of what it is sent before it is cut off.
    pub write_timeout: Duration,
}

/// What event streams are like.
#[derive(Debug, Clone, Copy)]
pub struct StreamConfig {
    /// How often a quiet stream says that it is alive.
    pub heartbeat: Duration,
    /// How old a stream gets before it is broken off; `None` as old as its token.
    pub max_age: Option<Duration>,
    /// How many streams one store may have on this instance.
    pub max_per_store: usize,
    /// How many streams this instance may have.
    pub max_in_all: usize,
}

/// How events travel and how long they are kept.
#[derive(Debug, Clone, Copy)]
pub struct EventConfig {
    /// Whether instances wake one another by `NOTIFY`; without, each polls once a second.
    pub wake_ups: bool,
    /// How long events are kept for clients that were away.
    pub retention: Duration,
}

/// Every setting.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server runs.
    pub env: AppEnv,
    /// Where a server without `DATABASE_URL` keeps its database, and a local one its secret.
    pub data_dir: PathBuf,
    /// Whether an empty database gets the demo restaurant.
    pub seed_demo: bool,
    /// The database's settings.
    pub database: DatabaseConfig,
    /// The tokens' settings.
    pub jwt: JwtConfig,
    /// How guessing passwords is slowed down.
    pub login: LoginConfig,
    /// The logs' settings.
    pub log: LogConfig,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the collector that is told of each request's span, if there is one.
    pub traces: Option<Secret>,
    /// The HTTP side's settings.
    pub http: HttpConfig,
    /// The event streams' settings.
    pub streams: StreamConfig,
    /// The events' settings.
    pub events: EventConfig,
}

/// One wrong setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The variable.
    pub name: &'static str,
    /// Its value, unless that is a secret.
    pub value: String,
    /// What is allowed.
    pub allowed: String,
}

/// Every wrong setting, one line each.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError(pub Vec<Mistake>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings have {} mistake(s):", self.0.len())?;
        for Mistake { name, value, allowed } in &self.0 {
            write!(f, "\n  {name}={value}: {allowed}")?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads `.env` of the working directory, if there is one, and the environment, which wins.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn from_env() -> Result<Self, ConfigError> {
        // Of the working directory alone: another project's, further up, is none of ours.
        match dotenvy::from_path(".env") {
            Ok(()) => {}
            Err(error) if error.not_found() => {}
            Err(error) => {
                return Err(ConfigError(vec![Mistake {
                    name: ".env",
                    value: "(file)".to_owned(),
                    allowed: format!("cannot be read ({}); lines are NAME=value", describe(&error)),
                }]));
            }
        }
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads the settings from `lookup`. An empty value counts as none.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { lookup, mistakes: Vec::new() };
        let env = reader.choice(
            "APP_ENV",
            AppEnv::Local,
            &[
                ("local", AppEnv::Local),
                ("development", AppEnv::Development),
                ("staging", AppEnv::Staging),
                ("production", AppEnv::Production),
            ],
        );
        let config = Self {
            env,
            data_dir: reader.get("DATA_DIR").unwrap_or_else(|| "data".to_owned()).into(),
            seed_demo: reader.seed_demo(env),
            database: reader.database(env),
            jwt: reader.jwt(env),
            login: reader.login(),
            log: reader.log(),
            traces: reader.traces(),
            http: reader.http(env),
            streams: reader.streams(),
            events: reader.events(),
        };
        if reader.mistakes.is_empty() { Ok(config) } else { Err(ConfigError(reader.mistakes)) }
    }
}

/// dotenvy quotes the refused line, which may hold a secret: say only what kind of mistake it is.
fn describe(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(_, position) => format!("a line cannot be parsed, character {position}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Config, Vec<&'static str>> {
        Config::read(|name| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
            .map_err(|ConfigError(mistakes)| mistakes.iter().map(|mistake| mistake.name).collect())
    }

    const PRODUCTION: [(&str, &str); 3] = [
        ("APP_ENV", "production"),
        ("DATABASE_URL", "postgres://tableorder@db/tableorder"),
        ("JWT_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
    ];

    fn production_with(name: &'static str, value: &'static str) -> Result<Config, Vec<&'static str>> {
        let mut settings = PRODUCTION.to_vec();
        settings.insert(0, (name, value));
        read(&settings)
    }

    #[test]
    fn nothing_set_is_a_local_server() {
        let config = read(&[]).unwrap();
        assert_eq!(config.env, AppEnv::Local);
        assert!(config.seed_demo && config.database.url.is_none() && config.jwt.secret.is_none());
        assert_eq!((config.database.max_connections, config.database.min_connections), (20, 10));
        assert_eq!(config.jwt.admin_lifetime, Duration::from_hours(16));
        assert_eq!(config.http.port, 8000);
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let mistakes = read(&[
            ("APP_ENV", "prod"),
            ("PORT", "80000"),
            ("HOST", "localhost"),
            ("DATABASE_URL", "mysql://x"),
            ("JWT_ALGORITHM", "none"),
            ("CORS_ORIGINS", "http://ok.example,http://bad.example/path"),
            ("LOG_LEVEL", "tableorder=loud"),
        ])
        .unwrap_err();
        assert_eq!(mistakes, ["APP_ENV", "DATABASE_URL", "JWT_ALGORITHM", "LOG_LEVEL", "HOST", "PORT", "CORS_ORIGINS"]);
    }

    #[test]
    fn production_refuses_what_is_unsafe() {
        assert!(read(&PRODUCTION).is_ok());
        assert_eq!(read(&[("APP_ENV", "production")]).unwrap_err(), ["DATABASE_URL", "JWT_SECRET_KEY"]);
        assert_eq!(production_with("JWT_SECRET_KEY", EXAMPLE_SECRET).unwrap_err(), ["JWT_SECRET_KEY"]);
        assert_eq!(
            production_with("JWT_SECRET_KEY", "31-bytes-long-0123456789abcdefg").unwrap_err(),
            ["JWT_SECRET_KEY"]
        );
        assert_eq!(production_with("CORS_ORIGINS", "*").unwrap_err(), ["CORS_ORIGINS"]);
        assert_eq!(production_with("SEED_DEMO_STORE", "true").unwrap_err(), ["SEED_DEMO_STORE"]);
        assert_eq!(
            production_with("JWT_PREVIOUS_SECRET_KEYS", "0123456789abcdef0123456789abcdef,short").unwrap_err(),
            ["JWT_PREVIOUS_SECRET_KEYS"]
        );
        for everybody in ["0.0.0.0/0", "10.0.0.1,::/0", "proxy.example"] {
            assert_eq!(production_with("TRUSTED_PROXIES", everybody).unwrap_err(), ["TRUSTED_PROXIES"]);
        }
        assert_eq!(production_with("LOGIN_LOCKOUT_MAX_SECONDS", "5").unwrap_err(), ["LOGIN_LOCKOUT_MAX_SECONDS"]);
    }

    #[test]
    fn the_way_past_a_pooler_leads_to_the_database_that_was_named() {
        let listener = ("DATABASE_LISTENER_URL", "postgres://tableorder@db/tableorder");
        assert!(production_with(listener.0, listener.1).unwrap().database.listener_url.is_some());
        assert_eq!(production_with(listener.0, "db:5432").unwrap_err(), [listener.0]);
        assert_eq!(read(&[listener]).unwrap_err(), [listener.0], "past what?");
    }

    #[test]
    fn figures_are_public_on_a_developers_machine_alone() {
        let metrics = |config: Config| (config.http.serves_metrics, config.http.private_address.is_some());
        assert_eq!(metrics(read(&[]).unwrap()), (true, false));
        assert_eq!(metrics(read(&[("PRIVATE_ADDRESS", "127.0.0.1:9000")]).unwrap()), (false, true));
        assert_eq!(metrics(read(&PRODUCTION).unwrap()), (false, false));
        assert_eq!(metrics(production_with("PRIVATE_ADDRESS", "[::1]:9000").unwrap()), (false, true));
        for wrong in ["9000", "localhost:9000", "127.0.0.1"] {
            assert_eq!(read(&[("PRIVATE_ADDRESS", wrong)]).unwrap_err(), ["PRIVATE_ADDRESS"]);
        }
        let taken = [("PORT", "9000"), ("PRIVATE_ADDRESS", "127.0.0.1:9000")];
        assert_eq!(read(&taken).unwrap_err(), ["PRIVATE_ADDRESS"]);
    }

    #[test]
    fn a_collector_is_a_web_address() {
        let endpoint = |value| read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", value)]).map(|config| config.traces.unwrap());
        assert_eq!(endpoint("http://collector:4318").unwrap().expose(), "http://collector:4318");
        for wrong in ["collector:4318", "grpc://collector:4317", "http://", "http://collector 4318"] {
            assert_eq!(endpoint(wrong).unwrap_err(), ["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        }
    }

    #[test]
    fn the_example_file_documents_every_setting_with_its_default_and_every_variable_of_the_compose_file() {
        let asked = RefCell::new(BTreeSet::new());
        let defaults = Config::read(|name| {
            asked.borrow_mut().insert(name.to_owned());
            None
        })
        .unwrap();
        // `NAME=value` is a default; `# NAME=value` shows what has none, or one of its own in each environment.
        let example = include_str!("../.env.example");
        let setting = |line: &'static str| {
            let (name, value) = line.split_once('=')?;
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            is_name.then_some((name, value))
        };
        let documented: BTreeSet<_> = example
            .lines()
            .filter_map(|line| setting(line.trim_start_matches("# ")))
            .map(|(name, _)| name.to_owned())
            .collect();
        let compose = include_str!("../docker-compose.yml");
        let variables = regex::Regex::new(r"[^$]\$\{([A-Z_]+)").unwrap();
        let variables = variables.captures_iter(compose).map(|found| found[1].to_owned());
        assert_eq!(documented, asked.into_inner().into_iter().chain(variables).collect());
        assert!(example.contains(&format!("# JWT_SECRET_KEY={EXAMPLE_SECRET}\n")));
        let values: Vec<_> = example.lines().filter_map(setting).collect();
        assert_eq!(format!("{:?}", read(&values).unwrap()), format!("{defaults:?}"));
    }

    #[test]
    fn an_address_that_cannot_be_read_is_a_mistake_like_any_other() {
        for address in ["postgres://u:hunter2/x@db/d", "postgres://u:hunter2#x@db/d", "postgres://u@db/d?sslmode=often"]
        {
            let lookup = |name: &str| match name {
                "DATABASE_URL" => Some(address.to_owned()),
                "PORT" => Some("none".to_owned()),
                _ => None,
            };
            let error = Config::read(lookup).unwrap_err();
            assert_eq!(error.0.iter().map(|mistake| mistake.name).collect::<Vec<_>>(), ["DATABASE_URL", "PORT"]);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert!(read(&[("DATABASE_URL", "postgres://u:hunter2%2Fx@db/d")]).is_ok());
    }

    #[test]
    fn secrets_are_never_printed() {
        let error = Config::read(|name| match name {
            "APP_ENV" => Some("production".to_owned()),
            "DATABASE_URL" => Some("mysql://u:hunter2@h/d".to_owned()),
            "JWT_SECRET_KEY" => Some("hunter2".to_owned()),
            _ => None,
        })
        .unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let config = production_with("SEED_DEMO_STORE", "false").unwrap();
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
    }
}
