//! Categories of the menu.

use crate::database::Database;
use crate::error::Result;
use crate::models::{Category, StoreId};
use crate::repositories::category;

/// Categories of the menu. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CategoryService {
    database: Database,
}

impl CategoryService {
    /// Categories kept in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Every category, in display order.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list(&self, store: StoreId) -> Result<Vec<Category>> {
        category::list(self.database.acquire().await?.conn(), store).await
    }
}
