//! Dishes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::category::CategoryListResponse;
use super::prepared::PreparedBody;
use super::rules::{not_blank, present, present_or_null, printable, web_address};
use crate::error::{AppError, Reason, Result};
use crate::models::{CategoryId, MenuItem, MenuItemChange, MenuItemDetails, MenuItemId, Price};
use crate::services::MenuSnapshot;

/// A dish.
#[derive(Serialize, ToSchema)]
pub struct MenuResponse {
    /// The dish's id.
    pub id: MenuItemId,
    /// Its name.
    #[schema(example = "김치찌개")]
    pub name: String,
    /// Its price, in the currency's minor unit.
    #[schema(example = 9000)]
    pub price: i64,
    /// What it is.
    #[schema(required, example = "잘 익은 김치와 돼지고기를 넣고 얼큰하게 끓인 찌개.")]
    pub description: Option<String>,
    /// Where its picture is.
    #[schema(required, example = "https://cdn.example.com/kimchi-jjigae.webp")]
    pub image_url: Option<String>,
    /// The category it stands in.
    pub category_id: CategoryId,
    /// Smaller stands earlier within the category.
    #[schema(example = 0)]
    pub display_order: i32,
    /// Whether it can be ordered now.
    #[schema(example = true)]
    pub is_available: bool,
}

impl From<MenuItem> for MenuResponse {
    fn from(MenuItem { id, display_order, details, .. }: MenuItem) -> Self {
        Self {
            id,
            name: details.name,
            price: details.price.get(),
            description: details.description,
            image_url: details.image_url,
            category_id: details.category_id,
            display_order,
            is_available: details.is_available,
        }
    }
}

/// Dishes, in display order.
#[derive(Serialize, ToSchema)]
pub struct MenuListResponse {
    /// The dishes.
    pub menus: Vec<MenuResponse>,
}

impl From<Vec<MenuItem>> for MenuListResponse {
    fn from(items: Vec<MenuItem>) -> Self {
        Self { menus: items.into_iter().map(MenuResponse::from).collect() }
    }
}

/// What a guest can order, in display order.
#[derive(Serialize, ToSchema)]
pub struct CustomerMenuResponse {
    /// The dishes.
    pub menus: Vec<MenuResponse>,
    /// The version of the store's menu; it grows with every change.
    #[schema(example = 42)]
    pub menu_version: i64,
}

impl CustomerMenuResponse {
    /// These items of the menu at `menu_version`.
    pub fn new<'a>(items: impl Iterator<Item = &'a MenuItem>, menu_version: i64) -> Self {
        Self { menus: items.cloned().map(MenuResponse::from).collect(), menu_version }
    }
}

/// The responses that every tablet of a store reads, at one version of the menu.
#[derive(Debug)]
pub struct PreparedMenu {
    /// A [`CustomerMenuResponse`] with the whole menu.
    pub menu: PreparedBody,
    /// A [`CategoryListResponse`].
    pub categories: PreparedBody,
}

impl PreparedMenu {
    /// The responses made of `menu`.
    pub fn new(menu: &MenuSnapshot) -> Result<Self> {
        Ok(Self {
            menu: PreparedBody::new(&CustomerMenuResponse::new(menu.available(), menu.version))?,
            categories: PreparedBody::new(&CategoryListResponse::from(menu.categories.clone()))?,
        })
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.menu.bytes.len() + self.categories.bytes.len()
    }
}

