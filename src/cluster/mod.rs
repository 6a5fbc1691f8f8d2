//! Cache invalidation between the instances on one database: which stores have new events, changed menus or revoked tokens.
//!
//! The database is the source of truth. Announcements (`NOTIFY`) only make changes visible sooner: a poll once a second
//! finds all that were missed, so a lost announcement costs a second. No instance waits for another. Events and streams are
//! in `events/`, which does not depend on this module; the caches themselves are in `services/` and `security/`. A file to
//! imitate: `publisher.rs`.

mod listener;
mod message;
mod poller;
mod publisher;
mod version_cache;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::version_cache::VersionCache;
use crate::database::Database;
use crate::error::Result;
use crate::events::{Hub, HubObserver, PendingPositions};
use crate::models::{StoreId, StorePosition};
use crate::telemetry::metrics::gauge;

pub use listener::LISTENER_NAME;
pub use poller::HistoryChanged;
pub use version_cache::StoreVersions;

/// Exchanges positions with the other instances. Clones share one state.
#[derive(Debug, Clone)]
pub struct Cluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    versions: VersionCache,
    to_announce: PendingPositions,
    /// Notified when announcements may have been missed, so that the poller runs at once.
    poll_now: Notify,
    is_listening: AtomicBool,
}

impl Cluster {
    /// Creates the connection to the other instances on `database`; [`run`](Self::run) starts it.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self(Arc::new(Inner {
            versions: VersionCache::new(database.clone()),
            database,
            to_announce: PendingPositions::default(),
            poll_now: Notify::new(),
            is_listening: AtomicBool::new(false),
        }))
    }

    /// Adds its metrics to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// The store's versions: at most two seconds old, and never older than the last change that this instance made or that
    /// was announced to it.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn versions(&self, store: StoreId) -> Result<StoreVersions> {
        self.0.versions.get(store).await
    }

    /// The store's menu version: `wanted` or a newer one. The current version, if `wanted` does not exist.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn menu_version(&self, store: StoreId, wanted: i64) -> Result<i64> {
        self.0.versions.menu(store, wanted).await
    }

    /// Records that the store's menu was read from the database at this version.
    pub fn saw_menu_version(&self, store: StoreId, menu_version: i64) {
        self.0.versions.advance(&StorePosition { menu_version, ..StorePosition::zero(store) });
    }

    /// Records and announces that a token of the store was revoked: every instance drops its cached token checks.
    pub fn access_changed(&self, store: StoreId, access_version: i64) {
        let position = StorePosition { access_version, ..StorePosition::zero(store) };
        self.0.versions.advance(&position);
        self.0.to_announce.put(position);
    }

    /// Exchanges positions with the other instances, and polls the database, until `stop` is cancelled. `listener` is
    /// the address for a separate `LISTEN` connection; without it, this instance only polls.
    ///
    /// # Errors
    /// [`HistoryChanged`]: the server must stop.
    pub async fn run(
        &self,
        hub: &Hub,
        listener: Option<PgConnectOptions>,
        stop: &CancellationToken,
    ) -> Result<(), HistoryChanged> {
        let announcements = async {
            if let Some(options) = listener {
                tokio::join!(publisher::run(self, stop), listener::run(self, hub, options, stop));
            } else {
                self.0.is_listening.store(true, Ordering::Relaxed);
            }
            Ok(())
        };
        tokio::try_join!(poller::run(self, hub, stop), announcements).map(|_| ())
    }

    /// Handles the announcement, by any instance, that a store is at `position`.
    fn position_announced(&self, hub: &Hub, position: StorePosition) {
        self.0.versions.advance(&position);
        hub.position_moved(position);
    }
}

impl HubObserver for Cluster {
    fn committed(&self, position: StorePosition) {
        self.0.to_announce.put(position);
    }

    fn menu_changed(&self, store: StoreId, menu_version: i64) {
        self.saw_menu_version(store, menu_version);
    }
}

impl Collector for Cluster {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let help = "1 if the listener for changes of other instances is connected, or EVENT_WAKE_UPS=false; else 0";
        let is_listening = self.0.is_listening.load(Ordering::Relaxed);
        gauge(&mut encoder, "hub_listening", help, u64::from(is_listening))
    }
}
