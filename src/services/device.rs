//! Devices: tablets that a login with the table's password has paired, and that get new tokens without it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use crate::clock::Clock;
use crate::config::DeviceConfig;
use crate::database::{Connection, Database, retention};
use crate::error::{AppError, ErrorCode, Limit, Result};
use crate::events::Hub;
use crate::models::{
    Actor, AuditAction, Device, DeviceCursor, DeviceId, DevicePage, NewAuditEntry, Pairing, StoreId, Table, TableId,
};
use crate::repositories::device::{self, NewDevice, PairingCutoff, UnpairedDevice};
use crate::repositories::{event, store, table};
use crate::security::access::TokenChecker;
use crate::security::rate::RateLimit;
use crate::security::token::{Claims, RenewableToken};
use crate::services::audit;

/// The minimum interval between audit entries about renewals of one device.
const AUDIT_INTERVAL: TimeDelta = TimeDelta::days(1);

/// The precision of `last_seen_at` while a device has a stream.
const SEEN_INTERVAL: Duration = Duration::from_mins(10);

/// Pairs, lists and revokes devices.
#[derive(Debug, Clone)]
pub struct DeviceService {
    database: Database,
    access: TokenChecker,
    clock: Clock,
    config: DeviceConfig,
    renewals: Arc<RateLimit<(StoreId, TableId, Option<DeviceId>)>>,
}

/// A page of devices.
#[derive(Debug)]
pub struct DeviceList {
    /// The devices, most recently seen first.
    pub devices: Vec<Device>,
    /// The cursor of the next page, if there is one.
    pub next: Option<DeviceCursor>,
}

/// A new device, and the devices of its table that were unpaired because of the limit.
#[derive(Debug)]
struct Paired {
    id: DeviceId,
    unpaired: Vec<UnpairedDevice>,
}

impl DeviceService {
    /// The service for `database`. `access` is notified of revoked tokens.
    #[must_use]
    pub fn new(database: Database, access: TokenChecker, clock: Clock, config: DeviceConfig) -> Self {
        let renewals = Arc::new(RateLimit::per_minute(Limit::DeviceRenewals, config.renewals_per_minute));
        Self { database, access, clock, config, renewals }
    }

    /// A page of the store's devices, most recently seen first.
    pub async fn list(&self, store: StoreId, page: &DevicePage) -> Result<DeviceList> {
        let cutoff = self.cutoff(self.clock.now())?;
        let listed = self.database.read(|conn| device::list(conn, store, cutoff, page).scope_boxed());
        let mut devices = listed.await?;
        let has_more = devices.len() > page.limit.get();
        devices.truncate(page.limit.get());
        Ok(DeviceList { next: devices.last().filter(|_| has_more).map(DeviceCursor::from), devices })
    }

    /// Revokes a device and its tokens. It gets new tokens only with the password.
    ///
    /// # Errors
    /// `DEVICE_NOT_FOUND`.
    pub async fn revoke(&self, store: StoreId, by: &Actor, id: DeviceId) -> Result<()> {
        let now = self.clock.now();
        let cutoff = self.cutoff(now)?;
        let revoked = self.database.transaction(store, |tx| {
            async move {
                let device = device::lock_for_staff(tx, store, cutoff, id).await?;
                device::revoke(tx, store, id, now).await?;
                let entry = NewAuditEntry::new(AuditAction::DeviceRevoked, id.0).before(&device);
                audit::record(tx, store, by, &entry.after(json!({"revoked_at": now})), now).await?;
                event::raise_access_version(tx, store).await
            }
            .scope_boxed()
        });
        self.access.revoked(store, revoked.await?);
        Ok(())
    }

