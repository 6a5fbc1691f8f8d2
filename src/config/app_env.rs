//! The environment, and the settings that depend only on it.

use super::reader::Reader;

/// The environment. It decides about defaults and about checks of other settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppEnv {
    /// A single machine, without any configuration.
    Local,
    /// A shared development server.
    Development,
    /// A test of the production setup.
    Staging,
    /// A server for real guests.
    Production,
}

impl AppEnv {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let choices = [
            ("local", Self::Local),
            ("development", Self::Development),
            ("staging", Self::Staging),
            ("production", Self::Production),
        ];
        reader.choice("APP_ENV", Self::Local, &choices)
    }

    /// Whether only developers, or the staff of one restaurant, can reach the server.
    pub(super) fn is_private(self) -> bool {
        matches!(self, Self::Local | Self::Development)
    }
}

/// Whether the demo restaurant is created in an empty database.
pub(super) fn read_seed_demo(reader: &mut Reader<'_>, env: AppEnv) -> bool {
    let seed = reader.boolean("SEED_DEMO_STORE", env.is_private());
    if seed && env == AppEnv::Production {
        reader.mistake(
            "SEED_DEMO_STORE",
            "true",
            "must be false in production, because the demo's passwords are public",
        );
    }
    seed
}
