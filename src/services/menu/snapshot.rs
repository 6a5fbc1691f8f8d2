//! A store's menu at one version.

use std::collections::HashMap;

use crate::error::{ErrorCode, Result};
use crate::models::{Category, CategoryId, MenuData, MenuItem, MenuItemId};

/// A store's menu at one version. Orders are priced with it; the statement that stores an order checks that the store's
/// menu still has this [`version`](Self::version).
#[derive(Debug)]
pub struct MenuSnapshot {
    /// The store's menu version.
    pub version: i64,
    /// Every category, in display order.
    pub categories: Vec<Category>,
    /// Every menu item, sold-out ones too, in display order.
    pub items: Vec<MenuItem>,
    index_by_id: HashMap<MenuItemId, usize>,
}

impl MenuSnapshot {
    pub(super) fn new(data: MenuData) -> Self {
        let MenuData { version, categories, items } = data;
        let index_by_id = items.iter().enumerate().map(|(index, item)| (item.id, index)).collect();
        Self { version, categories, items, index_by_id }
    }

    /// The menu item, sold out or not.
    #[must_use]
    pub fn item(&self, id: MenuItemId) -> Option<&MenuItem> {
        self.items.get(*self.index_by_id.get(&id)?)
    }

    /// The menu items that can be ordered now, in display order.
    pub fn available(&self) -> impl Iterator<Item = &MenuItem> {
        self.items.iter().filter(|item| item.details.is_available)
    }

    /// The menu items of one category that can be ordered now, in display order.
    pub fn available_in(&self, category: CategoryId) -> impl Iterator<Item = &MenuItem> {
        self.available().filter(move |item| item.details.category_id == category)
    }

    /// The menu item, if it can be ordered now.
    ///
    /// # Errors
    /// `MENU_NOT_FOUND`.
    pub fn available_item(&self, id: MenuItemId) -> Result<&MenuItem> {
        let item = self.item(id).filter(|item| item.details.is_available);
        item.ok_or_else(|| ErrorCode::MenuNotFound.into())
    }

    /// The approximate size of the menu in bytes.
    pub(super) fn size(&self) -> usize {
        let texts = self.items.iter().map(|item| item.details.text_bytes());
        let each = size_of::<MenuItem>() + 2 * size_of::<(MenuItemId, usize)>();
        texts.sum::<usize>() + self.items.len() * each + self.categories.len() * size_of::<Category>()
    }
}
