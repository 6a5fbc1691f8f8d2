//! Categories of the menu.

use std::collections::HashSet;

use serde_json::json;

use crate::clock::Clock;
use crate::database::{Database, retrying};
use crate::error::{AppError, Reason, Result};
use crate::events::Hub;
use crate::models::{Actor, AuditAction, Category, CategoryId, NewAuditEntry, StoreId};
use crate::repositories::category;
use crate::services::menu::commit_menu_change;

/// Categories of the menu. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CategoryService {
    database: Database,
    hub: Hub,
    clock: Clock,
}

/// What to change of a category; `None` leaves it as it is.
#[derive(Debug, Default, Clone)]
pub struct CategoryChange {
    /// Its name.
    pub name: Option<String>,
    /// Its place.
    pub display_order: Option<i32>,
}

impl CategoryService {
    /// Categories kept in `database`, whose changes are told to `hub`.
    #[must_use]
    pub fn new(database: Database, hub: Hub, clock: Clock) -> Self {
        Self { database, hub, clock }
    }

    /// Every category, in display order.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list(&self, store: StoreId) -> Result<Vec<Category>> {
        category::list(self.database.acquire().await?.conn(), store).await
    }

    /// The category.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: CategoryId) -> Result<Category> {
        category::get(self.database.acquire().await?.conn(), store, id).await
    }

    /// Adds a category; without a place of its own it comes last.
    ///
    /// # Errors
    /// `DUPLICATE` for a name that is taken.
    pub async fn create(&self, store: StoreId, by: &Actor, name: &str, display_order: Option<i32>) -> Result<Category> {
        retrying(|| self.try_create(store, by, name, display_order)).await
    }

    async fn try_create(&self, store: StoreId, by: &Actor, name: &str, display_order: Option<i32>) -> Result<Category> {
        let mut tx = self.database.begin().await?;
        let display_order = match display_order {
            Some(display_order) => display_order,
            None => after(category::last_display_order(tx.conn(), store).await?),
        };
        let id = category::insert(tx.conn(), store, name, display_order, self.clock.now()).await?;
        let category = Category { id, name: name.to_owned(), display_order };
        let entry = NewAuditEntry::new(AuditAction::CategoryCreated, id.0).after(&category);
        commit_menu_change(tx, store, by, entry, &self.hub, &self.clock).await?;
        Ok(category)
    }

    /// Changes a category.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`, `DUPLICATE` for a name that is taken.
    pub async fn update(&self, store: StoreId, by: &Actor, id: CategoryId, change: CategoryChange) -> Result<Category> {
        retrying(|| self.try_update(store, by, id, change.clone())).await
    }

    async fn try_update(&self, store: StoreId, by: &Actor, id: CategoryId, change: CategoryChange) -> Result<Category> {
        let mut tx = self.database.begin().await?;
        let current = category::lock(tx.conn(), store, id).await?;
        let entry = NewAuditEntry::new(AuditAction::CategoryUpdated, id.0).before(&current);
        let changed = Category {
            id,
            name: change.name.unwrap_or(current.name),
            display_order: change.display_order.unwrap_or(current.display_order),
        };
        category::update(tx.conn(), store, &changed).await?;
        commit_menu_change(tx, store, by, entry.after(&changed), &self.hub, &self.clock).await?;
        Ok(changed)
    }

    /// Gives every category its place: `ids` names each once.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` when it does not.
    pub async fn reorder(&self, store: StoreId, by: &Actor, ids: &[CategoryId]) -> Result<Vec<Category>> {
        retrying(|| self.try_reorder(store, by, ids)).await
    }

    async fn try_reorder(&self, store: StoreId, by: &Actor, ids: &[CategoryId]) -> Result<Vec<Category>> {
        let mut tx = self.database.begin().await?;
        if !names_each_once(ids, &category::lock_all(tx.conn(), store).await?) {
            return Err(AppError::invalid_field("ids", Reason::NotTheWholeOrder));
        }
        let before: Vec<_> = category::list(tx.conn(), store).await?.into_iter().map(|category| category.id).collect();
        category::reorder(tx.conn(), store, ids).await?;
        let categories = category::list(tx.conn(), store).await?;
        let entry = NewAuditEntry::new(AuditAction::CategoriesReordered, None)
            .before(json!({"ids": before}))
            .after(json!({"ids": ids}));
        commit_menu_change(tx, store, by, entry, &self.hub, &self.clock).await?;
        Ok(categories)
    }

    /// Deletes a category without dishes.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`, `CATEGORY_HAS_MENUS`.
    pub async fn delete(&self, store: StoreId, by: &Actor, id: CategoryId) -> Result<()> {
        retrying(|| self.try_delete(store, by, id)).await
    }

    async fn try_delete(&self, store: StoreId, by: &Actor, id: CategoryId) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let category = category::lock(tx.conn(), store, id).await?;
        category::delete(tx.conn(), store, id).await?;
        let entry = NewAuditEntry::new(AuditAction::CategoryDeleted, id.0).before(&category);
        commit_menu_change(tx, store, by, entry, &self.hub, &self.clock).await
    }
}

/// The display order after the last one in use.
pub(super) fn after(last: Option<i32>) -> i32 {
    last.map_or(0, |last| last.saturating_add(1))
}

/// Whether `ids` names each of `existing` exactly once, and nothing else.
pub(super) fn names_each_once<T: std::hash::Hash + Eq + Copy>(ids: &[T], existing: &[T]) -> bool {
    let named: HashSet<T> = ids.iter().copied().collect();
    ids.len() == existing.len() && named.len() == ids.len() && existing.iter().all(|id| named.contains(id))
}
