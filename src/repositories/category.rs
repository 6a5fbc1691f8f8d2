//! Categories of the menu.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::{ErrorCode, Result};
use crate::models::{Category, CategoryId, StoreId};
use crate::repositories::{OnConstraint, expect_one};

/// Every category, in display order.
pub async fn list(conn: &mut PgConnection, store: StoreId) -> Result<Vec<Category>> {
    Ok(sqlx::query_as!(
        Category,
        r#"SELECT id AS "id: CategoryId", name, display_order FROM categories
           WHERE store_id = $1 ORDER BY display_order, created_at, id"#,
        store.0
    )
    .fetch_all(conn)
    .await?)
}

/// Adds a category.
///
/// # Errors
/// `DUPLICATE` if the name is in use.
pub async fn insert(
    conn: &mut PgConnection,
    store: StoreId,
    name: &str,
    display_order: i32,
    now: DateTime<Utc>,
) -> Result<CategoryId> {
    sqlx::query_scalar!(
        r#"INSERT INTO categories (store_id, name, display_order, created_at) VALUES ($1, $2, $3, $4)
           RETURNING id AS "id: CategoryId""#,
        store.0,
        name,
        display_order,
        now
    )
    .fetch_one(conn)
    .await
    .on_constraint("categories_name_key", ErrorCode::Duplicate)
}

/// The category.
///
/// # Errors
/// `CATEGORY_NOT_FOUND`.
pub async fn get(conn: &mut PgConnection, store: StoreId, category: CategoryId) -> Result<Category> {
    sqlx::query_as!(
        Category,
        r#"SELECT id AS "id: CategoryId", name, display_order FROM categories WHERE store_id = $1 AND id = $2"#,
        store.0,
        category.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| ErrorCode::CategoryNotFound.into())
}

/// Reads the category and locks it against concurrent changes.
///
/// # Errors
/// `CATEGORY_NOT_FOUND`.
pub async fn lock(conn: &mut PgConnection, store: StoreId, category: CategoryId) -> Result<Category> {
    sqlx::query_as!(
        Category,
        r#"SELECT id AS "id: CategoryId", name, display_order FROM categories
           WHERE store_id = $1 AND id = $2 FOR NO KEY UPDATE"#,
        store.0,
        category.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| ErrorCode::CategoryNotFound.into())
}

/// Locks all categories against concurrent changes, and returns their ids. They are locked in an order that never changes,
/// so that two transactions cannot deadlock.
pub async fn lock_all(conn: &mut PgConnection, store: StoreId) -> Result<Vec<CategoryId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: CategoryId" FROM categories WHERE store_id = $1 ORDER BY created_at, id FOR NO KEY UPDATE"#,
        store.0
    )
    .fetch_all(conn)
    .await?)
}

/// The number of categories.
pub async fn count(conn: &mut PgConnection, store: StoreId) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM categories WHERE store_id = $1"#, store.0)
        .fetch_one(conn)
        .await?)
}

/// The largest display order in use.
pub async fn last_display_order(conn: &mut PgConnection, store: StoreId) -> Result<Option<i32>> {
    Ok(sqlx::query_scalar!("SELECT max(display_order) FROM categories WHERE store_id = $1", store.0)
        .fetch_one(conn)
        .await?)
}

/// Writes a category's name and display order.
///
/// # Errors
/// `DUPLICATE` if the name is in use, `CATEGORY_NOT_FOUND`.
pub async fn update(conn: &mut PgConnection, store: StoreId, category: &Category) -> Result<()> {
    let result = sqlx::query!(
        "UPDATE categories SET name = $3, display_order = $4 WHERE store_id = $1 AND id = $2",
        store.0,
        category.id.0,
        category.name,
        category.display_order
    )
    .execute(conn)
    .await
    .on_constraint("categories_name_key", ErrorCode::Duplicate)?;
    expect_one(&result, ErrorCode::CategoryNotFound)
}

/// Sets the display orders of the categories `ids` to 0, 1, 2 …
pub async fn reorder(conn: &mut PgConnection, store: StoreId, ids: &[CategoryId]) -> Result<()> {
    update_display_order!("categories", conn, store, ids)?;
    Ok(())
}

/// Deletes a category.
///
/// # Errors
/// `CATEGORY_HAS_MENUS`, `CATEGORY_NOT_FOUND`.
pub async fn delete(conn: &mut PgConnection, store: StoreId, category: CategoryId) -> Result<()> {
    let result = sqlx::query!("DELETE FROM categories WHERE store_id = $1 AND id = $2", store.0, category.0)
        .execute(conn)
        .await
        .on_constraint("menus_category_fkey", ErrorCode::CategoryHasMenus)?;
    expect_one(&result, ErrorCode::CategoryNotFound)
}
