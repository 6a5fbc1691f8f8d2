//! Devices: tablets that are paired with a table.

use chrono::{DateTime, Utc};

use super::{DeviceId, PageLimit, TableId};

/// A paired tablet, as the dashboard lists it.
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
    /// When it was last seen. An open stream updates it every ten minutes.
    pub last_seen_at: DateTime<Utc>,
}

/// The state that decides whether a device's token is renewed.
#[derive(Debug, Clone)]
pub struct Pairing {
    /// The device.
    pub id: DeviceId,
    /// When it logged in with the password.
    pub paired_at: DateTime<Utc>,
    /// When a user revoked it.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When a renewal was last written to the audit log.
    pub renewal_audited_at: Option<DateTime<Utc>>,
}

/// A position in the list of devices, which is sorted by `last_seen_at`, most recent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceCursor {
    /// When it was last seen.
    pub last_seen_at: DateTime<Utc>,
    /// Its id, which breaks ties of `last_seen_at`.
    pub id: DeviceId,
}

/// A page of the list of devices, most recently seen first.
#[derive(Debug, Clone, Copy, Default)]
pub struct DevicePage {
    /// The maximum number of devices.
    pub limit: PageLimit,
    /// Only devices after this position.
    pub below: Option<DeviceCursor>,
}

impl From<&Device> for DeviceCursor {
    fn from(device: &Device) -> Self {
        Self { last_seen_at: device.last_seen_at, id: device.id }
    }
}
