//! Categories of the menu.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::validators::{non_null, not_blank};
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
    /// Its position. Smaller values come first; equal values in order of creation.
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
    /// Its position; by default after the last category.
    #[schema(example = 0)]
    pub display_order: Option<i32>,
}

/// A change of a category. Absent fields keep their values.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UpdateCategoryRequest {
    /// Its name, unique in the store.
    #[serde(default, deserialize_with = "non_null")]
    #[validate(length(min = 1, max = 50), custom(function = not_blank))]
    #[schema(pattern = "not_blank", nullable = false, min_length = 1, max_length = 50, example = "식사류")]
    pub name: Option<String>,
    /// Its position.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false, example = 1)]
    pub display_order: Option<i32>,
}

impl From<UpdateCategoryRequest> for CategoryChange {
    fn from(request: UpdateCategoryRequest) -> Self {
        Self { name: request.name, display_order: request.display_order }
    }
}

/// A new display order of the categories.
#[derive(Deserialize, Validate, ToSchema)]
pub struct ReorderCategoriesRequest {
    /// The ids of all categories of the store, each exactly once.
    #[schema(example = json!([2, 1, 3]))]
    pub ids: Vec<CategoryId>,
}
