//! The menus in memory, the newest of each store.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache as Reads;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use scoped_futures::ScopedFutureExt;

use super::snapshot::MenuSnapshot;
use crate::database::Database;
use crate::error::{AppError, Result};
use crate::events::Hub;
use crate::models::StoreId;
use crate::repositories::menu;

/// Bytes kept at most, about, and a guess at how many menus that is.
const CAPACITY: u64 = 64 << 20;
const MENUS: usize = 1_000;

/// Menus being read that are read once for all who ask, and for how long; beyond, some are read twice.
const READS: u64 = 1_000;
const READ_LASTS: Duration = Duration::from_secs(2);

/// The menus in memory.
#[derive(Debug, Clone)]
pub(super) struct MenuCache {
    database: Database,
    hub: Hub,
    menus: Arc<Cache<StoreId, Arc<MenuSnapshot>, Size>>,
    /// Under the version that was asked for: what is read for it is at least as new.
    reads: Reads<(StoreId, i64), Arc<MenuSnapshot>>,
    loads: Counter,
}

/// Weighs menus by their size.
#[derive(Debug, Clone)]
struct Size;

impl Weighter<StoreId, Arc<MenuSnapshot>> for Size {
    fn weight(&self, _: &StoreId, menu: &Arc<MenuSnapshot>) -> u64 {
        menu.size() as u64
    }
}

impl MenuCache {
    pub(super) fn new(database: Database, hub: Hub) -> Self {
        let menus = Arc::new(Cache::with_weighter(MENUS, CAPACITY, Size));
        let reads = Reads::builder().time_to_live(READ_LASTS).max_capacity(READS).build();
        Self { database, hub, menus, reads, loads: Counter::default() }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("menu_loads", "Menus read from the database into the cache", self.loads.clone());
    }

    /// The store's menu, at the version it is known to have or a newer one.
    pub(super) async fn current(&self, store: StoreId) -> Result<Arc<MenuSnapshot>> {
        let version = self.hub.versions(store).await?.menu;
        self.at_least(store, version).await
    }

    /// The store's menu, at `version` or a newer one.
    pub(super) async fn at_least(&self, store: StoreId, version: i64) -> Result<Arc<MenuSnapshot>> {
        if let Some(menu) = self.menus.get(&store)
            && menu.version >= version
        {
            return Ok(menu);
        }
        // Requests that arrive together read it once; a failure is shared, its cause logged by each. (Boxed,
        // since it is rare: every request would have its room otherwise.)
        let read = Box::pin(self.reads.try_get_with((store, version), self.read(store))).await;
        let menu = read.map_err(|error| AppError::caused_by(error.code, error))?;
        self.menus.insert(store, Arc::clone(&menu));
        Ok(menu)
    }

    async fn read(&self, store: StoreId) -> Result<Arc<MenuSnapshot>> {
        self.loads.inc();
        let data = self.database.read(|conn| menu::read(conn, store).scope_boxed()).await?;
        let menu = Arc::new(MenuSnapshot::new(data)?);
        self.hub.saw_menu(store, menu.version);
        Ok(menu)
    }
}
