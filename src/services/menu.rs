//! Dishes.

use crate::database::Database;
use crate::error::Result;
use crate::models::{Menu, StoreId};
use crate::repositories::menu;

/// Dishes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MenuService {
    database: Database,
}

impl MenuService {
    /// Dishes kept in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Every dish, sold-out ones too, in display order.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list(&self, store: StoreId) -> Result<Vec<Menu>> {
        menu::list(self.database.acquire().await?.conn(), store).await
    }

    /// What a guest can order now, in display order.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list_available(&self, store: StoreId) -> Result<Vec<Menu>> {
        let mut menus = self.list(store).await?;
        menus.retain(|menu| menu.is_available);
        Ok(menus)
    }
}