/// A dish to add.
#[derive(Deserialize, Validate, ToSchema)]
pub struct CreateMenuRequest {
    /// The category it stands in.
    pub category_id: CategoryId,
    /// Its name.
    #[validate(length(min = 1, max = 100), custom(function = not_blank))]
    #[schema(pattern = "not_blank", min_length = 1, max_length = 100, example = "김치찌개")]
    pub name: String,
    /// Its price, in the currency's minor unit.
    #[validate(range(min = 0, max = 100_000_000))]
    #[schema(minimum = 0, maximum = 100_000_000, example = 9000)]
    pub price: i64,
    /// What it is.
    #[validate(length(max = 2000), custom(function = printable))]
    #[schema(pattern = "printable", max_length = 2000, example = "잘 익은 김치와 돼지고기를 넣고 얼큰하게 끓인 찌개.")]
    pub description: Option<String>,
    /// Where its picture is; an empty one is none.
    #[validate(length(max = 2000), custom(function = web_address))]
    #[schema(pattern = "web_address", max_length = 2000, example = "https://cdn.example.com/kimchi-jjigae.webp")]
    pub image_url: Option<String>,
    /// Whether it can be ordered now; by default it can.
    #[schema(example = true)]
    pub is_available: Option<bool>,
    /// Its place within the category; by default after the last.
    #[schema(example = 0)]
    pub display_order: Option<i32>,
}

impl CreateMenuRequest {
    /// The menu item as the domain knows it.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a price out of range.
    pub fn into_details(self) -> Result<MenuItemDetails> {
        Ok(MenuItemDetails {
            category_id: self.category_id,
            name: self.name,
            price: price(self.price)?,
            description: self.description,
            image_url: not_empty(self.image_url),
            is_available: self.is_available.unwrap_or(true),
        })
    }
}

/// What to change of a dish; what is absent stays, `null` clears.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UpdateMenuRequest {
    /// The category it stands in.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = Option<i64>, example = 1)]
    pub category_id: Option<CategoryId>,
    /// Its name.
    #[serde(default, deserialize_with = "present")]
    #[validate(length(min = 1, max = 100), custom(function = not_blank))]
    #[schema(pattern = "not_blank", nullable = false, min_length = 1, max_length = 100, example = "묵은지 김치찌개")]
    pub name: Option<String>,
    /// Its price, in the currency's minor unit.
    #[serde(default, deserialize_with = "present")]
    #[validate(range(min = 0, max = 100_000_000))]
    #[schema(nullable = false, minimum = 0, maximum = 100_000_000, example = 9500)]
    pub price: Option<i64>,
    /// What it is.
    #[serde(default, deserialize_with = "present_or_null")]
    #[validate(length(max = 2000), custom(function = printable))]
    #[schema(pattern = "printable", value_type = Option<String>, max_length = 2000, example = "삼 년 묵은 김치로 끓인 찌개.")]
    pub description: Option<Option<String>>,
    /// Where its picture is.
    #[serde(default, deserialize_with = "present_or_null")]
    #[validate(length(max = 2000), custom(function = web_address))]
    #[schema(pattern = "web_address", value_type = Option<String>, max_length = 2000, example = "https://cdn.example.com/kimchi-jjigae.webp")]
    pub image_url: Option<Option<String>>,
    /// Whether it can be ordered now.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, example = false)]
    pub is_available: Option<bool>,
    /// Its place within the category.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, example = 1)]
    pub display_order: Option<i32>,
}

impl UpdateMenuRequest {
    /// The change as the domain knows it.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a price out of range.
    pub fn into_change(self) -> Result<MenuItemChange> {
        Ok(MenuItemChange {
            category_id: self.category_id,
            name: self.name,
            price: self.price.map(price).transpose()?,
            description: self.description,
            image_url: self.image_url.map(not_empty),
            is_available: self.is_available,
            display_order: self.display_order,
        })
    }
}

/// The order a category's dishes are shown in.
#[derive(Deserialize, Validate, ToSchema)]
pub struct ReorderMenusRequest {
    /// The category.
    pub category_id: CategoryId,
    /// Every dish of the category, each once.
    #[schema(example = json!([3, 1, 2]))]
    pub ids: Vec<MenuItemId>,
}

fn price(price: i64) -> Result<Price> {
    let range = Reason::Range { min: 0, max: Price::MAX };
    Price::try_from(price).map_err(|_| AppError::invalid_field("price", range))
}

/// Existing dashboards send an empty text for no picture.
fn not_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
