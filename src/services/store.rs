//! Stores: their settings, and making one.

use std::time::Duration;

use moka::future::Cache;

use crate::clock::Clock;
use crate::database::{Database, Transaction};
use crate::error::Result;
use crate::models::{BusinessCalendar, Store, StoreCode, StoreId};
use crate::repositories::store;

/// How long a store's settings (its name, its time zone) are believed.
const BELIEVED_FOR: Duration = Duration::from_secs(10);

/// Stores kept in memory at most.
const CAPACITY: u64 = 20_000;

/// Stores' settings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StoreService {
    database: Database,
    cache: Cache<StoreId, Store>,
}

impl StoreService {
    /// Settings read from `database`, remembered for seconds.
    #[must_use]
    pub fn new(database: Database) -> Self {
        let cache = Cache::builder().time_to_live(BELIEVED_FOR).max_capacity(CAPACITY).build();
        Self { database, cache }
    }

    /// The store's settings.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn get(&self, id: StoreId) -> Result<Store> {
        if let Some(store) = self.cache.get(&id).await {
            return Ok(store);
        }
        let store = store::get(self.database.acquire().await?.conn(), id).await?;
        self.cache.insert(id, store.clone()).await;
        Ok(store)
    }
}

/// Makes a store and the row its data hangs from.
pub(super) async fn create(
    tx: &mut Transaction,
    code: &StoreCode,
    name: &str,
    calendar: &BusinessCalendar,
    clock: &Clock,
) -> Result<StoreId> {
    let id = store::insert(tx.conn(), code, name, calendar, clock.now()).await?;
    store::insert_stream(tx.conn(), id).await?;
    Ok(id)
}
