//! The menu: categories and dishes.

use super::{CategoryId, MenuId, Price};

/// A category of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// The category's id.
    pub id: CategoryId,
    /// Its name, unique in the store.
    pub name: String,
    /// Smaller stands earlier; equal ones in order of creation.
    pub display_order: i32,
}

/// A store's whole menu at one moment.
#[derive(Debug, Clone)]
pub struct WholeMenu {
    /// Grows with every change of a category or dish.
    pub version: i64,
    /// Every category, in display order.
    pub categories: Vec<Category>,
    /// Every dish, sold-out ones too, category by category, each in display order.
    pub menus: Vec<Menu>,
}

/// A dish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The dish's id.
    pub id: MenuId,
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
    /// Smaller stands earlier within the category.
    pub display_order: i32,
}
