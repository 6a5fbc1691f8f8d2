//! Where the server runs, and what follows from that alone.

use super::reader::Reader;

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

    /// Whether only developers, or one restaurant's own staff, reach the server.
    pub(super) fn is_private(self) -> bool {
        matches!(self, Self::Local | Self::Development)
    }
}

/// Whether an empty database gets the demo restaurant.
pub(super) fn read_seed_demo(reader: &mut Reader<'_>, env: AppEnv) -> bool {
    let seed = reader.boolean("SEED_DEMO_STORE", env.is_private());
    if seed && env == AppEnv::Production {
        reader.mistake("SEED_DEMO_STORE", "true", "must be false in production: everybody knows the demo's passwords");
    }
    seed
}
