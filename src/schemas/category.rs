//! Categories of the menu.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::rules::{not_blank, present};
use crate::models::{Category, CategoryId};
use crate::services::CategoryChange;

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

/// A category to add.
#[derive(Deserialize, Validate, ToSchema)]
pub struct CreateCategoryRequest {
    /// Its name, unique in the store.
    #[validate(length(min = 1, max = 50), custom(function = not_blank))]
    #[schema(pattern = "not_blank", min_length = 1, max_length = 50, example = "식사")]
    pub name: String,
    /// Its place; by default after the last.
    #[schema(example = 0)]
    pub display_order: Option<i32>,
}

/// What to change of a category; what is absent stays.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UpdateCategoryRequest {
    /// Its name, unique in the store.
    #[serde(default, deserialize_with = "present")]
    #[validate(length(min = 1, max = 50), custom(function = not_blank))]
    #[schema(pattern = "not_blank", nullable = false, min_length = 1, max_length = 50, example = "식사류")]
    pub name: Option<String>,
    /// Its place.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, example = 1)]
    pub display_order: Option<i32>,
}

impl From<UpdateCategoryRequest> for CategoryChange {
    fn from(request: UpdateCategoryRequest) -> Self {
        Self { name: request.name, display_order: request.display_order }
    }
}

/// The order categories are shown in.
#[derive(Deserialize, Validate, ToSchema)]
pub struct ReorderCategoriesRequest {
    /// Every category of the store, each once.
    #[schema(example = json!([2, 1, 3]))]
    pub ids: Vec<CategoryId>,
}