    /// Pairs a device that logged in with the table's password, and records the login. `None` if the table was deleted
    /// or got a new password in the meantime.
    pub(super) async fn pair(
        &self,
        store: StoreId,
        table: &Table,
        by: &Actor,
        token_expires_at: DateTime<Utc>,
    ) -> Result<Option<DeviceId>> {
        let now = self.clock.now();
        let new = NewDevice { table: table.id, token_version: table.token_version, token_id: None, token_expires_at };
        let paired = self.database.transaction(store, |tx| {
            async move {
                if !lock_unchanged(tx, store, table).await? {
                    return Ok(None);
                }
                let paired = self.insert(tx, store, &new, now).await?.ok_or(ErrorCode::InternalError)?;
                let entry = NewAuditEntry::new(AuditAction::TableLogin, table.id.0).after(paired.summary());
                audit::record(tx, store, by, &entry, now).await?;
                Ok(Some((paired.id, paired.revoke_unpaired(tx, store).await?)))
            }
            .scope_boxed()
        });
        let Some((device, access_version)) = paired.await? else { return Ok(None) };
        self.publish(store, access_version);
        Ok(Some(device))
    }

    /// Counts a renewal of this token: each one writes to the database.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS`.
    pub(super) fn check_renewal_rate(&self, claims: &Claims) -> Result<()> {
        self.renewals.check(&(claims.store, TableId(claims.sub), claims.device))
    }

    /// Checks that the device of `token` may have a new one, and records the renewal. A token issued before devices
    /// existed gets a device, the same one each time.
    ///
    /// # Errors
    /// `DEVICE_REVOKED`; `TOKEN_EXPIRED` if the tablet must log in with the password; `INVALID_TOKEN` if the table was
    /// deleted or got a new password in the meantime.
    pub(super) async fn renew(
        &self,
        store: StoreId,
        table: &Table,
        token: &RenewableToken,
        by: &Actor,
        token_expires_at: DateTime<Utc>,
    ) -> Result<DeviceId> {
        let now = self.clock.now();
        let cutoff = self.cutoff(now)?;
        let renewed = self.database.transaction(store, |tx| {
            async move {
                let (mut pairing, paired) = match token.claims.device {
                    Some(id) => (device::lock(tx, store, table.id, id).await?.ok_or(ErrorCode::TokenExpired)?, None),
                    None if token.is_expired => return Err(ErrorCode::TokenExpired.into()),
                    None => self.pair_for_token(tx, store, table, &token.claims, now).await?,
                };
                if pairing.revoked_at.is_some() {
                    return Err(ErrorCode::DeviceRevoked.into());
                }
                if pairing.paired_at < cutoff.paired_since {
                    return Err(ErrorCode::TokenExpired.into());
                }
                if pairing.renewal_audited_at.is_none_or(|at| at + AUDIT_INTERVAL <= now) {
                    pairing.renewal_audited_at = Some(now);
                    let mut entry = NewAuditEntry::new(AuditAction::DeviceRenewed, pairing.id.0);
                    entry.after = paired.as_ref().map(Paired::summary);
                    audit::record(tx, store, by, &entry, now).await?;
                }
                device::renew(tx, store, &pairing, now, token_expires_at).await?;
                let access_version = match paired {
                    Some(paired) => paired.revoke_unpaired(tx, store).await?,
                    None => None,
                };
                Ok((pairing.id, access_version))
            }
            .scope_boxed()
        });
        let (device, access_version) = renewed.await?;
        self.publish(store, access_version);
        Ok(device)
    }

    /// The device of a token without one in its claims: the device it got before, or a new one.
    async fn pair_for_token(
        &self,
        tx: &mut Connection,
        store: StoreId,
        table: &Table,
        claims: &Claims,
        now: DateTime<Utc>,
    ) -> Result<(Pairing, Option<Paired>)> {
        if !lock_unchanged(tx, store, table).await? {
            return Err(ErrorCode::InvalidToken.into());
        }
        let new = NewDevice {
            table: table.id,
            token_version: table.token_version,
            token_id: Some(claims.jti),
            token_expires_at: claims.expires_at(),
        };
        let paired = self.insert(tx, store, &new, now).await?;
        let pairing = device::lock_by_token(tx, store, table.id, claims.jti).await?;
        Ok((pairing.ok_or(ErrorCode::InvalidToken)?, paired))
    }

