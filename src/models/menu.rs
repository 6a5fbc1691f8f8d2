//! The menu: categories and menu items.

use serde::{Deserialize, Serialize};

use super::{CategoryId, MenuItemId, Price};

/// A category of the menu.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Category {
    /// The category's id.
    pub id: CategoryId,
    /// Its name, unique in the store.
    pub name: String,
    /// Its position. Smaller values come first; equal values in order of creation.
    pub display_order: i32,
}

/// A store's whole menu at one version.
#[derive(Debug, Clone)]
pub struct MenuData {
    /// Incremented by every change of a category or menu item.
    pub version: i64,
    /// Every category, in display order.
    pub categories: Vec<Category>,
    /// Every menu item, sold-out ones too, category by category, each in display order.
    pub items: Vec<MenuItem>,
}

/// A menu item. Its JSON is stored for a day in `idempotency_keys`: a new field needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuItem {
    /// The menu item's id.
    pub id: MenuItemId,
    /// Its position within the category. Smaller values come first; equal values in order of creation.
    pub display_order: i32,
    /// The menu version in which its name or price last changed; 0 if unknown.
    pub terms_version: i64,
    /// Its other properties.
    #[serde(flatten)]
    pub details: MenuItemDetails,
}

/// The properties of a stored or new menu item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuItemDetails {
    /// The category it belongs to.
    pub category_id: CategoryId,
    /// Its name: 1 to 100 characters.
    pub name: String,
    /// Its price.
    pub price: Price,
    /// A description for guests.
    pub description: Option<String>,
    /// The URL of its picture.
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
    /// The URL of its picture.
    pub image_url: Option<Option<String>>,
    /// Whether it can be ordered now.
    pub is_available: Option<bool>,
    /// Its position within the category.
    pub display_order: Option<i32>,
}

impl MenuItemDetails {
    /// Whether `other` has the same name and price.
    #[must_use]
    pub fn has_terms_of(&self, other: &Self) -> bool {
        self.name == other.name && self.price == other.price
    }

    /// The size of its name, description and image URL, in bytes.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.name.len() + optional(&self.description) + optional(&self.image_url)
    }
}

impl MenuItemChange {
    /// Whether it changes no field but `is_available`.
    #[must_use]
    pub fn is_availability_only(&self) -> bool {
        let Self { category_id, name, price, description, image_url, is_available: _, display_order } = self;
        category_id.is_none()
            && name.is_none()
            && price.is_none()
            && description.is_none()
            && image_url.is_none()
            && display_order.is_none()
    }

    /// Returns `item` with this change applied.
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
