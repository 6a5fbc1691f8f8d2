//! Categories of the menu.

use std::collections::HashSet;

use scoped_futures::ScopedFutureExt;
use serde_json::json;

use crate::clock::Clock;
use crate::config::StoreLimits;
use crate::database::Database;
use crate::error::{AppError, Reason, Result};
use crate::events::Hub;
use crate::models::{Actor, AuditAction, Category, CategoryId, NewAuditEntry, StoreId};
use crate::repositories::category;
use crate::services::limits::check_categories;
use crate::services::menu::record_menu_change;

/// Reads and changes the categories of the menu.
#[derive(Debug, Clone)]
pub struct CategoryService {
    database: Database,
    hub: Hub,
    limits: StoreLimits,
    clock: Clock,
}

/// A change of a category; `None` keeps the value.
#[derive(Debug, Default, Clone)]
pub struct CategoryChange {
    /// Its name.
    pub name: Option<String>,
    /// Its position.
    pub display_order: Option<i32>,
}

impl CategoryChange {
    fn apply(self, category: Category) -> Category {
        Category {
            id: category.id,
            name: self.name.unwrap_or(category.name),
            display_order: self.display_order.unwrap_or(category.display_order),
        }
    }
}

impl CategoryService {
    /// The service for `database`. Changes are published to `hub`.
    #[must_use]
    pub fn new(database: Database, hub: Hub, limits: StoreLimits, clock: Clock) -> Self {
        Self { database, hub, limits, clock }
    }

    /// Every category, in display order.
    pub async fn list(&self, store: StoreId) -> Result<Vec<Category>> {
        self.database.read(|conn| category::list(conn, store).scope_boxed()).await
    }

    /// The category.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: CategoryId) -> Result<Category> {
        self.database.read(|conn| category::get(conn, store, id).scope_boxed()).await
    }

    /// Adds a category. Without a display order it is the last one.
    ///
    /// # Errors
    /// `DUPLICATE` if the name is already used, `LIMIT_REACHED`.
    pub async fn create(&self, store: StoreId, by: &Actor, name: &str, display_order: Option<i32>) -> Result<Category> {
        let created = self.database.transaction(store, |tx| {
            async move {
                let now = self.clock.now();
                let display_order = match display_order {
                    Some(display_order) => display_order,
                    None => after(category::last_display_order(tx, store).await?),
                };
                let id = category::insert(tx, store, name, display_order, now).await?;
                let category = Category { id, name: name.to_owned(), display_order };
                let entry = NewAuditEntry::new(AuditAction::CategoryCreated, id.0).after(&category);
                let event = record_menu_change(tx, store, by, &entry, now).await?;
                check_categories(tx, store, self.limits).await?;
                Ok((category, event))
            }
            .scope_boxed()
        });
        let (category, event) = created.await?;
        self.hub.publish(event);
        Ok(category)
    }

    /// Changes a category.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`, `DUPLICATE` if the name is already used.
    pub async fn update(&self, store: StoreId, by: &Actor, id: CategoryId, change: CategoryChange) -> Result<Category> {
        let updated = self.database.transaction(store, |tx| {
            let change = change.clone();
            async move {
                let current = category::lock(tx, store, id).await?;
                let entry = NewAuditEntry::new(AuditAction::CategoryUpdated, id.0).before(&current);
                let changed = change.apply(current);
                category::update(tx, store, &changed).await?;
                let event = record_menu_change(tx, store, by, &entry.after(&changed), self.clock.now()).await?;
                Ok((changed, event))
            }
            .scope_boxed()
        });
        let (category, event) = updated.await?;
        self.hub.publish(event);
        Ok(category)
    }

    /// Changes the display order of the categories. `ids` must have each id exactly once.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` if `ids` does not.
    pub async fn reorder(&self, store: StoreId, by: &Actor, ids: &[CategoryId]) -> Result<Vec<Category>> {
        let reordered = self.database.transaction(store, |tx| {
            async move {
                if !has_each_once(ids, &category::lock_all(tx, store).await?) {
                    return Err(AppError::invalid_field("ids", Reason::IncompleteList));
                }
                let before: Vec<_> = category::list(tx, store).await?.iter().map(|category| category.id).collect();
                category::reorder(tx, store, ids).await?;
                let categories = category::list(tx, store).await?;
                let entry = NewAuditEntry::new(AuditAction::CategoriesReordered, None)
                    .before(json!({"ids": before}))
                    .after(json!({"ids": ids}));
                Ok((categories, record_menu_change(tx, store, by, &entry, self.clock.now()).await?))
            }
            .scope_boxed()
        });
        let (categories, event) = reordered.await?;
        self.hub.publish(event);
        Ok(categories)
    }

    /// Deletes a category without menu items.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`, `CATEGORY_HAS_MENUS`.
    pub async fn delete(&self, store: StoreId, by: &Actor, id: CategoryId) -> Result<()> {
        let deleted = self.database.transaction(store, |tx| {
            async move {
                let category = category::lock(tx, store, id).await?;
                category::delete(tx, store, id).await?;
                let entry = NewAuditEntry::new(AuditAction::CategoryDeleted, id.0).before(&category);
                record_menu_change(tx, store, by, &entry, self.clock.now()).await
            }
            .scope_boxed()
        });
        let event = deleted.await?;
        self.hub.publish(event);
        Ok(())
    }
}

/// The display order after the last one in use.
pub(super) fn after(last: Option<i32>) -> i32 {
    last.map_or(0, |last| last.saturating_add(1))
}

/// Whether `ids` has each of `existing` exactly once, and no other ids.
pub(super) fn has_each_once<T: std::hash::Hash + Eq + Copy>(ids: &[T], existing: &[T]) -> bool {
    let distinct: HashSet<T> = ids.iter().copied().collect();
    ids.len() == existing.len() && distinct.len() == ids.len() && existing.iter().all(|id| distinct.contains(id))
}
