//! A store's whole menu at one moment.

use sqlx::PgConnection;

use crate::error::{AppError, ErrorCode, Result};
use crate::models::{Category, CategoryId, Menu, MenuId, StoreId, WholeMenu};

/// A category, and a dish of it if there is any. What belongs together is there together.
struct Row {
    menu_version: i64,
    category_id: Option<CategoryId>,
    category_name: Option<String>,
    category_order: Option<i32>,
    menu_id: Option<MenuId>,
    menu_name: Option<String>,
    price: Option<i64>,
    description: Option<String>,
    image_url: Option<String>,
    is_available: Option<bool>,
    display_order: Option<i32>,
}

impl Row {
    fn category(&mut self) -> Option<Category> {
        Some(Category { id: self.category_id?, name: self.category_name.take()?, display_order: self.category_order? })
    }

    fn menu(self) -> Option<Result<Menu>> {
        let (id, category_id, name) = (self.menu_id?, self.category_id?, self.menu_name?);
        let (is_available, display_order) = (self.is_available?, self.display_order?);
        let price = self.price?.try_into().map_err(AppError::internal);
        let Self { description, image_url, .. } = self;
        Some(price.map(|price| Menu {
            id,
            category_id,
            name,
            price,
            description,
            image_url,
            is_available,
            display_order,
        }))
    }
}

/// The store's menu and the version it has. One statement sees one moment: the two belong together.
///
/// # Errors
/// `STORE_NOT_FOUND`.
pub async fn read(conn: &mut PgConnection, store: StoreId) -> Result<WholeMenu> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.menu_version, c.id AS "category_id?: CategoryId", c.name AS "category_name?",
                  c.display_order AS "category_order?", m.id AS "menu_id?: MenuId", m.name AS "menu_name?",
                  m.price AS "price?", m.description, m.image_url, m.is_available AS "is_available?",
                  m.display_order AS "display_order?"
           FROM store_streams s
           LEFT JOIN categories c ON c.store_id = $1
           LEFT JOIN menus m ON m.store_id = $1 AND m.category_id = c.id
           WHERE s.store_id = $1
           ORDER BY c.display_order, c.created_at, c.id, m.display_order, m.created_at, m.id"#,
        store.0
    )
    .fetch_all(conn)
    .await?;
    let version = rows.first().ok_or(ErrorCode::StoreNotFound)?.menu_version;
    let (mut categories, mut menus) = (Vec::<Category>::new(), Vec::new());
    for mut row in rows {
        if categories.last().map(|category| category.id) != row.category_id {
            categories.extend(row.category());
        }
        menus.extend(row.menu().transpose()?);
    }
    Ok(WholeMenu { version, categories, menus })
}
