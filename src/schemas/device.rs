//! Paired tablets.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::limit;
use crate::error::{ErrorCode, Result};
use crate::models::{Device, DeviceCursor, DeviceId, DevicePage, TableId};
use crate::services::DeviceList;

/// A page of the devices.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeviceQuery {
    /// The maximum number of devices.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the previous page.
    #[param(example = "1763607600000000-7")]
    cursor: Option<String>,
}

impl DeviceQuery {
    /// Converts the query into a model.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` for a limit out of range or an invalid cursor.
    pub fn page(&self) -> Result<DevicePage> {
        let cursor = self.cursor.as_deref().filter(|cursor| !cursor.is_empty());
        let below = cursor.map(|cursor| parse_cursor(cursor).ok_or(ErrorCode::MalformedRequest)).transpose()?;
        Ok(DevicePage { limit: limit(self.limit)?, below })
    }
}

/// Parses a cursor: the time in microseconds at which a device was last seen, and its id.
fn parse_cursor(cursor: &str) -> Option<DeviceCursor> {
    let (microseconds, id) = cursor.split_once('-')?;
    let last_seen_at = DateTime::from_timestamp_micros(microseconds.parse().ok()?)?;
    Some(DeviceCursor { last_seen_at, id: DeviceId(id.parse().ok()?) })
}

fn format_cursor(cursor: DeviceCursor) -> String {
    format!("{}-{}", cursor.last_seen_at.timestamp_micros(), cursor.id)
}

/// A paired tablet.
#[derive(Serialize, ToSchema)]
pub struct DeviceResponse {
    /// The device's id.
    pub id: DeviceId,
    /// Its table.
    pub table_id: TableId,
    /// The number on that table.
    #[schema(example = 3)]
    pub table_number: i32,
    /// When it logged in with the table's password.
    pub paired_at: DateTime<Utc>,
    /// When it last logged in, renewed its token or opened a stream. An open stream updates this time every ten minutes.
    pub last_seen_at: DateTime<Utc>,
}

impl From<Device> for DeviceResponse {
    fn from(device: Device) -> Self {
        Self {
            id: device.id,
            table_id: device.table_id,
            table_number: device.table_number,
            paired_at: device.paired_at,
            last_seen_at: device.last_seen_at,
        }
    }
}

/// A page of the paired tablets.
#[derive(Serialize, ToSchema)]
pub struct DeviceListResponse {
    /// The devices, most recently seen first.
    pub devices: Vec<DeviceResponse>,
    /// The `cursor` of the next page; `null` on the last page.
    #[schema(required, example = "1763607600000000-7")]
    pub next_cursor: Option<String>,
}

impl From<DeviceList> for DeviceListResponse {
    fn from(list: DeviceList) -> Self {
        Self {
            devices: list.devices.into_iter().map(DeviceResponse::from).collect(),
            next_cursor: list.next.map(format_cursor),
        }
    }
}
