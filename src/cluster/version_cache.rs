//! A cache of each store's menu version and access version. Cached menus and token checks are valid for one version.
//!
//! A version is valid for two seconds, counted from when the query that confirmed it was sent. The poll confirms it once a
//! second; announcements and this instance's own changes advance it at once. An expired version is read from the database.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use moka::{future, sync};
use scoped_futures::ScopedFutureExt;
use tokio::time::Instant;

use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{StoreId, StorePosition};
use crate::repositories::event;

/// How long a confirmed version is valid.
const TIME_TO_LIVE: Duration = Duration::from_secs(2);

/// A store without requests for this time is removed from the cache and not polled any more.
const TIME_TO_IDLE: Duration = Duration::from_mins(10);

/// The number of concurrent confirmations that requests can share. Above it, some queries run twice.
const MAX_IN_FLIGHT: u64 = 10_000;

/// The versions of one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreVersions {
    /// Increases with every change of a category or menu item.
    pub menu: i64,
    /// Increases whenever a token of the store may have been revoked.
    pub access: i64,
}

#[derive(Debug)]
pub(super) struct VersionCache {
    database: Database,
    stores: sync::Cache<StoreId, Arc<CachedVersions>>,
    /// The confirmations in progress.
    in_flight: future::Cache<StoreId, ()>,
    /// Instants are stored as nanoseconds since this one.
    origin: Instant,
}

#[derive(Debug, Default)]
pub(super) struct CachedVersions {
    menu: AtomicI64,
    access: AtomicI64,
    /// The time at which the newest confirming query was sent; 0 if there was none.
    confirmed_at: AtomicU64,
}

