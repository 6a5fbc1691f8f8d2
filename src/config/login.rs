//! Tokens, paired tablets, and the limits of logins.

use std::num::NonZero;
use std::time::Duration;

use super::app_env::AppEnv;
use super::reader::Reader;
use super::secret::Secret;

/// The secret in `.env.example`. Staging and production refuse it.
pub const EXAMPLE_SECRET: &str = "change-me-to-a-long-random-secret-of-32-bytes-or-more";

/// The shortest secret that staging and production accept, in bytes.
const MIN_SECRET_BYTES: usize = 32;

/// The tokens' settings.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// `JWT_SECRET_KEY`; without it a local server generates its own.
    pub secret: Option<Secret>,
    /// `JWT_PREVIOUS_SECRET_KEYS`: tokens signed with these are accepted, but no new token is signed with them.
    pub previous_secrets: Vec<Secret>,
    /// The algorithm that signs and checks tokens. Tokens with another one are refused.
    pub algorithm: jsonwebtoken::Algorithm,
    /// How long an admin token is valid.
    pub admin_lifetime: Duration,
    /// How long a table token is valid.
    pub table_lifetime: Duration,
}

impl JwtConfig {
    pub(super) fn read(reader: &mut Reader<'_>, env: AppEnv) -> Self {
        use jsonwebtoken::Algorithm::{HS256, HS384, HS512};
        let secret = reader.get("JWT_SECRET_KEY");
        if secret.is_none() && env != AppEnv::Local {
            reader.mistake("JWT_SECRET_KEY", "", "is required unless APP_ENV=local");
        }
        let previous = reader.list("JWT_PREVIOUS_SECRET_KEYS");
        let named = secret.iter().map(|secret| ("JWT_SECRET_KEY", secret));
        let all = named.chain(previous.iter().map(|secret| ("JWT_PREVIOUS_SECRET_KEYS", secret)));
        if !env.is_private() {
            for (name, secret) in all {
                if let Some(weakness) = weakness_of(secret) {
                    reader.mistake(name, "(hidden)", weakness);
                }
            }
        }
        Self {
            secret: secret.map(Secret::new),
            previous_secrets: previous.into_iter().map(Secret::new).collect(),
            algorithm: reader.choice("JWT_ALGORITHM", HS256, &[("HS256", HS256), ("HS384", HS384), ("HS512", HS512)]),
            admin_lifetime: Duration::from_hours(reader.number("JWT_ADMIN_EXPIRE_HOURS", 16, 1, 24 * 365)),
            table_lifetime: Duration::from_hours(reader.number("JWT_TABLE_EXPIRE_HOURS", 24, 1, 24 * 365)),
        }
    }
}

/// Checks a secret for staging and production; `None` if it is safe.
fn weakness_of(secret: &str) -> Option<String> {
    match secret {
        listed if listed.contains(',') => Some("must not contain a comma, which separates several secrets".to_owned()),
        EXAMPLE_SECRET => Some("must not be the example secret; generate one with: openssl rand -base64 48".to_owned()),
        short if short.len() < MIN_SECRET_BYTES => {
            Some(format!("must have at least {MIN_SECRET_BYTES} bytes, but has {}", short.len()))
        }
        _ => None,
    }
}

/// The paired tablets' settings.
#[derive(Debug, Clone, Copy)]
pub struct DeviceConfig {
    /// How long a tablet can renew its token after a login with the password.
    pub pairing_lifetime: Duration,
    /// The largest number of paired devices of a table.
    pub per_table: i64,
    /// The number of token renewals of one device at once, and in each further minute, on this instance.
    pub renewals_per_minute: NonZero<u32>,
}

impl DeviceConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let renewals = reader.number("DEVICE_RENEWALS_PER_MINUTE", 300, 1, 1_000_000);
        Self {
            pairing_lifetime: Duration::from_hours(24 * reader.number("DEVICE_PAIRING_DAYS", 90, 1, 3_650)),
            per_table: reader.number("DEVICES_PER_TABLE", 50, 1, 1_000),
            renewals_per_minute: NonZero::new(renewals).unwrap_or(NonZero::<u32>::MIN),
        }
    }
}

/// The limits of logins, and the retention of their audit log entries.
#[derive(Debug, Clone, Copy)]
pub struct LoginConfig {
    /// The number of failures of one account before its first lockout.
    pub failures_per_account: i32,
    /// The number of failures from one address before its first lockout.
    pub failures_per_address: i32,
    /// The number of successful logins of one account at once, and in each further hour.
    pub successes_per_account: i32,
    /// The first lockout; each further failure doubles it.
    pub first_lockout: Duration,
    /// The longest lockout.
    pub longest_lockout: Duration,
    /// The largest number of logins that are queued or in progress.
    pub queue: usize,
    /// How long logins are kept in the audit log.
    pub audit_retention: Duration,
}

impl LoginConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let first_lockout = reader.seconds("LOGIN_LOCKOUT_SECONDS", 30, 86_400);
        let longest_lockout = reader.seconds("LOGIN_LOCKOUT_MAX_SECONDS", 900, 86_400);
        if longest_lockout < first_lockout {
            reader.mistake(
                "LOGIN_LOCKOUT_MAX_SECONDS",
                longest_lockout.as_secs().to_string(),
                format!("must not be below LOGIN_LOCKOUT_SECONDS={}", first_lockout.as_secs()),
            );
        }
        Self {
            failures_per_account: reader.number("LOGIN_FAILURES_PER_ACCOUNT", 5, 1, 1_000_000),
            failures_per_address: reader.number("LOGIN_FAILURES_PER_ADDRESS", 50, 1, 1_000_000),
            successes_per_account: reader.number("LOGIN_SUCCESSES_PER_ACCOUNT_PER_HOUR", 120, 1, 1_000_000),
            first_lockout,
            longest_lockout,
            queue: reader.number("LOGIN_QUEUE", 256, 1, 100_000),
            audit_retention: Duration::from_hours(24 * reader.number("AUDIT_LOGIN_RETENTION_DAYS", 90, 1, 3_650)),
        }
    }
}
