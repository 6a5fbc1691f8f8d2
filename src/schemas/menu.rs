//! Dishes.

use serde::Serialize;
use utoipa::ToSchema;

use crate::models::{CategoryId, Menu, MenuId};

/// A dish.
#[derive(Serialize, ToSchema)]
pub struct MenuResponse {
    /// The dish's id.
    pub id: MenuId,
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

impl From<Menu> for MenuResponse {
    fn from(menu: Menu) -> Self {
        Self {
            id: menu.id,
            name: menu.name,
            price: menu.price.get(),
            description: menu.description,
            image_url: menu.image_url,
            category_id: menu.category_id,
            display_order: menu.display_order,
            is_available: menu.is_available,
        }
    }
}

/// Dishes, in display order.
#[derive(Serialize, ToSchema)]
pub struct MenuListResponse {
    /// The dishes.
    pub menus: Vec<MenuResponse>,
}

impl From<Vec<Menu>> for MenuListResponse {
    fn from(menus: Vec<Menu>) -> Self {
        Self { menus: menus.into_iter().map(MenuResponse::from).collect() }
    }
}
