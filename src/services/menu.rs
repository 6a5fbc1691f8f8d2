//! The menu and its items.

mod cache;
mod snapshot;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use self::cache::MenuCache;
pub use self::snapshot::MenuSnapshot;

use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::config::StoreLimits;
use crate::database::{Connection, Database};
use crate::error::{AppError, Reason, Result};
use crate::events::{AppendedEvent, Hub, append_menu_change};
use crate::models::{
    Actor, AuditAction, CategoryId, IdempotencyKey, MenuItem, MenuItemChange, MenuItemDetails, MenuItemId,
    NewAuditEntry, NewEvent, StoreId,
};
use crate::repositories::{category, menu_item};
use crate::services::audit;
use crate::services::category::{after, has_each_once};
use crate::services::idempotency::{self, Claim, Replayable};
use crate::services::limits::{check_menu_bytes, check_menu_items};

/// Reads and changes the menu items.
#[derive(Debug, Clone)]
pub struct MenuService {
    database: Database,
    hub: Hub,
    cache: MenuCache,
    limits: StoreLimits,
    clock: Clock,
}

impl MenuService {
    /// The service for `database`. Changes are published to `hub`.
    #[must_use]
    pub fn new(database: Database, cluster: Cluster, hub: Hub, limits: StoreLimits, clock: Clock) -> Self {
        let cache = MenuCache::new(database.clone(), cluster);
        Self { database, hub, cache, limits, clock }
    }

