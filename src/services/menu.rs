//! Dishes.

mod memory;
mod snapshot;

use std::sync::Arc;

use serde_json::json;

use self::memory::MenuMemory;
pub use self::snapshot::MenuSnapshot;

use crate::clock::Clock;
use crate::database::{Database, Transaction, retrying};
use crate::error::{AppError, Reason, Result};
use crate::events::{Hub, record_menu_change};
use crate::models::{Actor, AuditAction, CategoryId, Menu, MenuId, NewAuditEntry, Price, StoreId};
use crate::repositories::menu::NewMenu;
use crate::repositories::{category, menu};
use crate::services::audit;
use crate::services::category::{after, names_each_once};

/// Dishes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MenuService {
    database: Database,
    hub: Hub,
    memory: MenuMemory,
    clock: Clock,
}

/// A dish to add.
#[derive(Debug, Clone)]
pub struct MenuSpec {
    /// The category it stands in.
    pub category_id: CategoryId,
    /// Its name.
    pub name: String,
    /// Its price.
    pub price: Price,
    /// What it is.
    pub description: Option<String>,
    /// Where its picture is.
    pub image_url: Option<String>,
    /// Whether it can be ordered now.
    pub is_available: bool,
    /// Its place; `None` is after the last.
    pub display_order: Option<i32>,
}

/// What to change of a dish; `None` leaves it as it is, `Some(None)` clears it.
#[derive(Debug, Default, Clone)]
pub struct MenuChange {
    /// The category it stands in.
    pub category_id: Option<CategoryId>,
    /// Its name.
    pub name: Option<String>,
    /// Its price.
    pub price: Option<Price>,
    /// What it is.
    pub description: Option<Option<String>>,
    /// Where its picture is.
    pub image_url: Option<Option<String>>,
    /// Whether it can be ordered now.
    pub is_available: Option<bool>,
    /// Its place.
    pub display_order: Option<i32>,
}

impl MenuChange {
    /// Whether it changes nothing but whether the dish can be ordered now.
    #[must_use]
    pub fn is_availability_alone(&self) -> bool {
        let Self { category_id, name, price, description, image_url, is_available: _, display_order } = self;
        category_id.is_none()
            && name.is_none()
            && price.is_none()
            && description.is_none()
            && image_url.is_none()
            && display_order.is_none()
    }
}

impl MenuService {
    /// Dishes kept in `database`, whose changes are told to `hub`.
    #[must_use]
    pub fn new(database: Database, hub: Hub, clock: Clock) -> Self {
        let memory = MenuMemory::new(database.clone(), hub.clone());
        Self { database, hub, memory, clock }
    }

