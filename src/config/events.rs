//! Events and the streams that carry them.

use std::time::Duration;

use super::reader::Reader;

/// The event streams' settings.
#[derive(Debug, Clone, Copy)]
pub struct StreamConfig {
    /// How often an idle stream sends a heartbeat.
    pub heartbeat: Duration,
    /// How long a stream may be open; `None` until its token expires.
    pub max_age: Option<Duration>,
    /// How many may be open.
    pub limits: StreamLimits,
}

/// How many streams may be open on this instance.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Of one device or login: its oldest stream is closed for one more.
    pub per_login: usize,
    /// Of one table.
    pub per_table: usize,
    /// Of one staff account.
    pub per_user: usize,
    /// Of one store.
    pub per_store: usize,
    /// In all.
    pub in_all: usize,
    /// How many percent of the last two are reserved for staff.
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

/// How instances learn of each other's events, and how long events are kept.
#[derive(Debug, Clone, Copy)]
pub struct EventConfig {
    /// Whether instances send each other `NOTIFY`; without it, each polls once a second.
    pub wake_ups: bool,
    /// How long events are kept for clients that were disconnected.
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
