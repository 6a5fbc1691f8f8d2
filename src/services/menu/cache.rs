//! The cache of menus.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;

use super::snapshot::MenuSnapshot;
use crate::cluster::Cluster;
use crate::database::Database;
use crate::error::{AppError, Result};
use crate::models::StoreId;
use crate::repositories::menu;

/// The approximate capacity in bytes.
const CAPACITY: u64 = 64 << 20;

/// The time after which an unused menu is evicted. Older versions of a menu are evicted in the same way.
const TIME_TO_IDLE: Duration = Duration::from_mins(10);

/// Menus in memory, by store and version.
#[derive(Debug, Clone)]
pub(super) struct MenuCache {
    database: Database,
    cluster: Cluster,
    /// The key is the requested version; the menu has this version or a newer one.
    menus: Cache<(StoreId, i64), Arc<MenuSnapshot>>,
    loads: Counter,
}

impl MenuCache {
    pub(super) fn new(database: Database, cluster: Cluster) -> Self {
        let menus = Cache::builder()
            .weigher(|_, menu: &Arc<MenuSnapshot>| u32::try_from(menu.size()).unwrap_or(u32::MAX))
            .max_capacity(CAPACITY)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(TIME_TO_IDLE)
            .build();
        Self { database, cluster, menus, loads: Counter::default() }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("menu_loads", "Menus read from the database into the cache", self.loads.clone());
    }

    /// The store's menu, at its latest known version or a newer one.
    pub(super) async fn current(&self, store: StoreId) -> Result<Arc<MenuSnapshot>> {
        let version = self.cluster.versions(store).await?.menu;
        self.at_least(store, version).await
    }

    /// The store's menu, at `version`, which must exist, or a newer one.
    pub(super) async fn at_least(&self, store: StoreId, version: i64) -> Result<Arc<MenuSnapshot>> {
        let key = (store, version);
        if let Some(menu) = self.menus.get(&key).await {
            return Ok(menu);
        }
        // Concurrent requests share the query and its error. (Boxed: the future of a request whose menu is cached stays
        // small.)
        let menu = Box::pin(self.menus.try_get_with(key, self.read(store))).await;
        menu.map_err(|error| AppError::caused_by(error.code, error))
    }

    async fn read(&self, store: StoreId) -> Result<Arc<MenuSnapshot>> {
        self.loads.inc();
        let data = self.database.read(|conn| menu::read(conn, store).scope_boxed()).await?;
        self.cluster.saw_menu_version(store, data.version);
        Ok(Arc::new(MenuSnapshot::new(data)))
    }
}