    /// Adds a device to a locked table and unpairs devices beyond the limit. `None` if its token already has a device.
    async fn insert(
        &self,
        tx: &mut Connection,
        store: StoreId,
        new: &NewDevice,
        now: DateTime<Utc>,
    ) -> Result<Option<Paired>> {
        let Some(id) = device::insert(tx, store, new, now).await? else { return Ok(None) };
        let unpaired =
            device::unpair_least_recent(tx, store, (id, new), self.config.per_table, now - SEEN_INTERVAL * 2, now)
                .await?;
        Ok(Some(Paired { id, unpaired }))
    }

    /// Records in the background that the device of this token was seen.
    pub(super) fn mark_seen(&self, claims: &Claims) {
        let (Some(device), store) = (claims.device, claims.store) else { return };
        let this = self.clone();
        tokio::spawn(async move {
            let recently = this.clock.now() - SEEN_INTERVAL;
            this.store_seen(store, &[device], recently).await;
        });
    }

    /// Records the devices with an open stream as seen, every ten minutes. Otherwise a tablet whose stream stays open all day
    /// would look unused and be unpaired first. It never returns.
    pub async fn run_seen(&self, hub: &Hub) {
        loop {
            tokio::time::sleep(SEEN_INTERVAL).await;
            self.mark_connected(hub).await;
        }
    }

    /// Records the devices with an open stream on this instance as seen.
    pub async fn mark_connected(&self, hub: &Hub) {
        for (store, devices) in hub.devices() {
            if !devices.is_empty() {
                self.store_seen(store, &devices, self.clock.now()).await;
            }
        }
    }

    /// Records the devices as seen, except those that were already seen after `recently`.
    async fn store_seen(&self, store: StoreId, devices: &[DeviceId], recently: DateTime<Utc>) {
        let now = self.clock.now();
        let seen = self.database.write(|conn| device::mark_seen(conn, store, devices, now, recently).scope_boxed());
        if let Err(error) = seen.await {
            tracing::warn!(%error, "could not store when a device was last seen");
        }
    }

    /// Deletes devices whose pairing is too old, at once and then every hour. It never returns.
    pub async fn run_retention(&self) {
        retention::run("devices", || self.prune()).await;
    }

    /// Deletes the devices of every store whose pairing is too old and whose last token has expired, and returns their
    /// number.
    pub async fn prune(&self) -> Result<u64> {
        let cutoff = self.cutoff(self.clock.now())?;
        let stores = self.database.read(|conn| store::ids(conn).scope_boxed()).await?;
        let mut pruned = 0;
        for store in stores {
            let prune_batch =
                || self.database.write(|conn| device::delete_old(conn, store, cutoff, retention::BATCH).scope_boxed());
            pruned += retention::in_batches(prune_batch).await?;
        }
        Ok(pruned)
    }

    fn cutoff(&self, now: DateTime<Utc>) -> Result<PairingCutoff> {
        let lifetime = TimeDelta::from_std(self.config.pairing_lifetime).map_err(AppError::internal)?;
        Ok(PairingCutoff { paired_since: now - lifetime, now })
    }

    fn publish(&self, store: StoreId, access_version: Option<i64>) {
        if let Some(access_version) = access_version {
            self.access.revoked(store, access_version);
        }
    }
}

impl Paired {
    /// The description for the audit log.
    fn summary(&self) -> serde_json::Value {
        let unpaired: Vec<DeviceId> = self.unpaired.iter().map(|device| device.id).collect();
        json!({"device_id": self.id, "unpaired_device_ids": unpaired})
    }

    /// Increments the store's access version, but only if an unpaired device had a valid token: each increment makes
    /// every instance check all tokens of the store again.
    async fn revoke_unpaired(&self, tx: &mut Connection, store: StoreId) -> Result<Option<i64>> {
        if !self.unpaired.iter().any(|device| device.had_valid_token) {
            return Ok(None);
        }
        event::raise_access_version(tx, store).await.map(Some)
    }
}

/// Locks a table against changes and other pairings. `false` if it was deleted or got a new password since it was read.
async fn lock_unchanged(tx: &mut Connection, store: StoreId, table: &Table) -> Result<bool> {
    match table::lock(tx, store, table.id).await {
        Ok(current) => Ok(current.token_version == table.token_version),
        Err(AppError { code: ErrorCode::TableNotFound, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
