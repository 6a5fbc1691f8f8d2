//! A store's menu at one version, with the responses made of it.

use std::collections::HashMap;

use crate::error::{ErrorCode, Result};
use crate::models::{CategoryId, MenuData, MenuItem, MenuItemId};
use crate::schemas::category::CategoryListResponse;
use crate::schemas::menu::MenuListResponse;
use crate::schemas::ready::ReadyAnswer;

/// A store's menu at one version. Orders are priced from it; writing such an order checks that the store's menu still
/// has this [`version`](Self::version).
#[derive(Debug)]
pub struct MenuSnapshot {
    /// The store's menu version.
    pub version: i64,
    /// Every menu item, sold-out ones too, in display order.
    pub items: Vec<MenuItem>,
    /// What a guest can order, ready to be sent.
    pub menu_answer: ReadyAnswer,
    /// The categories, ready to be sent.
    pub category_answer: ReadyAnswer,
    index_by_id: HashMap<MenuItemId, usize>,
    categories: Vec<CategoryId>,
}

impl MenuSnapshot {
    pub(super) fn new(data: MenuData) -> Result<Self> {
        let MenuData { version, categories, items } = data;
        let available: Vec<MenuItem> = items.iter().filter(|item| item.details.is_available).cloned().collect();
        Ok(Self {
            version,
            menu_answer: ReadyAnswer::of(&MenuListResponse::from(available))?,
            index_by_id: items.iter().enumerate().map(|(index, item)| (item.id, index)).collect(),
            items,
            categories: categories.iter().map(|category| category.id).collect(),
            category_answer: ReadyAnswer::of(&CategoryListResponse::from(categories))?,
        })
    }

    /// The menu item, sold out or not.
    #[must_use]
    pub fn item(&self, id: MenuItemId) -> Option<&MenuItem> {
        self.items.get(*self.index_by_id.get(&id)?)
    }

    /// What a guest can order from one category, in display order.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`.
    pub fn available_in(&self, category: CategoryId) -> Result<Vec<MenuItem>> {
        if !self.categories.contains(&category) {
            return Err(ErrorCode::CategoryNotFound.into());
        }
        let is_offered = |item: &&MenuItem| item.details.is_available && item.details.category_id == category;
        Ok(self.items.iter().filter(is_offered).cloned().collect())
    }

    /// The menu item, if a guest can order it.
    ///
    /// # Errors
    /// `MENU_NOT_FOUND`.
    pub fn available(&self, id: MenuItemId) -> Result<MenuItem> {
        let item = self.item(id).filter(|item| item.details.is_available);
        item.cloned().ok_or_else(|| ErrorCode::MenuNotFound.into())
    }

    /// Its approximate size in bytes.
    pub(super) fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let texts = self
            .items
            .iter()
            .map(|MenuItem { details, .. }| details.name.len() + text(&details.description) + text(&details.image_url));
        let each = size_of::<MenuItem>() + 2 * size_of::<(MenuItemId, usize)>();
        texts.sum::<usize>() + self.items.len() * each + self.menu_answer.bytes.len() + self.category_answer.bytes.len()
    }
}
