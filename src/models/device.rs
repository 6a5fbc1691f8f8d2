//! Tablets that were paired with their tables.

use chrono::{DateTime, Utc};

use super::{DeviceId, PageLimit, TableId};

/// A paired tablet as the staff see it.
#[derive(Debug, Clone)]
pub struct Device {
    /// The device's id.
    pub id: DeviceId,
    /// Its table.
    pub table_id: TableId,
    /// The number on that table.
    pub table_number: i32,
    /// When it logged in with the password.
    pub paired_at: DateTime<Utc>,
    /// When it was last seen, to the hour while it goes on.
    pub last_seen_at: DateTime<Utc>,
}

/// What decides whether a device's token is renewed.
#[derive(Debug, Clone)]
pub struct Pairing {
    /// The device.
    pub id: DeviceId,
    /// When it logged in with the password.
    pub paired_at: DateTime<Utc>,
    /// When staff revoked it.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When a renewal was last written to the audit log.
    pub renewal_audited_at: Option<DateTime<Utc>>,
}

/// A device's place in the list of all, newest seen first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DevicePlace {
    /// When it was last seen.
    pub last_seen_at: DateTime<Utc>,
    /// Its id, for those that were seen at the same moment.
    pub id: DeviceId,
}

/// Which part of the list of devices is asked for, newest seen first.
#[derive(Debug, Clone, Copy, Default)]
pub struct DevicePage {
    /// How many devices at most.
    pub limit: PageLimit,
    /// Go on below this place.
    pub below: Option<DevicePlace>,
}

impl From<&Device> for DevicePlace {
    fn from(device: &Device) -> Self {
        Self { last_seen_at: device.last_seen_at, id: device.id }
    }
}
