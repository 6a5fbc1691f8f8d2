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
    /// How many streams one device or login may have; its oldest is closed for one more.
    pub max_per_login: usize,
    /// How many streams one table may have.
    pub max_per_table: usize,
    /// How many streams one staff account may have.
    pub max_per_user: usize,
    /// How many streams one store may have on this instance.
    pub max_per_store: usize,
    /// How many streams this instance may have.
    pub max_in_all: usize,
    /// How many percent of these places are reserved for staff.
    pub staff_percent: usize,
}

impl StreamConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let max_age = reader.number("SSE_MAX_AGE_SECONDS", 0, 0, 7 * 86_400);
        Self {
            heartbeat: reader.seconds("SSE_HEARTBEAT_INTERVAL", 15, 600),
            max_age: (max_age > 0).then(|| Duration::from_secs(max_age)),
            max_per_login: reader.number("SSE_MAX_CONNECTIONS_PER_LOGIN", 3, 1, 1_000_000),
            max_per_table: reader.number("SSE_MAX_CONNECTIONS_PER_TABLE", 40, 1, 1_000_000),
            max_per_user: reader.number("SSE_MAX_CONNECTIONS_PER_USER", 30, 1, 1_000_000),
            max_per_store: reader.number("SSE_MAX_CONNECTIONS_PER_STORE", 500, 1, 1_000_000),
            max_in_all: reader.number("SSE_MAX_CONNECTIONS", 20_000, 1, 1_000_000),
            staff_percent: reader.number("SSE_RESERVED_FOR_STAFF_PERCENT", 25, 0, 100),
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
