//! Events and their streams.

use std::time::Duration;

use super::reader::Reader;

/// The event streams' settings.
#[derive(Debug, Clone, Copy)]
pub struct StreamConfig {
    /// The interval of heartbeats on an idle stream.
    pub heartbeat: Duration,
    /// The maximum age of a stream; `None` means until its token expires.
    pub max_age: Option<Duration>,
    /// The limits of open streams.
    pub limits: StreamLimits,
}

/// The limits of open streams on this instance.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// For each device or login. A further stream closes the oldest one.
    pub per_login: usize,
    /// For each table.
    pub per_table: usize,
    /// For each user.
    pub per_user: usize,
    /// For each store.
    pub per_store: usize,
    /// For all together.
    pub in_all: usize,
    /// The percentage of `per_store` and `in_all` that is reserved for users.
    pub staff_percent: usize,
}

impl StreamConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let max_age = reader.number("SSE_MAX_AGE_SECONDS", 0, 0, 7 * 86_400);
        Self {
            heartbeat: reader.seconds("SSE_HEARTBEAT_INTERVAL", 15, 600),
            max_age: (max_age > 0).then(|| Duration::from_secs(max_age)),
            limits: StreamLimits {
                per_login: reader.number("SSE_MAX_CONNECTIONS_PER_LOGIN", 3, 1, 1_000_000),
                per_table: reader.number("SSE_MAX_CONNECTIONS_PER_TABLE", 40, 1, 1_000_000),
                per_user: reader.number("SSE_MAX_CONNECTIONS_PER_USER", 30, 1, 1_000_000),
                per_store: reader.number("SSE_MAX_CONNECTIONS_PER_STORE", 500, 1, 1_000_000),
                in_all: reader.number("SSE_MAX_CONNECTIONS", 20_000, 1, 1_000_000),
                staff_percent: reader.number("SSE_RESERVED_FOR_STAFF_PERCENT", 25, 0, 100),
            },
        }
    }
}

/// The announcement of events between instances, and their retention.
#[derive(Debug, Clone, Copy)]
pub struct EventConfig {
    /// Whether instances announce changes by `NOTIFY`. If not, each instance only polls once a second.
    pub wake_ups: bool,
    /// How long events are kept, so that clients can resume their streams.
    pub retention: Duration,
}

impl EventConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            wake_ups: reader.boolean("EVENT_WAKE_UPS", true),
            retention: Duration::from_hours(24 * reader.number("EVENT_RETENTION_DAYS", 7, 1, 3_650)),
        }
    }
}
