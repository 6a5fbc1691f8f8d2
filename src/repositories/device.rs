//! Devices: the tablets that are paired with a table.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{ErrorCode, Result};
use crate::models::{Device, DeviceId, DevicePage, Pairing, StoreId, TableId};
use crate::repositories::expect_one;

/// A device to pair.
#[derive(Debug, Clone, Copy)]
pub struct NewDevice {
    /// Its table.
    pub table: TableId,
    /// The table's token version.
    pub token_version: i32,
    /// The id of the renewed token, if that token has no device; `None` at a login.
    pub token_id: Option<Uuid>,
    /// When the device's first token expires.
    pub token_expires_at: DateTime<Utc>,
}

/// A device that was deleted because its table had too many devices.
#[derive(Debug, Clone, Copy)]
pub struct UnpairedDevice {
    /// The device.
    pub id: DeviceId,
    /// Whether it still had a valid token.
    pub had_valid_token: bool,
}

/// The condition for valid pairings.
#[derive(Debug, Clone, Copy)]
pub struct PairingCutoff {
    /// A pairing made at this time or later is valid.
    pub paired_since: DateTime<Utc>,
    /// An older pairing is valid if its last token expires after this time.
    pub now: DateTime<Utc>,
}

/// Selects the devices that are listed for users. `$tail` filters, sorts or locks them.
macro_rules! select_devices {
    ($tail:literal, $($bind:expr),*) => {
        sqlx::query_as!(
            Device,
            r#"SELECT d.id AS "id: DeviceId", d.table_id AS "table_id: TableId", t.table_number, d.paired_at,
                      d.last_seen_at
               FROM devices d JOIN tables t ON t.store_id = $1 AND t.id = d.table_id
               WHERE d.store_id = $1 AND d.revoked_at IS NULL AND d.token_version = t.token_version
                 AND t.deleted_at IS NULL AND (d.paired_at >= $2 OR d.token_expires_at > $3) "# + $tail,
            $($bind),*
        )
    };
}

/// Selects the data that a renewal needs, and locks the device against a concurrent revocation.
macro_rules! lock_pairing {
    ($condition:literal, $($bind:expr),*) => {
        sqlx::query_as!(
            Pairing,
            r#"SELECT id AS "id: DeviceId", paired_at, revoked_at, renewal_audited_at
               FROM devices WHERE store_id = $1 AND table_id = $2 AND "# + $condition + " FOR NO KEY UPDATE",
            $($bind),*
        )
    };
}

/// Pairs a device. Returns `None` if the renewed token already has a device.
pub async fn insert(
    conn: &mut PgConnection,
    store: StoreId,
    device: &NewDevice,
    now: DateTime<Utc>,
) -> Result<Option<DeviceId>> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO devices
             (store_id, table_id, token_version, token_id, paired_at, last_seen_at, token_expires_at)
           VALUES ($1, $2, $3, $4, $5, $5, $6)
           ON CONFLICT (store_id, token_id) WHERE token_id IS NOT NULL DO NOTHING
           RETURNING id AS "id: DeviceId""#,
        store.0,
        device.table.0,
        device.token_version,
        device.token_id,
        now,
        device.token_expires_at
    )
    .fetch_optional(conn)
    .await?)
}

/// Reads the table's device and locks it against a revocation.
pub async fn lock(
    conn: &mut PgConnection,
    store: StoreId,
    table: TableId,
    device: DeviceId,
) -> Result<Option<Pairing>> {
    Ok(lock_pairing!("id = $3", store.0, table.0, device.0).fetch_optional(conn).await?)
}

/// Like [`lock`], for the device that was paired for the token `token_id`.
pub async fn lock_by_token(
    conn: &mut PgConnection,
    store: StoreId,
    table: TableId,
    token_id: Uuid,
) -> Result<Option<Pairing>> {
    Ok(lock_pairing!("token_id = $3", store.0, table.0, token_id).fetch_optional(conn).await?)
}

/// Records that a device got a new token.
///
/// # Errors
/// `DEVICE_NOT_FOUND`.
pub async fn renew(
    conn: &mut PgConnection,
    store: StoreId,
    pairing: &Pairing,
    now: DateTime<Utc>,
    token_expires_at: DateTime<Utc>,
) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE devices
         SET last_seen_at = $3, token_expires_at = greatest(token_expires_at, $4), renewal_audited_at = $5
         WHERE store_id = $1 AND id = $2",
        store.0,
        pairing.id.0,
        now,
        token_expires_at,
        pairing.renewal_audited_at
    )
    .execute(conn)
    .await?;
    expect_one(&result, ErrorCode::DeviceNotFound)
}

