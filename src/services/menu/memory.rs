//! Menus kept in memory, each under its store and version.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::policy::EvictionPolicy;

use super::snapshot::MenuSnapshot;
use crate::database::Database;
use crate::error::{AppError, Result};
use crate::events::Hub;
use crate::models::StoreId;
use crate::repositories::menu_snapshot;

/// Bytes kept at most, about.
const CAPACITY: u64 = 64 << 20;

/// A menu that nobody read for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(10);

/// Menus kept in memory. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct MenuMemory {
    database: Database,
    hub: Hub,
    /// Under a version no menu is older than that version: it was read after the version was known.
    menus: Cache<(StoreId, i64), Arc<MenuSnapshot>>,
}

impl MenuMemory {
    pub(super) fn new(database: Database, hub: Hub) -> Self {
        let menus = Cache::builder()
            .time_to_idle(FORGOTTEN_AFTER)
            .max_capacity(CAPACITY)
            .weigher(|_, menu: &Arc<MenuSnapshot>| u32::try_from(menu.size()).unwrap_or(u32::MAX))
            // What a newer version made old goes first.
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { database, hub, menus }
    }

    /// The store's menu, at the version it is known to have.
    pub(super) async fn current(&self, store: StoreId) -> Result<Arc<MenuSnapshot>> {
        let version = self.hub.versions(store).await?.menu;
        if let Some(menu) = self.menus.get(&(store, version)).await {
            return Ok(menu);
        }
        // Requests that arrive together read it once; a failure is shared, its cause told to the log by each.
        let read = self.menus.try_get_with((store, version), self.read(store)).await;
        read.map_err(|error| AppError::caused_by(error.code, error))
    }

    /// The store's menu as it is in the database now, which everybody is given from here on.
    pub(super) async fn reload(&self, store: StoreId) -> Result<Arc<MenuSnapshot>> {
        let menu = self.read(store).await?;
        self.menus.insert((store, menu.version), Arc::clone(&menu)).await;
        Ok(menu)
    }

    async fn read(&self, store: StoreId) -> Result<Arc<MenuSnapshot>> {
        let mut connection = self.database.acquire().await?;
        let whole = menu_snapshot::read(connection.conn(), store).await?;
        drop(connection);
        let menu = Arc::new(MenuSnapshot::new(whole)?);
        self.hub.saw_menu(store, menu.version);
        Ok(menu)
    }
}
