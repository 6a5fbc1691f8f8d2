//! A store's menu at one version, with the answers made of it.

use std::collections::HashMap;

use crate::error::{ErrorCode, Result};
use crate::models::{CategoryId, Menu, MenuId, WholeMenu};
use crate::schemas::category::CategoryListResponse;
use crate::schemas::menu::MenuListResponse;
use crate::schemas::ready::ReadyAnswer;

/// A store's menu at one version. What orders are priced from, too: whoever writes such an order makes sure that the
/// store's menu is still at [`version`](Self::version) then.
#[derive(Debug)]
pub struct MenuSnapshot {
    /// The store's menu version that all of this belongs to.
    pub version: i64,
    /// Every dish, sold-out ones too, in display order.
    pub menus: Vec<Menu>,
    /// What a guest can order, ready to be sent.
    pub menu_answer: ReadyAnswer,
    /// The categories, ready to be sent.
    pub category_answer: ReadyAnswer,
    places: HashMap<MenuId, usize>,
    categories: Vec<CategoryId>,
}

impl MenuSnapshot {
    pub(super) fn new(whole: WholeMenu) -> Result<Self> {
        let WholeMenu { version, categories, menus } = whole;
        let available: Vec<Menu> = menus.iter().filter(|menu| menu.is_available).cloned().collect();
        Ok(Self {
            version,
            menu_answer: ReadyAnswer::of(&MenuListResponse::from(available))?,
            places: menus.iter().enumerate().map(|(place, menu)| (menu.id, place)).collect(),
            menus,
            categories: categories.iter().map(|category| category.id).collect(),
            category_answer: ReadyAnswer::of(&CategoryListResponse::from(categories))?,
        })
    }

    /// The dish, sold out or not.
    #[must_use]
    pub fn menu(&self, id: MenuId) -> Option<&Menu> {
        self.menus.get(*self.places.get(&id)?)
    }

    /// What a guest can order from one category, in display order.
    ///
    /// # Errors
    /// `CATEGORY_NOT_FOUND`.
    pub fn available_in(&self, category: CategoryId) -> Result<Vec<Menu>> {
        if !self.categories.contains(&category) {
            return Err(ErrorCode::CategoryNotFound.into());
        }
        let is_there = |menu: &&Menu| menu.is_available && menu.category_id == category;
        Ok(self.menus.iter().filter(is_there).cloned().collect())
    }

    /// The dish, if a guest can order it.
    ///
    /// # Errors
    /// `MENU_NOT_FOUND`.
    pub fn available(&self, id: MenuId) -> Result<Menu> {
        let menu = self.menu(id).filter(|menu| menu.is_available);
        menu.cloned().ok_or_else(|| ErrorCode::MenuNotFound.into())
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let of_dish = |menu: &Menu| menu.name.len() + text(&menu.description) + text(&menu.image_url);
        let dishes: usize = self.menus.iter().map(of_dish).sum();
        let each = size_of::<Menu>() + 2 * size_of::<(MenuId, usize)>();
        dishes + self.menus.len() * each + self.menu_answer.bytes.len() + self.category_answer.bytes.len()
    }
}
