//! Menu items.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::{ErrorCode, Result};
use crate::models::{CategoryId, MenuItem, MenuItemDetails, MenuItemId, Price, StoreId};
use crate::repositories::{OnConstraint, expect_one};

/// Selects menu items `m`. `$tail` filters, sorts or locks them.
macro_rules! select_items {
    ($tail:literal, $($bind:expr),*) => {
        sqlx::query!(
            r#"SELECT m.id AS "id: MenuItemId", m.category_id AS "category_id: CategoryId", m.name,
                      m.price AS "price: Price", m.description, m.image_url, m.is_available, m.display_order,
                      m.terms_version
               FROM menus m "# + $tail,
            $($bind),*
        )
        .map(|row| MenuItem {
            id: row.id,
            display_order: row.display_order,
            terms_version: row.terms_version,
            details: MenuItemDetails {
                category_id: row.category_id,
                name: row.name,
                price: row.price,
                description: row.description,
                image_url: row.image_url,
                is_available: row.is_available,
            },
        })
    };
}

/// All menu items, by category, in display order.
pub async fn list(conn: &mut PgConnection, store: StoreId) -> Result<Vec<MenuItem>> {
    let items = select_items!(
        "JOIN categories c ON c.store_id = m.store_id AND c.id = m.category_id
         WHERE m.store_id = $1
         ORDER BY c.display_order, c.created_at, c.id, m.display_order, m.created_at, m.id",
        store.0
    );
    Ok(items.fetch_all(conn).await?)
}

/// The menu items of one category, in display order.
pub async fn list_by_category(conn: &mut PgConnection, store: StoreId, category: CategoryId) -> Result<Vec<MenuItem>> {
    let items = select_items!(
        "WHERE m.store_id = $1 AND m.category_id = $2 ORDER BY m.display_order, m.created_at, m.id",
        store.0,
        category.0
    );
    Ok(items.fetch_all(conn).await?)
}

/// The menu item.
///
/// # Errors
/// `MENU_NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, store: StoreId, item: MenuItemId) -> Result<MenuItem> {
    let items = select_items!("WHERE m.store_id = $1 AND m.id = $2", store.0, item.0);
    items.fetch_optional(conn).await?.ok_or_else(|| ErrorCode::MenuNotFound.into())
}

/// Reads the menu item and locks it against concurrent changes.
///
/// # Errors
/// `MENU_NOT_FOUND`.
pub async fn lock(conn: &mut PgConnection, store: StoreId, item: MenuItemId) -> Result<MenuItem> {
    let items = select_items!("WHERE m.store_id = $1 AND m.id = $2 FOR NO KEY UPDATE", store.0, item.0);
    items.fetch_optional(conn).await?.ok_or_else(|| ErrorCode::MenuNotFound.into())
}

/// Adds a menu item.
///
/// # Errors
/// `CATEGORY_NOT_FOUND` if the store does not have the category.
pub async fn insert(
    conn: &mut PgConnection,
    store: StoreId,
    item: &MenuItemDetails,
    display_order: i32,
    now: DateTime<Utc>,
) -> Result<MenuItemId> {
    sqlx::query_scalar!(
        r#"INSERT INTO menus (store_id, category_id, name, price, description, image_url, is_available,
                              display_order, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           RETURNING id AS "id: MenuItemId""#,
        store.0,
        item.category_id.0,
        item.name,
        item.price.get(),
        item.description,
        item.image_url,
        item.is_available,
        display_order,
        now
    )
    .fetch_one(conn)
    .await
    .on_constraint("menus_category_fkey", ErrorCode::CategoryNotFound)
}

/// Locks all menu items of a category against concurrent changes, and returns their ids. They are locked in an order that
/// never changes, so that two transactions cannot deadlock.
pub async fn lock_category(conn: &mut PgConnection, store: StoreId, category: CategoryId) -> Result<Vec<MenuItemId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: MenuItemId" FROM menus WHERE store_id = $1 AND category_id = $2
           ORDER BY created_at, id FOR NO KEY UPDATE"#,
        store.0,
        category.0
    )
    .fetch_all(conn)
    .await?)
}

/// The largest display order in use in a category.
pub async fn last_display_order(conn: &mut PgConnection, store: StoreId, category: CategoryId) -> Result<Option<i32>> {
    Ok(sqlx::query_scalar!(
        "SELECT max(display_order) FROM menus WHERE store_id = $1 AND category_id = $2",
        store.0,
        category.0
    )
    .fetch_one(conn)
    .await?)
}

/// Writes all fields of a menu item except `terms_version`.
///
/// # Errors
/// `CATEGORY_NOT_FOUND` if the store does not have the category, `MENU_NOT_FOUND`.
pub async fn update(conn: &mut PgConnection, store: StoreId, item: &MenuItem) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE menus SET category_id = $3, name = $4, price = $5, description = $6, image_url = $7,
                          is_available = $8, display_order = $9
         WHERE store_id = $1 AND id = $2",
        store.0,
        item.id.0,
        item.details.category_id.0,
        item.details.name,
        item.details.price.get(),
        item.details.description,
        item.details.image_url,
        item.details.is_available,
        item.display_order
    )
    .execute(conn)
    .await
    .on_constraint("menus_category_fkey", ErrorCode::CategoryNotFound)?;
    expect_one(&result, ErrorCode::MenuNotFound)
}

/// Records that the name or price of a menu item changed in this menu version.
///
/// # Errors
/// `MENU_NOT_FOUND`.
pub async fn set_terms_version(conn: &mut PgConnection, store: StoreId, item: MenuItemId, version: i64) -> Result<()> {
    let result =
        sqlx::query!("UPDATE menus SET terms_version = $3 WHERE store_id = $1 AND id = $2", store.0, item.0, version)
            .execute(conn)
            .await?;
    expect_one(&result, ErrorCode::MenuNotFound)
}

/// The number of menu items.
pub async fn count(conn: &mut PgConnection, store: StoreId) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM menus WHERE store_id = $1"#, store.0)
        .fetch_one(conn)
        .await?)
}

/// The total bytes of all menu items' names, descriptions and image addresses.
pub async fn bytes(conn: &mut PgConnection, store: StoreId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT coalesce(sum(octet_length(name) + coalesce(octet_length(description), 0)
                               + coalesce(octet_length(image_url), 0)), 0)::bigint AS "bytes!"
           FROM menus WHERE store_id = $1"#,
        store.0
    )
    .fetch_one(conn)
    .await?)
}

/// Sets the display orders of the menu items `ids` to 0, 1, 2 …
pub async fn reorder(conn: &mut PgConnection, store: StoreId, ids: &[MenuItemId]) -> Result<()> {
    update_display_order!("menus", conn, store, ids)?;
    Ok(())
}

/// Deletes a menu item. Past orders keep their lines.
///
/// # Errors
/// `MENU_NOT_FOUND`.
pub async fn delete(conn: &mut PgConnection, store: StoreId, item: MenuItemId) -> Result<()> {
    let result =
        sqlx::query!("DELETE FROM menus WHERE store_id = $1 AND id = $2", store.0, item.0).execute(conn).await?;
    expect_one(&result, ErrorCode::MenuNotFound)
}
