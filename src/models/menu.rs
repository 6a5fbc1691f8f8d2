//! The menu: categories and menu items.

use serde::Deserialize;

use super::{CategoryId, MenuItemId, Price};

/// A category of the menu.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Category {
    /// The category's id.
    pub id: CategoryId,
    /// Its name, unique in the store.
    pub name: String,
    /// Smaller comes first; equal ones in order of creation.
    pub display_order: i32,
}

/// A store's whole menu at one version.
#[derive(Debug, Clone)]
pub struct MenuData {
    /// Grows with every change of a category or menu item.
    pub version: i64,
    /// Every category, in display order.
    pub categories: Vec<Category>,
    /// Every menu item, sold-out ones too, category by category, each in display order.
    pub items: Vec<MenuItem>,
}

/// Something a guest can order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MenuItem {
    /// The menu item's id.
    pub id: MenuItemId,
    /// Its place within the category: smaller comes first; equal ones in order of creation.
    pub display_order: i32,
    /// The store's menu version when its name or price last changed; 0 where that is not known.
    pub terms_version: i64,
    /// Everything else about it.
    #[serde(flatten)]
    pub details: MenuItemDetails,
}

/// The properties of a menu item, stored or about to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MenuItemDetails {
    /// The category it belongs to.
    pub category_id: CategoryId,
    /// Its name: 1 to 100 characters.
    pub name: String,
    /// Its price.
    pub price: Price,
    /// A description for guests.
    pub description: Option<String>,
    /// The address of its picture.
    pub image_url: Option<String>,
    /// Whether it can be ordered now.
    pub is_available: bool,
}

/// A change of a menu item; `None` leaves a field as it is, `Some(None)` clears it.
#[derive(Debug, Default, Clone)]
pub struct MenuItemChange {
    /// The category it belongs to.
    pub category_id: Option<CategoryId>,
    /// Its name.
    pub name: Option<String>,
    /// Its price.
    pub price: Option<Price>,
    /// A description for guests.
    pub description: Option<Option<String>>,
    /// The address of its picture.
    pub image_url: Option<Option<String>>,
    /// Whether it can be ordered now.
    pub is_available: Option<bool>,
    /// Its place within the category.
    pub display_order: Option<i32>,
}

impl MenuItemDetails {
    /// Whether a guest who saw `other` would order the same at the same price.
    #[must_use]
    pub fn has_terms_of(&self, other: &Self) -> bool {
        self.name == other.name && self.price == other.price
    }

    /// The bytes of its name, description and image address.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.name.len() + optional(&self.description) + optional(&self.image_url)
    }
}

impl MenuItemChange {
    /// Whether it changes nothing but whether the item can be ordered now.
    #[must_use]
    pub fn is_availability_alone(&self) -> bool {
        let Self { category_id, name, price, description, image_url, is_available: _, display_order } = self;
        category_id.is_none()
            && name.is_none()
            && price.is_none()
            && description.is_none()
            && image_url.is_none()
            && display_order.is_none()
    }

    /// `item` with this change.
    #[must_use]
    pub fn apply(self, item: MenuItem) -> MenuItem {
        let MenuItem { id, display_order, terms_version, details } = item;
        MenuItem {
            id,
            terms_version,
            display_order: self.display_order.unwrap_or(display_order),
            details: MenuItemDetails {
                category_id: self.category_id.unwrap_or(details.category_id),
                name: self.name.unwrap_or(details.name),
                price: self.price.unwrap_or(details.price),
                description: self.description.unwrap_or(details.description),
                image_url: self.image_url.unwrap_or(details.image_url),
                is_available: self.is_available.unwrap_or(details.is_available),
            },
        }
    }
}
