//! Categories of the menu.

use serde::Serialize;
use utoipa::ToSchema;

use crate::models::{Category, CategoryId};

/// A category.
#[derive(Serialize, ToSchema)]
pub struct CategoryResponse {
    /// The category's id.
    pub id: CategoryId,
    /// Its name, unique in the store.
    #[schema(example = "식사")]
    pub name: String,
    /// Smaller stands earlier; equal ones in order of creation.
    #[schema(example = 0)]
    pub display_order: i32,
}

impl From<Category> for CategoryResponse {
    fn from(category: Category) -> Self {
        Self { id: category.id, name: category.name, display_order: category.display_order }
    }
}

/// Categories, in display order.
#[derive(Serialize, ToSchema)]
pub struct CategoryListResponse {
    /// The categories.
    pub categories: Vec<CategoryResponse>,
}

impl From<Vec<Category>> for CategoryListResponse {
    fn from(categories: Vec<Category>) -> Self {
        Self { categories: categories.into_iter().map(CategoryResponse::from).collect() }
    }
}
