//! Reading settings: each typed, bounded, and every mistake told.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use sqlx::postgres::PgConnectOptions;
use tracing_subscriber::EnvFilter;

use super::{
    AppEnv, CorsOrigins, DatabaseConfig, EXAMPLE_SECRET, EventConfig, HttpConfig, JwtConfig, LogConfig, LogFormat,
    LoginConfig, Mistake, Secret, StreamConfig,
};

/// The shortest secret production accepts, in bytes.
const MIN_SECRET_BYTES: usize = 32;

/// Looks settings up, and gathers what is wrong with them.
pub(super) struct Reader<F> {
    pub(super) lookup: F,
    pub(super) mistakes: Vec<Mistake>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn mistake(&mut self, name: &'static str, value: impl Into<String>, allowed: impl Into<String>) {
        self.mistakes.push(Mistake { name, value: value.into(), allowed: allowed.into() });
    }

    pub(super) fn choice<T: Copy>(&mut self, name: &'static str, default: T, choices: &[(&str, T)]) -> T {
        let Some(value) = self.get(name) else { return default };
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| value.eq_ignore_ascii_case(word)) {
            return *chosen;
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        self.mistake(name, value, format!("must be one of {}", words.join(", ")));
        default
    }

    fn number<T>(&mut self, name: &'static str, default: T, min: T, max: T) -> T
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        let Some(value) = self.get(name) else { return default };
        match value.parse() {
            Ok(number) if number >= min && number <= max => number,
            _ => {
                self.mistake(name, value, format!("must be a whole number from {min} to {max}"));
                default
            }
        }
    }

    fn seconds(&mut self, name: &'static str, default: u64, max: u64) -> Duration {
        Duration::from_secs(self.number(name, default, 1, max))
    }

    pub(super) fn seed_demo(&mut self, env: AppEnv) -> bool {
        let for_developers = matches!(env, AppEnv::Local | AppEnv::Development);
        let seed = self.choice("SEED_DEMO_STORE", for_developers, &[("true", true), ("false", false)]);
        if seed && env == AppEnv::Production {
            self.mistake(
                "SEED_DEMO_STORE",
                "true",
                "must be false in production: everybody knows the demo's passwords",
            );
        }
        seed
    }

    pub(super) fn database(&mut self, env: AppEnv) -> DatabaseConfig {
        let url = self.postgres_url("DATABASE_URL");
        if url.is_none() && env == AppEnv::Production {
            self.mistake("DATABASE_URL", "", "is required in production");
        }
        let listener_url = self.postgres_url("DATABASE_LISTENER_URL");
        if url.is_none() && listener_url.is_some() {
            self.mistake("DATABASE_LISTENER_URL", "(hidden)", "is another way to the database of DATABASE_URL");
        }
        let max_connections = self.number("DATABASE_MAX_CONNECTIONS", 20, 2, 10_000);
        let min_connections = self.number("DATABASE_MIN_CONNECTIONS", 10.min(max_connections), 0, 10_000);
        if min_connections > max_connections {
            self.mistake(
                "DATABASE_MIN_CONNECTIONS",
                min_connections.to_string(),
                format!("must not be above DATABASE_MAX_CONNECTIONS={max_connections}"),
            );
        }
        DatabaseConfig {
            url,
            listener_url,
            migrate_at_start: self.choice("MIGRATE_AT_START", true, &[("true", true), ("false", false)]),
            max_connections,
            min_connections,
            acquire_timeout: self.seconds("DATABASE_ACQUIRE_TIMEOUT_SECONDS", 2, 60),
            max_lifetime: self.seconds("DATABASE_MAX_LIFETIME_SECONDS", 3600, 7 * 86_400),
            maintenance_interval: Duration::from_secs(30),
            statement_timeout: self.seconds("DATABASE_STATEMENT_TIMEOUT_SECONDS", 10, 3600),
            programs: self.get("DATABASE_PROGRAMS_DIR").map(Into::into),
        }
    }