    /// The menu as guests see it and orders are priced from it, from memory: never older than the last change this
    /// instance made or was told of.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn current(&self, store: StoreId) -> Result<Arc<MenuSnapshot>> {
        self.memory.current(store).await
    }

    /// As [`current`](Self::current), for who knows already which version the menu is at.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn at_least(&self, store: StoreId, version: i64) -> Result<Arc<MenuSnapshot>> {
        self.memory.at_least(store, version).await
    }

    /// As [`current`](Self::current), from the database as it is now: for whoever found out there that what is
    /// remembered is old.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn reload(&self, store: StoreId) -> Result<Arc<MenuSnapshot>> {
        self.memory.reload(store).await
    }

    /// Every dish, sold-out ones too, in display order.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list(&self, store: StoreId) -> Result<Vec<Menu>> {
        menu::list(self.database.acquire().await?.conn(), store).await
    }

    /// The dish, sold out or not.
    ///
    /// # Errors
    /// `MENU_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: MenuId) -> Result<Menu> {
        menu::get(self.database.acquire().await?.conn(), store, id).await
    }

    /// Adds a dish.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`.
    pub async fn create(&self, store: StoreId, by: &Actor, spec: MenuSpec) -> Result<Menu> {
        retrying(|| self.try_create(store, by, spec.clone())).await
    }

    async fn try_create(&self, store: StoreId, by: &Actor, spec: MenuSpec) -> Result<Menu> {
        let mut tx = self.database.begin().await?;
        let display_order = match spec.display_order {
            Some(display_order) => display_order,
            None => after(menu::last_display_order(tx.conn(), store, spec.category_id).await?),
        };
        let new = NewMenu {
            category_id: spec.category_id,
            name: &spec.name,
            price: spec.price,
            description: spec.description.as_deref(),
            image_url: spec.image_url.as_deref(),
            is_available: spec.is_available,
            display_order,
        };
        let id = menu::insert(tx.conn(), store, &new, self.clock.now()).await?;
        let menu = Menu {
            id,
            category_id: spec.category_id,
            name: spec.name,
            price: spec.price,
            description: spec.description,
            image_url: spec.image_url,
            is_available: spec.is_available,
            display_order,
        };
        let entry = NewAuditEntry::new(AuditAction::MenuCreated, id.0).after(&menu);
        commit_menu_change(tx, store, by, entry, &self.hub, &self.clock).await?;
        Ok(menu)
    }

    /// Changes a dish.
    ///
    /// # Errors
    /// `MENU_NOT_FOUND`, `CATEGORY_NOT_FOUND`.
    pub async fn update(&self, store: StoreId, by: &Actor, id: MenuId, change: MenuChange) -> Result<Menu> {
        retrying(|| self.try_update(store, by, id, change.clone())).await
    }

    async fn try_update(&self, store: StoreId, by: &Actor, id: MenuId, change: MenuChange) -> Result<Menu> {
        let mut tx = self.database.begin().await?;
        let current = menu::lock(tx.conn(), store, id).await?;
        let entry = NewAuditEntry::new(AuditAction::MenuUpdated, id.0).before(&current);
        let changed = Menu {
            id,
            category_id: change.category_id.unwrap_or(current.category_id),
            name: change.name.unwrap_or(current.name),
            price: change.price.unwrap_or(current.price),
            description: change.description.unwrap_or(current.description),
            image_url: change.image_url.unwrap_or(current.image_url),
            is_available: change.is_available.unwrap_or(current.is_available),
            display_order: change.display_order.unwrap_or(current.display_order),
        };
        menu::update(tx.conn(), store, &changed).await?;
        commit_menu_change(tx, store, by, entry.after(&changed), &self.hub, &self.clock).await?;
        Ok(changed)
    }

    /// Gives every dish of a category its place: `ids` names each once.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`, `VALIDATION_ERROR` when it does not.
    pub async fn reorder(&self, store: StoreId, by: &Actor, category: CategoryId, ids: &[MenuId]) -> Result<Vec<Menu>> {
        retrying(|| self.try_reorder(store, by, category, ids)).await
    }

    async fn try_reorder(&self, store: StoreId, by: &Actor, category: CategoryId, ids: &[MenuId]) -> Result<Vec<Menu>> {
        let mut tx = self.database.begin().await?;
        category::get(tx.conn(), store, category).await?;
        if !names_each_once(ids, &menu::lock_category(tx.conn(), store, category).await?) {
            return Err(AppError::invalid_field("ids", Reason::NotTheWholeOrder));
        }
        let before = menus_in(&mut tx, store, category).await?;
        menu::reorder(tx.conn(), store, ids).await?;
        let menus = menus_in(&mut tx, store, category).await?;
        let entry = NewAuditEntry::new(AuditAction::MenusReordered, category.0)
            .before(json!({"ids": before.iter().map(|menu| menu.id).collect::<Vec<_>>()}))
            .after(json!({"ids": ids}));
        commit_menu_change(tx, store, by, entry, &self.hub, &self.clock).await?;
        Ok(menus)
    }

    /// Deletes a dish; past orders keep their lines.
    ///
    /// # Errors
    /// `MENU_NOT_FOUND`.
    pub async fn delete(&self, store: StoreId, by: &Actor, id: MenuId) -> Result<()> {
        retrying(|| self.try_delete(store, by, id)).await
    }

    async fn try_delete(&self, store: StoreId, by: &Actor, id: MenuId) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let menu = menu::lock(tx.conn(), store, id).await?;
        menu::delete(tx.conn(), store, id).await?;
        let entry = NewAuditEntry::new(AuditAction::MenuDeleted, id.0).before(&menu);
        commit_menu_change(tx, store, by, entry, &self.hub, &self.clock).await
    }
}

/// The dishes of one category, in display order.
async fn menus_in(tx: &mut Transaction, store: StoreId, category: CategoryId) -> Result<Vec<Menu>> {
    let mut menus = menu::list(tx.conn(), store).await?;
    menus.retain(|menu| menu.category_id == category);
    Ok(menus)
}

/// Writes down who changed the menu and how, commits, and tells every dashboard and tablet of the store.
pub(super) async fn commit_menu_change(
    mut tx: Transaction,
    store: StoreId,
    by: &Actor,
    entry: NewAuditEntry,
    hub: &Hub,
    clock: &Clock,
) -> Result<()> {
    let now = clock.now();
    audit::record(&mut tx, store, by, &entry, now).await?;
    let recorded = record_menu_change(&mut tx, store, now).await?;
    tx.commit().await?;
    hub.publish_menu_change(recorded).await;
    Ok(())
}
