//! Dishes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::{AppError, ErrorCode, Result};
use crate::models::{CategoryId, Menu, MenuId, Price, StoreId};
use crate::repositories::OnConstraint;

/// A dish about to be added.
#[derive(Debug, Clone)]
pub struct NewMenu<'a> {
    /// The category it stands in.
    pub category_id: CategoryId,
    /// Its name.
    pub name: &'a str,
    /// Its price.
    pub price: Price,
    /// What it is.
    pub description: Option<&'a str>,
    /// Where its picture is.
    pub image_url: Option<&'a str>,
    /// Whether it can be ordered now.
    pub is_available: bool,
    /// Smaller stands earlier within the category.
    pub display_order: i32,
}

struct MenuRow {
    id: MenuId,
    category_id: CategoryId,
    name: String,
    price: i64,
    description: Option<String>,
    image_url: Option<String>,
    is_available: bool,
    display_order: i32,
}

impl TryFrom<MenuRow> for Menu {
    type Error = AppError;

    fn try_from(row: MenuRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            category_id: row.category_id,
            name: row.name,
            price: row.price.try_into().map_err(AppError::internal)?,
            description: row.description,
            image_url: row.image_url,
            is_available: row.is_available,
            display_order: row.display_order,
        })
    }
}

/// Every dish, category by category, each in display order.
///
/// # Errors
/// Of the database.
pub async fn list(conn: &mut PgConnection, store: StoreId) -> Result<Vec<Menu>> {
    sqlx::query_as!(
        MenuRow,
        r#"SELECT m.id AS "id: MenuId", m.category_id AS "category_id: CategoryId", m.name, m.price, m.description,
                  m.image_url, m.is_available, m.display_order
           FROM menus m JOIN categories c ON c.store_id = m.store_id AND c.id = m.category_id
           WHERE m.store_id = $1
           ORDER BY c.display_order, c.created_at, c.id, m.display_order, m.created_at, m.id"#,
        store.0
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(Menu::try_from)
    .collect()
}

/// Those of the dishes `ids` that exist, in no order.
///
/// # Errors
/// Of the database.
pub async fn find_many(conn: &mut PgConnection, store: StoreId, ids: &[MenuId]) -> Result<Vec<Menu>> {
    sqlx::query_as!(
        MenuRow,
        r#"SELECT id AS "id: MenuId", category_id AS "category_id: CategoryId", name, price, description,
                  image_url, is_available, display_order
           FROM menus WHERE store_id = $1 AND id = ANY($2)"#,
        store.0,
        ids as &[MenuId]
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(Menu::try_from)
    .collect()
}

/// Adds a dish.
///
/// # Errors
/// `CATEGORY_NOT_FOUND` for a category the store does not have.
pub async fn insert(conn: &mut PgConnection, store: StoreId, menu: &NewMenu<'_>, now: DateTime<Utc>) -> Result<MenuId> {
    sqlx::query_scalar!(
        r#"INSERT INTO menus (store_id, category_id, name, price, description, image_url, is_available,
                              display_order, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           RETURNING id AS "id: MenuId""#,
        store.0,
        menu.category_id.0,
        menu.name,
        menu.price.get(),
        menu.description,
        menu.image_url,
        menu.is_available,
        menu.display_order,
        now
    )
    .fetch_one(conn)
    .await
    .on_constraint("menus_category_fkey", ErrorCode::CategoryNotFound)
}
