//! Tests of all settings together.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

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
fn without_settings_the_server_is_local() {
    let config = read(&[]).unwrap();
    assert_eq!(config.env, AppEnv::Local);
    assert!(config.seed_demo && config.database.url.is_none() && config.jwt.secret.is_none());
    assert_eq!((config.database.max_connections, config.database.min_connections), (20, 10));
    assert_eq!(config.jwt.admin_lifetime, Duration::from_hours(16));
    assert_eq!(config.http.port, 8000);
}

#[test]
fn every_mistake_is_reported_at_once() {
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
fn production_refuses_unsafe_settings() {
    assert!(read(&PRODUCTION).is_ok());
    assert_eq!(read(&[("APP_ENV", "production")]).unwrap_err(), ["DATABASE_URL", "JWT_SECRET_KEY"]);
    assert_eq!(production_with("JWT_SECRET_KEY", EXAMPLE_SECRET).unwrap_err(), ["JWT_SECRET_KEY"]);
    assert_eq!(production_with("JWT_SECRET_KEY", "31-bytes-long-0123456789abcdefg").unwrap_err(), ["JWT_SECRET_KEY"]);
    assert_eq!(production_with("CORS_ORIGINS", "*").unwrap_err(), ["CORS_ORIGINS"]);
    assert_eq!(production_with("SEED_DEMO_STORE", "true").unwrap_err(), ["SEED_DEMO_STORE"]);
    assert_eq!(
        production_with("JWT_PREVIOUS_SECRET_KEYS", "0123456789abcdef0123456789abcdef,short").unwrap_err(),
        ["JWT_PREVIOUS_SECRET_KEYS"]
    );
    for wrong in ["0.0.0.0/0", "10.0.0.1,::/0", "proxy.example"] {
        assert_eq!(production_with("TRUSTED_PROXIES", wrong).unwrap_err(), ["TRUSTED_PROXIES"]);
    }
    assert_eq!(production_with("LOGIN_LOCKOUT_MAX_SECONDS", "5").unwrap_err(), ["LOGIN_LOCKOUT_MAX_SECONDS"]);
}

#[test]
fn a_listener_url_needs_a_database_url() {
    let listener = ("DATABASE_LISTENER_URL", "postgres://tableorder@db/tableorder");
    assert!(production_with(listener.0, listener.1).unwrap().database.listener_url.is_some());
    assert_eq!(production_with(listener.0, "db:5432").unwrap_err(), [listener.0]);
    assert_eq!(read(&[listener]).unwrap_err(), [listener.0]);
}

#[test]
fn metrics_are_public_only_in_local_and_development_environments() {
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
fn a_collector_needs_an_http_address() {
    let endpoint = |value| read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", value)]).map(|config| config.traces.unwrap());
    assert_eq!(endpoint("http://collector:4318").unwrap().expose(), "http://collector:4318");
    for wrong in ["collector:4318", "grpc://collector:4317", "http://", "http://collector 4318"] {
        assert_eq!(endpoint(wrong).unwrap_err(), ["OTEL_EXPORTER_OTLP_ENDPOINT"]);
    }
}

#[test]
fn the_example_file_has_every_setting_and_compose_variable() {
    let asked = RefCell::new(BTreeSet::new());
    let defaults = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    })
    .unwrap();
    // `NAME=value` is a default. `# NAME=value` is a setting without a default, or with one that depends on the environment.
    let example = include_str!("../../.env.example");
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
    let compose = include_str!("../../docker-compose.yml");
    let variables = regex::Regex::new(r"[^$]\$\{([A-Z_]+)").unwrap();
    let variables = variables.captures_iter(compose).map(|found| found[1].to_owned());
    assert_eq!(documented, asked.into_inner().into_iter().chain(variables).collect());
    assert!(example.contains(&format!("# JWT_SECRET_KEY={EXAMPLE_SECRET}\n")));
    let values: Vec<_> = example.lines().filter_map(setting).collect();
    assert_eq!(format!("{:?}", read(&values).unwrap()), format!("{defaults:?}"));
}

#[test]
fn an_invalid_database_url_is_reported_without_its_password() {
    for address in ["postgres://u:hunter2/x@db/d", "postgres://u:hunter2#x@db/d", "postgres://u@db/d?sslmode=often"] {
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
