//! Menu items.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::category::CategoryListResponse;
use super::prepared::PreparedBody;
use super::validators::{non_null, not_blank, nullable, printable, web_address};
use crate::error::{AppError, Reason, Result};
use crate::models::{Category, CategoryId, MenuItem, MenuItemChange, MenuItemDetails, MenuItemId, Price};
use crate::services::MenuSnapshot;

/// A menu item.
#[derive(Serialize, ToSchema)]
pub struct MenuResponse {
    /// The menu item's id.
    pub id: MenuItemId,
    /// Its name.
    #[schema(example = "김치찌개")]
    pub name: String,
    /// Its price, in the currency's minor unit.
    #[schema(example = 9000)]
    pub price: i64,
    /// A description for guests.
    #[schema(required, example = "잘 익은 김치와 돼지고기를 넣고 얼큰하게 끓인 찌개.")]
    pub description: Option<String>,
    /// The URL of its picture.
    #[schema(required, example = "https://cdn.example.com/kimchi-jjigae.webp")]
    pub image_url: Option<String>,
    /// Its category.
    pub category_id: CategoryId,
    /// Its position within the category. Smaller values come first.
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

/// Menu items, in display order.
#[derive(Serialize, ToSchema)]
pub struct MenuListResponse {
    /// The menu items.
    pub menus: Vec<MenuResponse>,
}

impl From<Vec<MenuItem>> for MenuListResponse {
    fn from(items: Vec<MenuItem>) -> Self {
        Self { menus: items.into_iter().map(MenuResponse::from).collect() }
    }
}

/// Menu items for guests, in display order.
#[derive(Serialize, ToSchema)]
pub struct CustomerMenuResponse {
    /// The menu items.
    pub menus: Vec<MenuResponse>,
    /// The version of the store's menu, which every change increments.
    #[schema(example = 42)]
    pub menu_version: i64,
}

impl CustomerMenuResponse {
    /// The response with `items` of the menu version `menu_version`.
    pub fn new<'a>(items: impl Iterator<Item = &'a MenuItem>, menu_version: i64) -> Self {
        Self { menus: items.cloned().map(MenuResponse::from).collect(), menu_version }
    }
}

/// The serialised responses that all tablets of a store share, for one menu version.
#[derive(Debug)]
pub struct PreparedMenu {
    /// A [`CustomerMenuResponse`] with all available menu items.
    pub menu: PreparedBody,
    /// A [`CustomerMenuResponse`] with all menu items.
    pub menu_with_sold_out: PreparedBody,
    /// A [`CategoryListResponse`].
    pub categories: PreparedBody,
    /// For each category, a [`CustomerMenuResponse`] with its available menu items.
    pub by_category: HashMap<CategoryId, PreparedBody>,
}

impl PreparedMenu {
    /// Serialises the responses for `menu`.
    pub fn new(menu: &MenuSnapshot) -> Result<Self> {
        let of_category = |category: &Category| {
            let response = CustomerMenuResponse::new(menu.available_in(category.id), menu.version);
            Ok((category.id, PreparedBody::new(&response)?))
        };
        Ok(Self {
            menu: PreparedBody::new(&CustomerMenuResponse::new(menu.available(), menu.version))?,
            menu_with_sold_out: PreparedBody::new(&CustomerMenuResponse::new(menu.items.iter(), menu.version))?,
            categories: PreparedBody::new(&CategoryListResponse::from(menu.categories.clone()))?,
            by_category: menu.categories.iter().map(of_category).collect::<Result<_>>()?,
        })
    }

    /// The size of the responses in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let lists = [&self.menu, &self.menu_with_sold_out, &self.categories];
        lists.into_iter().chain(self.by_category.values()).map(|body| body.bytes.len()).sum()
    }
}

/// A menu item to add.
#[derive(Deserialize, Validate, ToSchema)]
pub struct CreateMenuRequest {
    /// Its category.
    pub category_id: CategoryId,
    /// Its name.
    #[validate(length(min = 1, max = 100), custom(function = not_blank))]
    #[schema(pattern = "not_blank", min_length = 1, max_length = 100, example = "김치찌개")]
    pub name: String,
    /// Its price, in the currency's minor unit.
    #[validate(range(min = 0, max = 100_000_000))]
    #[schema(minimum = 0, maximum = 100_000_000, example = 9000)]
    pub price: i64,
    /// A description for guests.
    #[validate(length(max = 2000), custom(function = printable))]
    #[schema(pattern = "printable", max_length = 2000, example = "잘 익은 김치와 돼지고기를 넣고 얼큰하게 끓인 찌개.")]
    pub description: Option<String>,
    /// The URL of its picture; an empty string means no picture.
    #[validate(length(max = 2000), custom(function = web_address))]
    #[schema(pattern = "web_address", max_length = 2000, example = "https://cdn.example.com/kimchi-jjigae.webp")]
    pub image_url: Option<String>,
    /// Whether it can be ordered now; `true` by default.
    #[schema(example = true)]
    pub is_available: Option<bool>,
    /// Its position within the category; by default after the last menu item.
    #[schema(example = 0)]
    pub display_order: Option<i32>,
}

impl CreateMenuRequest {
    /// Converts the request into a model.
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

/// A change of a menu item. Absent fields keep their values; `null` clears a field.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UpdateMenuRequest {
    /// Its category.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false, value_type = Option<i64>, example = 1)]
    pub category_id: Option<CategoryId>,
    /// Its name.
    #[serde(default, deserialize_with = "non_null")]
    #[validate(length(min = 1, max = 100), custom(function = not_blank))]
    #[schema(pattern = "not_blank", nullable = false, min_length = 1, max_length = 100, example = "묵은지 김치찌개")]
    pub name: Option<String>,
    /// Its price, in the currency's minor unit.
    #[serde(default, deserialize_with = "non_null")]
    #[validate(range(min = 0, max = 100_000_000))]
    #[schema(nullable = false, minimum = 0, maximum = 100_000_000, example = 9500)]
    pub price: Option<i64>,
    /// A description for guests.
    #[serde(default, deserialize_with = "nullable")]
    #[validate(length(max = 2000), custom(function = printable))]
    #[schema(pattern = "printable", value_type = Option<String>, max_length = 2000, example = "삼 년 묵은 김치로 끓인 찌개.")]
    pub description: Option<Option<String>>,
    /// The URL of its picture.
    #[serde(default, deserialize_with = "nullable")]
    #[validate(length(max = 2000), custom(function = web_address))]
    #[schema(pattern = "web_address", value_type = Option<String>, max_length = 2000, example = "https://cdn.example.com/kimchi-jjigae.webp")]
    pub image_url: Option<Option<String>>,
    /// Whether it can be ordered now.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false, example = false)]
    pub is_available: Option<bool>,
    /// Its position within the category.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false, example = 1)]
    pub display_order: Option<i32>,
}

impl UpdateMenuRequest {
    /// Converts the request into a model.
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

/// A new display order of a category's menu items.
#[derive(Deserialize, Validate, ToSchema)]
pub struct ReorderMenusRequest {
    /// The category.
    pub category_id: CategoryId,
    /// The ids of all menu items of the category, each exactly once.
    #[schema(example = json!([3, 1, 2]))]
    pub ids: Vec<MenuItemId>,
}

fn price(price: i64) -> Result<Price> {
    let range = Reason::Range { min: 0, max: Price::MAX };
    Price::try_from(price).map_err(|_| AppError::invalid_field("price", range))
}

/// Existing dashboards send an empty string for "no picture".
fn not_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
