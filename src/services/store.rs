//! Stores: their settings, and making one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::future::Cache;

use crate::clock::Clock;
use crate::database::{Database, Transaction};
use crate::error::Result;
use crate::models::{BusinessCalendar, Role, Store, StoreCode, StoreId, Username};
use crate::repositories::{store, user};
use crate::security::password::Passwords;

/// How long a store's settings (its name, its time zone) are believed.
const BELIEVED_FOR: Duration = Duration::from_secs(10);

/// Stores kept in memory at most.
const CAPACITY: u64 = 20_000;

/// Stores' settings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StoreService {
    database: Database,
    passwords: Passwords,
    clock: Clock,
    cache: Cache<StoreId, Store>,
}

/// A store to make.
pub struct NewStore {
    /// The code it logs in with.
    pub code: StoreCode,
    /// What guests call it.
    pub name: String,
    /// Its days.
    pub calendar: BusinessCalendar,
    /// Its owner's account.
    pub owner: Username,
    /// That account's password.
    pub owner_password: String,
}

impl StoreService {
    /// Settings read from `database`, remembered for seconds.
    #[must_use]
    pub fn new(database: Database, passwords: Passwords, clock: Clock) -> Self {
        let cache = Cache::builder().time_to_live(BELIEVED_FOR).max_capacity(CAPACITY).build();
        Self { database, passwords, clock, cache }
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

    /// Every store, by code.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list(&self) -> Result<Vec<Store>> {
        store::list(self.database.acquire().await?.conn()).await
    }

    /// Makes a store with its owner.
    ///
    /// # Errors
    /// `DUPLICATE` for a code that is taken.
    pub async fn create(&self, new: &NewStore) -> Result<StoreId> {
        let hash = self.passwords.hash(new.owner_password.clone()).await?;
        let mut tx = self.database.begin().await?;
        let id = insert(&mut tx, new, &hash, self.clock.now()).await?;
        tx.commit().await?;
        Ok(id)
    }
}

/// Makes a store, the row its data hangs from, and its owner's account.
pub(super) async fn insert(
    tx: &mut Transaction,
    new: &NewStore,
    owner_password_hash: &str,
    now: DateTime<Utc>,
) -> Result<StoreId> {
    let id = store::insert(tx.conn(), &new.code, &new.name, &new.calendar, now).await?;
    store::insert_stream(tx.conn(), id).await?;
    user::insert(tx.conn(), id, new.owner.as_str(), owner_password_hash, Role::Owner, now).await?;
    Ok(id)
}
