//! A store's whole menu, read in one snapshot.

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::{ErrorCode, Result};
use crate::models::{Category, MenuData, MenuItem, StoreId};

/// The store's menu and its version. One statement reads both, so that they are from the same snapshot.
///
/// # Errors
/// `STORE_NOT_FOUND`.
pub async fn read(conn: &mut PgConnection, store: StoreId) -> Result<MenuData> {
    let row = sqlx::query!(
        r#"SELECT s.menu_version,
             (SELECT coalesce(json_agg(json_build_object('id', c.id, 'name', c.name, 'display_order', c.display_order)
                                       ORDER BY c.display_order, c.created_at, c.id), '[]')
              FROM categories c WHERE c.store_id = $1) AS "categories!: Json<Vec<Category>>",
             (SELECT coalesce(json_agg(json_build_object(
                                         'id', m.id, 'category_id', m.category_id, 'name', m.name, 'price', m.price,
                                         'description', m.description, 'image_url', m.image_url,
                                         'is_available', m.is_available, 'display_order', m.display_order,
                                         'terms_version', m.terms_version)
                                       ORDER BY c.display_order, c.created_at, c.id, m.display_order, m.created_at, m.id),
                              '[]')
              FROM menus m JOIN categories c ON c.store_id = $1 AND c.id = m.category_id
              WHERE m.store_id = $1) AS "items!: Json<Vec<MenuItem>>"
           FROM store_streams s WHERE s.store_id = $1"#,
        store.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ErrorCode::StoreNotFound)?;
    Ok(MenuData { version: row.menu_version, categories: row.categories.0, items: row.items.0 })
}