    fn postgres_url(&mut self, name: &'static str) -> Option<Secret> {
        let url = self.get(name)?;
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            self.mistake(name, "(hidden)", "must look like postgres://user:password@host:5432/database");
        } else if url.parse::<PgConnectOptions>().is_err() {
            // The parser's own message may quote the password.
            self.mistake(
                name,
                "(hidden)",
                "cannot be read; in a password write / ? # @ : % as %2F %3F %23 %40 %3A %25",
            );
        }
        Some(Secret::new(url))
    }

    pub(super) fn jwt(&mut self, env: AppEnv) -> JwtConfig {
        use jsonwebtoken::Algorithm::{HS256, HS384, HS512};
        let secret = self.get("JWT_SECRET_KEY");
        if secret.is_none() && env != AppEnv::Local {
            self.mistake("JWT_SECRET_KEY", "", "is required unless APP_ENV=local");
        }
        let previous = self.list("JWT_PREVIOUS_SECRET_KEYS");
        let named = secret.iter().map(|secret| ("JWT_SECRET_KEY", secret));
        let all = named.chain(previous.iter().map(|secret| ("JWT_PREVIOUS_SECRET_KEYS", secret)));
        if matches!(env, AppEnv::Production | AppEnv::Staging) {
            for (name, secret) in all {
                if let Some(fault) = fault_of(secret) {
                    self.mistake(name, "(hidden)", fault);
                }
            }
        }
        JwtConfig {
            secret: secret.map(Secret::new),
            previous_secrets: previous.into_iter().map(Secret::new).collect(),
            algorithm: self.choice("JWT_ALGORITHM", HS256, &[("HS256", HS256), ("HS384", HS384), ("HS512", HS512)]),
            admin_lifetime: Duration::from_hours(self.number("JWT_ADMIN_EXPIRE_HOURS", 16, 1, 24 * 365)),
            table_lifetime: Duration::from_hours(self.number("JWT_TABLE_EXPIRE_HOURS", 24, 1, 24 * 365)),
        }
    }

    pub(super) fn login(&mut self) -> LoginConfig {
        let first_lockout = self.seconds("LOGIN_LOCKOUT_SECONDS", 30, 86_400);
        let longest_lockout = self.seconds("LOGIN_LOCKOUT_MAX_SECONDS", 900, 86_400);
        if longest_lockout < first_lockout {
            self.mistake(
                "LOGIN_LOCKOUT_MAX_SECONDS",
                longest_lockout.as_secs().to_string(),
                format!("must not be below LOGIN_LOCKOUT_SECONDS={}", first_lockout.as_secs()),
            );
        }
        LoginConfig {
            failures_per_account: self.number("LOGIN_FAILURES_PER_ACCOUNT", 5, 1, 1_000_000),
            failures_per_address: self.number("LOGIN_FAILURES_PER_ADDRESS", 50, 1, 1_000_000),
            first_lockout,
            longest_lockout,
            queue: self.number("LOGIN_QUEUE", 256, 1, 100_000),
        }
    }

    pub(super) fn log(&mut self) -> LogConfig {
        let level = self.get("LOG_LEVEL").unwrap_or_else(|| "info".to_owned());
        if EnvFilter::builder().parse(&level).is_err() {
            self.mistake(
                "LOG_LEVEL",
                level.clone(),
                "must be error, warn, info, debug, trace or a filter like tableorder=debug,info",
            );
        }
        let file = self.get("LOG_FILE").unwrap_or_else(|| "logs/app.log".to_owned());
        LogConfig {
            level,
            file: (file != "off").then(|| file.into()),
            format: self.choice("LOG_FORMAT", LogFormat::Text, &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
        }
    }

    pub(super) fn http(&mut self, env: AppEnv) -> HttpConfig {
        let host = self.get("HOST").unwrap_or_else(|| "0.0.0.0".to_owned());
        let host = host.parse().unwrap_or_else(|_| {
            self.mistake("HOST", host, "must be an IP address to listen on, like 0.0.0.0, 127.0.0.1 or ::");
            IpAddr::from([0, 0, 0, 0])
        });
        let port = self.number("PORT", 8000, 0, u16::MAX);
        let private_address = self.private_address(host, port);
        // At home nobody floods, and whoever measures does so from one address.
        let at_home = matches!(env, AppEnv::Local | AppEnv::Development);
        let requests = if at_home { 0 } else { 200 };
        HttpConfig {
            host,
            port,
            private_address,
            serves_metrics: at_home && private_address.is_none(),
            cors_origins: self.cors_origins(env),
            trusted_proxies: self.trusted_proxies(),
            max_connections: self.number("MAX_CONNECTIONS", 25_000, 10, 1_000_000),
            requests_per_second: NonZero::new(self.number("REQUESTS_PER_SECOND_PER_ADDRESS", requests, 0, 1_000_000)),
            header_limit: self.number("REQUEST_HEADER_LIMIT_BYTES", 32 * 1024, 8 * 1024, 1024 * 1024),
            header_fields: self.number("REQUEST_HEADER_LIMIT_FIELDS", 100, 20, 1000),
            request_timeout: self.seconds("REQUEST_TIMEOUT_SECONDS", 30, 3600),
            header_timeout: self.seconds("REQUEST_HEADER_TIMEOUT_SECONDS", 30, 3600),
            body_limit: self.number("REQUEST_BODY_LIMIT_BYTES", 256 * 1024, 1024, 64 * 1024 * 1024),
            shutdown_drain: Duration::from_secs(self.number("SHUTDOWN_DRAIN_SECONDS", 0, 0, 600)),
            shutdown_timeout: self.seconds("SHUTDOWN_TIMEOUT_SECONDS", 10, 600),
            write_timeout: self.seconds("CLIENT_WRITE_TIMEOUT_SECONDS", 15, 600),
        }
    }

    pub(super) fn streams(&mut self) -> StreamConfig {
        let max_age = self.number("SSE_MAX_AGE_SECONDS", 0, 0, 7 * 86_400);
        StreamConfig {
            heartbeat: self.seconds("SSE_HEARTBEAT_INTERVAL", 15, 600),
            max_age: (max_age > 0).then(|| Duration::from_secs(max_age)),
            max_per_store: self.number("SSE_MAX_CONNECTIONS_PER_STORE", 500, 1, 1_000_000),
            max_in_all: self.number("SSE_MAX_CONNECTIONS", 20_000, 1, 1_000_000),
        }
    }

    pub(super) fn events(&mut self) -> EventConfig {
        EventConfig {
            wake_ups: self.choice("EVENT_WAKE_UPS", true, &[("true", true), ("false", false)]),
            retention: Duration::from_hours(24 * self.number("EVENT_RETENTION_DAYS", 7, 1, 3_650)),
        }
    }

    fn private_address(&mut self, host: IpAddr, port: u16) -> Option<SocketAddr> {
        let text = self.get("PRIVATE_ADDRESS")?;
        let Ok(address) = text.parse::<SocketAddr>() else {
            self.mistake(
                "PRIVATE_ADDRESS",
                text,
                "must be an IP address and a port, like 127.0.0.1:9000 or [::1]:9000",
            );
            return None;
        };
        let overlaps = address.ip() == host || address.ip().is_unspecified() || host.is_unspecified();
        if address.port() == port && port != 0 && overlaps {
            self.mistake("PRIVATE_ADDRESS", text, format!("must be another place than PORT={port}"));
        }
        Some(address)
    }

    pub(super) fn traces(&mut self) -> Option<Secret> {
        let endpoint = self.get("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
        let is_address = |host: &str| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
        if !host.is_some_and(is_address) {
            // It may have a password in it.
            self.mistake("OTEL_EXPORTER_OTLP_ENDPOINT", "(hidden)", "must look like http://collector:4318");
        }
        Some(Secret::new(endpoint))
    }

    fn trusted_proxies(&mut self) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for text in self.list("TRUSTED_PROXIES") {
            match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
                Ok(everybody) if everybody.prefix_len() == 0 => {
                    self.mistake("TRUSTED_PROXIES", text, "must not trust everybody");
                }
                Ok(network) => networks.push(network),
                Err(_) => self.mistake(
                    "TRUSTED_PROXIES",
                    text,
                    "must be addresses or networks like 10.0.0.5 or 10.0.0.0/8, separated by commas",
                ),
            }
        }
        networks
    }

    /// The values between commas.
    fn list(&self, name: &str) -> Vec<String> {
        let value = self.get(name).unwrap_or_default();
        value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn cors_origins(&mut self, env: AppEnv) -> CorsOrigins {
        const DEFAULT: [&str; 2] = ["http://localhost:3000", "http://localhost:3001"];
        let mut origins = self.list("CORS_ORIGINS");
        if origins.is_empty() {
            origins = DEFAULT.map(str::to_owned).into();
        }
        if origins.iter().any(|origin| origin == "*") {
            if env == AppEnv::Production {
                self.mistake("CORS_ORIGINS", origins.join(","), "must list the origins in production, not *");
            }
            return CorsOrigins::Any;
        }
        for origin in &origins {
            if !is_origin(origin) {
                self.mistake(
                    "CORS_ORIGINS",
                    origin.clone(),
                    "must be origins like https://order.example.com, without a path, separated by commas",
                );
            }
        }
        CorsOrigins::List(origins)
    }
}

/// What is wrong with a secret that real guests depend on.
fn fault_of(secret: &str) -> Option<String> {
    match secret {
        listed if listed.contains(',') => Some("must not have a comma, which separates several".to_owned()),
        EXAMPLE_SECRET => Some("is the example's; make your own: openssl rand -base64 48".to_owned()),
        short if short.len() < MIN_SECRET_BYTES => {
            Some(format!("must have at least {MIN_SECRET_BYTES} bytes, has {}", short.len()))
        }
        _ => None,
    }
}

/// An origin as browsers send it: scheme, host, perhaps a port, nothing behind.
fn is_origin(origin: &str) -> bool {
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@,".contains(&byte))
    })
}