/// Records that devices were seen, except those that were already seen after `recently`. It may change no row, because a
/// device may be unpaired.
pub async fn mark_seen(
    conn: &mut PgConnection,
    store: StoreId,
    devices: &[DeviceId],
    now: DateTime<Utc>,
    recently: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE devices SET last_seen_at = $3 WHERE store_id = $1 AND id = ANY($2) AND last_seen_at <= $4",
        store.0,
        devices as &[DeviceId],
        now,
        recently
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes all devices of the table except the `keep` that were seen last. The new device `paired` is always kept, even if
/// the clock went back. Devices in use come next: those that were seen after their pairing and since `used_since`. So many
/// logins with the password do not displace them. Devices that were revoked, or paired with an older password, are counted
/// separately, so that they displace no others. A revoked device that was paired for a token without a device is kept until that token expires,
/// because its row is the only record of the revocation.
pub async fn unpair_least_recent(
    conn: &mut PgConnection,
    store: StoreId,
    paired: (DeviceId, &NewDevice),
    keep: i64,
    used_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<UnpairedDevice>> {
    let (paired, NewDevice { table, token_version, .. }) = paired;
    Ok(sqlx::query_as!(
        UnpairedDevice,
        r#"DELETE FROM devices
           WHERE store_id = $1 AND id IN (
             SELECT id FROM (
               SELECT id, row_number() OVER (PARTITION BY revoked_at IS NULL AND token_version = $3
                                             ORDER BY id = $6 DESC,
                                                      last_seen_at > greatest(paired_at, $7) DESC,
                                                      last_seen_at DESC, id DESC) AS place
               FROM devices
               WHERE store_id = $1 AND table_id = $2
                 AND (token_id IS NULL OR revoked_at IS NULL OR token_expires_at <= $5)
             ) ranked
             WHERE place > $4)
           RETURNING id AS "id: DeviceId",
                     (revoked_at IS NULL AND token_version = $3 AND token_expires_at > $5) AS "had_valid_token!""#,
        store.0,
        table.0,
        token_version,
        keep,
        now,
        paired.0,
        used_since
    )
    .fetch_all(conn)
    .await?)
}

/// The store's devices, the last seen first: at most one more than the page's limit.
pub async fn list(
    conn: &mut PgConnection,
    store: StoreId,
    cutoff: PairingCutoff,
    page: &DevicePage,
) -> Result<Vec<Device>> {
    Ok(select_devices!(
        "AND ($4::timestamptz IS NULL OR (d.last_seen_at, d.id) < ($4, $5))
         ORDER BY d.last_seen_at DESC, d.id DESC LIMIT $6",
        store.0,
        cutoff.paired_since,
        cutoff.now,
        page.below.map(|last| last.last_seen_at),
        page.below.map(|last| last.id.0),
        page.limit.and_one_more()
    )
    .fetch_all(conn)
    .await?)
}

/// Reads the device and locks it against a renewal.
///
/// # Errors
/// `DEVICE_NOT_FOUND`.
pub async fn lock_for_staff(
    conn: &mut PgConnection,
    store: StoreId,
    cutoff: PairingCutoff,
    device: DeviceId,
) -> Result<Device> {
    let device =
        select_devices!("AND d.id = $4 FOR NO KEY UPDATE OF d", store.0, cutoff.paired_since, cutoff.now, device.0);
    device.fetch_optional(conn).await?.ok_or_else(|| ErrorCode::DeviceNotFound.into())
}

/// Revokes a device. Its row is kept, so that renewals are refused with the right reason.
///
/// # Errors
/// `DEVICE_NOT_FOUND`.
pub async fn revoke(conn: &mut PgConnection, store: StoreId, device: DeviceId, now: DateTime<Utc>) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE devices SET revoked_at = $3 WHERE store_id = $1 AND id = $2 AND revoked_at IS NULL",
        store.0,
        device.0,
        now
    )
    .execute(conn)
    .await?;
    expect_one(&result, ErrorCode::DeviceNotFound)
}

/// Deletes at most `limit` of the store's devices whose pairing has expired. Skips those that another instance is deleting.
/// Returns the number of deleted devices.
pub async fn delete_old(conn: &mut PgConnection, store: StoreId, cutoff: PairingCutoff, limit: i64) -> Result<u64> {
    let result = sqlx::query!(
        "DELETE FROM devices
         WHERE store_id = $1 AND id IN (
           SELECT id FROM devices WHERE store_id = $1 AND paired_at < $2 AND token_expires_at <= $3
           LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED)",
        store.0,
        cutoff.paired_since,
        cutoff.now,
        limit
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}
