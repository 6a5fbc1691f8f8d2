//! Dishes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::{AppError, ErrorCode, Result};
use crate::models::{CategoryId, Menu, MenuId, Price, StoreId};
use crate::repositories::{OnConstraint, expect_one};

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

/// The dish.
///
/// # Errors
/// `MENU_NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, store: StoreId, menu: MenuId) -> Result<Menu> {
    find_many(conn, store, &[menu]).await?.pop().ok_or_else(|| ErrorCode::MenuNotFound.into())
}

/// The dish, locked against being changed by another.
///
/// # Errors
/// `MENU_NOT_FOUND`.
pub async fn lock(conn: &mut PgConnection, store: StoreId, menu: MenuId) -> Result<Menu> {
    sqlx::query_as!(
        MenuRow,
        r#"SELECT id AS "id: MenuId", category_id AS "category_id: CategoryId", name, price, description,
                  image_url, is_available, display_order
           FROM menus WHERE store_id = $1 AND id = $2 FOR UPDATE"#,
        store.0,
        menu.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ErrorCode::MenuNotFound)?
    .try_into()
}

/// The ids of a category's dishes, locked against being changed or deleted by another; in an order that no
/// change changes, so that two who lock them all never wait for each other.
///
/// # Errors
/// Of the database.
pub async fn lock_category(conn: &mut PgConnection, store: StoreId, category: CategoryId) -> Result<Vec<MenuId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: MenuId" FROM menus WHERE store_id = $1 AND category_id = $2
           ORDER BY created_at, id FOR UPDATE"#,
        store.0,
        category.0
    )
    .fetch_all(conn)
    .await?)
}

/// The largest display order in use in a category.
///
/// # Errors
/// Of the database.
pub async fn last_display_order(conn: &mut PgConnection, store: StoreId, category: CategoryId) -> Result<Option<i32>> {
    Ok(sqlx::query_scalar!(
        "SELECT max(display_order) FROM menus WHERE store_id = $1 AND category_id = $2",
        store.0,
        category.0
    )
    .fetch_one(conn)
    .await?)
}

/// Writes everything of a dish.
///
/// # Errors
/// `CATEGORY_NOT_FOUND` for a category the store does not have, `MENU_NOT_FOUND`.
pub async fn update(conn: &mut PgConnection, store: StoreId, menu: &Menu) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE menus SET category_id = $3, name = $4, price = $5, description = $6, image_url = $7,
                          is_available = $8, display_order = $9
         WHERE store_id = $1 AND id = $2",
        store.0,
        menu.id.0,
        menu.category_id.0,
        menu.name,
        menu.price.get(),
        menu.description,
        menu.image_url,
        menu.is_available,
        menu.display_order
    )
    .execute(conn)
    .await
    .on_constraint("menus_category_fkey", ErrorCode::CategoryNotFound)?;
    expect_one(&result, ErrorCode::MenuNotFound)
}

/// Gives the dishes `ids` the display orders 0, 1, 2 …
///
/// # Errors
/// Of the database.
pub async fn reorder(conn: &mut PgConnection, store: StoreId, ids: &[MenuId]) -> Result<()> {
    sqlx::query!(
        "UPDATE menus SET display_order = array_position($2::bigint[], id) - 1
         WHERE store_id = $1 AND id = ANY($2)",
        store.0,
        ids as &[MenuId]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a dish; past orders keep their lines.
///
/// # Errors
/// `MENU_NOT_FOUND`.
pub async fn delete(conn: &mut PgConnection, store: StoreId, menu: MenuId) -> Result<()> {
    let result =
        sqlx::query!("DELETE FROM menus WHERE store_id = $1 AND id = $2", store.0, menu.0).execute(conn).await?;
    expect_one(&result, ErrorCode::MenuNotFound)
}