impl VersionCache {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            stores: sync::Cache::builder().time_to_idle(TIME_TO_IDLE).build(),
            in_flight: future::Cache::builder().time_to_live(TIME_TO_LIVE).max_capacity(MAX_IN_FLIGHT).build(),
            origin: Instant::now(),
        }
    }

    /// The versions of the store, at most two seconds old.
    pub(super) async fn get(&self, store: StoreId) -> Result<StoreVersions> {
        let now = self.nanoseconds(Instant::now());
        match self.valid(store, now) {
            Some(versions) => Ok(versions),
            // Boxed, so that the future stays small for requests whose versions are cached.
            None => Box::pin(self.confirmed_since(store, now)).await,
        }
    }

    /// The menu version of the store: `wanted` or a newer one, unless the database has only older ones.
    pub(super) async fn menu(&self, store: StoreId, wanted: i64) -> Result<i64> {
        let now = self.nanoseconds(Instant::now());
        match self.valid(store, now) {
            Some(versions) if versions.menu >= wanted => Ok(versions.menu),
            _ => Box::pin(self.confirmed_since(store, now)).await.map(|versions| versions.menu),
        }
    }

    fn valid(&self, store: StoreId, now: u64) -> Option<StoreVersions> {
        let cached = self.stores.get(&store)?;
        let confirmed_at = cached.confirmed_at.load(Ordering::Acquire);
        let expires_at = confirmed_at.saturating_add(nanoseconds(TIME_TO_LIVE));
        (confirmed_at > 0 && now < expires_at).then(|| cached.versions())
    }

    /// The versions of the store, confirmed by a query that was sent at `since` or later. Concurrent requests share it.
    async fn confirmed_since(&self, store: StoreId, since: u64) -> Result<StoreVersions> {
        loop {
            let cached = self.stores.get_with(store, Arc::default);
            if cached.confirmed_at.load(Ordering::Acquire) >= since {
                return Ok(cached.versions());
            }
            let confirmed = self.in_flight.try_get_with(store, self.read(store, &cached)).await;
            self.in_flight.invalidate(&store).await;
            confirmed.map_err(|error| AppError::caused_by(error.code, error))?;
        }
    }

    async fn read(&self, store: StoreId, cached: &CachedVersions) -> Result<()> {
        let asked_at = Instant::now();
        let read = self.database.read(|conn| async move { event::positions(conn, &[store]).await }.scope_boxed());
        let position = read.await?.into_iter().next().ok_or(ErrorCode::StoreNotFound)?;
        cached.confirm(&position, self.nanoseconds(asked_at));
        Ok(())
    }

    /// Records that the store is at `position` or a later one.
    pub(super) fn advance(&self, position: &StorePosition) {
        // Most announcements are of orders, which change neither version.
        if (position.menu_version > 0 || position.access_version > 0)
            && let Some(cached) = self.stores.get(&position.store_id)
        {
            cached.advance(position);
        }
    }

    /// All entries. Unlike a lookup by store, this does not count as a use, so that idle entries still expire.
    pub(super) fn entries(&self) -> HashMap<StoreId, Arc<CachedVersions>> {
        self.stores.iter().map(|(store, cached)| (*store, cached)).collect()
    }

    /// Records that a query sent at `asked_at` found the store of this entry at `position`.
    pub(super) fn confirm(&self, cached: &CachedVersions, position: &StorePosition, asked_at: Instant) {
        cached.confirm(position, self.nanoseconds(asked_at));
    }

    fn nanoseconds(&self, instant: Instant) -> u64 {
        nanoseconds(instant.duration_since(self.origin)) + 1
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl CachedVersions {
    pub(super) fn versions(&self) -> StoreVersions {
        StoreVersions { menu: self.menu.load(Ordering::Acquire), access: self.access.load(Ordering::Acquire) }
    }

    fn advance(&self, position: &StorePosition) {
        self.menu.fetch_max(position.menu_version, Ordering::AcqRel);
        self.access.fetch_max(position.access_version, Ordering::AcqRel);
    }

    fn confirm(&self, position: &StorePosition, asked_at: u64) {
        // Store the versions before the time: a thread that reads the new time then also reads the new versions.
        self.advance(position);
        self.confirmed_at.fetch_max(asked_at, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: StoreId = StoreId(1);

    fn at(menu_version: i64) -> StorePosition {
        StorePosition { menu_version, ..StorePosition::zero(STORE) }
    }

    fn cache() -> (VersionCache, Arc<CachedVersions>) {
        let cache = VersionCache::new(Database::unconnected());
        let entry = cache.stores.get_with(STORE, Arc::default);
        (cache, entry)
    }

    fn menu(cache: &VersionCache, now: Instant) -> Option<i64> {
        cache.valid(STORE, cache.nanoseconds(now)).map(|versions| versions.menu)
    }

    #[tokio::test]
    async fn a_version_is_valid_for_two_seconds_after_its_query() {
        let (cache, entry) = cache();
        let start = Instant::now();
        assert_eq!(menu(&cache, start), None, "not confirmed yet");
        cache.confirm(&entry, &at(5), start);
        assert_eq!(menu(&cache, start + TIME_TO_LIVE - Duration::from_millis(1)), Some(5));
        cache.advance(&at(6));
        assert_eq!(menu(&cache, start + TIME_TO_LIVE), None, "an announcement does not extend the validity");
    }

    #[tokio::test]
    async fn an_older_answer_does_not_lower_a_version() {
        let (cache, entry) = cache();
        let start = Instant::now();
        cache.advance(&at(6));
        cache.confirm(&entry, &at(5), start);
        assert_eq!(menu(&cache, start), Some(6));
    }

    #[tokio::test]
    async fn an_unconfirmed_version_is_read_from_the_database() {
        let (cache, entry) = cache();
        cache.confirm(&entry, &at(5), Instant::now());
        cache.database.close().await;
        assert_eq!(cache.get(STORE).await.unwrap().menu, 5, "cached");
        assert_eq!(cache.menu(STORE, 5).await.unwrap(), 5, "cached and new enough");
        assert_eq!(cache.menu(STORE, 6).await.unwrap_err().code, ErrorCode::ServiceUnavailable);
        assert_eq!(cache.get(StoreId(2)).await.unwrap_err().code, ErrorCode::ServiceUnavailable);
    }
}
