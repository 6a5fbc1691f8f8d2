//! Categories of the menu.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::{ErrorCode, Result};
use crate::models::{Category, CategoryId, StoreId};
use crate::repositories::OnConstraint;

/// Every category, in display order.
///
/// # Errors
/// Of the database.
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
/// `DUPLICATE` for a name that is taken.
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