    /// Adds the metrics of the menu to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.cache.register(registry);
    }

    /// The menu that guests see and orders are priced with, from the cache. It is never older than the last change that
    /// this instance made or was notified of.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn current(&self, store: StoreId) -> Result<Arc<MenuSnapshot>> {
        self.cache.current(store).await
    }

    /// The menu at `version` or a newer one.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn at_least(&self, store: StoreId, version: i64) -> Result<Arc<MenuSnapshot>> {
        self.cache.at_least(store, version).await
    }

    /// Every menu item, sold-out ones too, in display order.
    pub async fn list(&self, store: StoreId) -> Result<Vec<MenuItem>> {
        self.database.read(|conn| menu_item::list(conn, store).scope_boxed()).await
    }

    /// The menu item, sold out or not.
    ///
    /// # Errors
    /// `MENU_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: MenuItemId) -> Result<MenuItem> {
        self.database.read(|conn| menu_item::get(conn, store, id).scope_boxed()).await
    }

    /// Adds a menu item. Without a display order it is the last one of its category. `key` identifies retries.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`, `LIMIT_REACHED`, `IDEMPOTENCY_MISMATCH` if the key was used for another request.
    pub async fn create(
        &self,
        store: StoreId,
        by: &Actor,
        details: &MenuItemDetails,
        display_order: Option<i32>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Replayable<MenuItem>> {
        let created = self.database.transaction(store, |tx| {
            async move {
                let now = self.clock.now();
                let content = (AuditAction::MenuCreated.as_str(), details, display_order);
                let pending = match idempotency::claim(tx, store, by, key, &content, now).await? {
                    Claim::First(pending) => pending,
                    Claim::Replayed(result) => return Ok((Replayable { result, is_replayed: true }, None)),
                };
                let display_order = match display_order {
                    Some(display_order) => display_order,
                    None => after(menu_item::last_display_order(tx, store, details.category_id).await?),
                };
                let id = menu_item::insert(tx, store, details, display_order, now).await?;
                let item = MenuItem { id, display_order, terms_version: 0, details: details.clone() };
                let entry = NewAuditEntry::new(AuditAction::MenuCreated, id.0).after(&item);
                let event = record_menu_change(tx, store, by, &entry, now).await?;
                check_menu_items(tx, store, self.limits).await?;
                check_menu_bytes(tx, store, self.limits).await?;
                pending.store(tx, &item).await?;
                Ok((Replayable { result: item, is_replayed: false }, Some(event)))
            }
            .scope_boxed()
        });
        let (item, event) = created.await?;
        if let Some(event) = event {
            self.hub.publish(event);
        }
        Ok(item)
    }

    /// Changes a menu item.
    ///
    /// # Errors
    /// `MENU_NOT_FOUND`, `CATEGORY_NOT_FOUND`, `LIMIT_REACHED`.
    pub async fn update(&self, store: StoreId, by: &Actor, id: MenuItemId, change: MenuItemChange) -> Result<MenuItem> {
        let updated = self.database.transaction(store, |tx| {
            let change = change.clone();
            async move {
                let current = menu_item::lock(tx, store, id).await?;
                let entry = NewAuditEntry::new(AuditAction::MenuUpdated, id.0).before(&current);
                let changed = change.apply(current.clone());
                menu_item::update(tx, store, &changed).await?;
                let event = record_menu_change(tx, store, by, &entry.after(&changed), self.clock.now()).await?;
                if !changed.details.has_terms_of(&current.details) {
                    let version = event.event.menu_version().unwrap_or_default();
                    menu_item::set_terms_version(tx, store, id, version).await?;
                }
                if changed.details.text_bytes() > current.details.text_bytes() {
                    check_menu_bytes(tx, store, self.limits).await?;
                }
                Ok((changed, event))
            }
            .scope_boxed()
        });
        let (item, event) = updated.await?;
        self.hub.publish(event);
        Ok(item)
    }

    /// Changes the display order of a category's menu items. `ids` must have each id exactly once.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`, `VALIDATION_ERROR` if `ids` does not.
    pub async fn reorder(
        &self,
        store: StoreId,
        by: &Actor,
        category: CategoryId,
        ids: &[MenuItemId],
    ) -> Result<Vec<MenuItem>> {
        let reordered = self.database.transaction(store, |tx| {
            async move {
                category::get(tx, store, category).await?;
                if !has_each_once(ids, &menu_item::lock_category(tx, store, category).await?) {
                    return Err(AppError::invalid_field("ids", Reason::IncompleteList));
                }
                let before = menu_item::list_by_category(tx, store, category).await?;
                let before: Vec<_> = before.iter().map(|item| item.id).collect();
                menu_item::reorder(tx, store, ids).await?;
                let items = menu_item::list_by_category(tx, store, category).await?;
                let entry = NewAuditEntry::new(AuditAction::MenusReordered, category.0)
                    .before(json!({"ids": before}))
                    .after(json!({"ids": ids}));
                Ok((items, record_menu_change(tx, store, by, &entry, self.clock.now()).await?))
            }
            .scope_boxed()
        });
        let (items, event) = reordered.await?;
        self.hub.publish(event);
        Ok(items)
    }

    /// Deletes a menu item. Past orders do not change.
    ///
    /// # Errors
    /// `MENU_NOT_FOUND`.
    pub async fn delete(&self, store: StoreId, by: &Actor, id: MenuItemId) -> Result<()> {
        let deleted = self.database.transaction(store, |tx| {
            async move {
                let item = menu_item::lock(tx, store, id).await?;
                menu_item::delete(tx, store, id).await?;
                let entry = NewAuditEntry::new(AuditAction::MenuDeleted, id.0).before(&item);
                record_menu_change(tx, store, by, &entry, self.clock.now()).await
            }
            .scope_boxed()
        });
        let event = deleted.await?;
        self.hub.publish(event);
        Ok(())
    }
}

/// Writes the audit entry of a menu change and appends its event: the last step of a transaction.
pub(super) async fn record_menu_change(
    tx: &mut Connection,
    store: StoreId,
    by: &Actor,
    entry: &NewAuditEntry,
    now: DateTime<Utc>,
) -> Result<AppendedEvent> {
    audit::record(tx, store, by, entry, now).await?;
    append_menu_change(tx, store, NewEvent::menu_changed, now).await
}
