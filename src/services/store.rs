//! Stores: reading their settings and creating one.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::future::Cache;
use scoped_futures::ScopedFutureExt;

use crate::clock::Clock;
use crate::database::{Connection, Database};
use crate::error::Result;
use crate::models::{BusinessCalendar, Role, Store, StoreCode, StoreId, User, Username};
use crate::repositories::{setup, store, user};
use crate::security::password::Passwords;

/// The TTL of cached settings (name, time zone).
const TIME_TO_LIVE: Duration = Duration::from_secs(10);

/// The maximum number of cached stores.
const CAPACITY: u64 = 20_000;

/// Reads store settings through a cache, and creates stores.
#[derive(Debug, Clone)]
pub struct StoreService {
    database: Database,
    passwords: Passwords,
    clock: Clock,
    cache: Cache<StoreId, Arc<Store>>,
}

/// A store to create.
pub struct NewStore {
    /// The code it logs in with.
    pub code: StoreCode,
    /// The name that guests see.
    pub name: String,
    /// Its time zone and the start of its business day.
    pub calendar: BusinessCalendar,
    /// The username of its owner.
    pub owner: Username,
    /// The owner's password.
    pub owner_password: String,
}

impl StoreService {
    /// The service for `database`.
    #[must_use]
    pub fn new(database: Database, passwords: Passwords, clock: Clock) -> Self {
        let cache = Cache::builder().time_to_live(TIME_TO_LIVE).max_capacity(CAPACITY).build();
        Self { database, passwords, clock, cache }
    }

    /// The store's settings.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn get(&self, id: StoreId) -> Result<Arc<Store>> {
        if let Some(store) = self.cache.get(&id).await {
            return Ok(store);
        }
        let store = Arc::new(self.database.read(|conn| store::get(conn, id).scope_boxed()).await?);
        self.cache.insert(id, Arc::clone(&store)).await;
        Ok(store)
    }

    /// Every store, by code.
    pub async fn list(&self) -> Result<Vec<Store>> {
        self.database.read(|conn| store::list(conn).scope_boxed()).await
    }

    /// Creates a store with its owner. The code for the set-up of a first store is withdrawn.
    ///
    /// # Errors
    /// `DUPLICATE` if the code is already used.
    pub async fn create(&self, new: &NewStore) -> Result<StoreId> {
        let hash = &self.passwords.hash(None, new.owner_password.clone()).await?;
        let now = self.clock.now();
        let created = self.database.transaction_without_store(|tx| {
            async move {
                setup::close(tx).await?;
                let (store, _) = insert(tx, new, hash, now).await?;
                Ok(store)
            }
            .scope_boxed()
        });
        created.await
    }
}

/// Inserts a store, its row in `store_streams` and its owner.
pub(super) async fn insert(
    tx: &mut Connection,
    new: &NewStore,
    owner_password_hash: &str,
    now: DateTime<Utc>,
) -> Result<(StoreId, User)> {
    let id = store::insert(tx, &new.code, &new.name, &new.calendar, now).await?;
    store::insert_stream(tx, id).await?;
    let owner = user::insert(tx, id, &new.owner, owner_password_hash, Role::Owner, now).await?;
    Ok((id, owner))
}
