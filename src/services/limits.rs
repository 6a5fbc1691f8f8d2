//! The limits of a store.
//!
//! Each check counts the rows after the change, as the last step of its transaction. By then the store's row is locked,
//! so of two concurrent additions the second one counts the first.

use crate::config::StoreLimits;
use crate::database::Connection;
use crate::error::{AppError, ErrorCode, Limit, Result};
use crate::models::StoreId;
use crate::repositories::{category, event, menu_item, table, user};

/// Checks the number of a store's tables.
///
/// # Errors
/// `LIMIT_REACHED`.
pub(super) async fn check_tables(tx: &mut Connection, store: StoreId, limits: StoreLimits) -> Result<()> {
    event::lock_store(tx, store).await?;
    check(Limit::Tables, table::count(tx, store).await?, limits.tables)
}

/// Checks the number of a store's users.
///
/// # Errors
/// `LIMIT_REACHED`.
pub(super) async fn check_users(tx: &mut Connection, store: StoreId, limits: StoreLimits) -> Result<()> {
    event::lock_store(tx, store).await?;
    check(Limit::Users, user::count(tx, store).await?, limits.users)
}

/// Checks the number of a store's categories. An event of the same transaction has locked the store's row.
///
/// # Errors
/// `LIMIT_REACHED`.
pub(super) async fn check_categories(tx: &mut Connection, store: StoreId, limits: StoreLimits) -> Result<()> {
    check(Limit::Categories, category::count(tx, store).await?, limits.categories)
}

/// Checks the number of a store's menu items. An event of the same transaction has locked the store's row.
///
/// # Errors
/// `LIMIT_REACHED`.
pub(super) async fn check_menu_items(tx: &mut Connection, store: StoreId, limits: StoreLimits) -> Result<()> {
    check(Limit::MenuItems, menu_item::count(tx, store).await?, limits.menu_items)
}

/// Checks the size of a store's menu items. An event of the same transaction has locked the store's row.
///
/// # Errors
/// `LIMIT_REACHED`.
pub(super) async fn check_menu_bytes(tx: &mut Connection, store: StoreId, limits: StoreLimits) -> Result<()> {
    check(Limit::MenuBytes, menu_item::bytes(tx, store).await?, limits.menu_bytes)
}

fn check(limit: Limit, count: i64, maximum: i64) -> Result<()> {
    if count > maximum { Err(AppError::limit_reached(ErrorCode::LimitReached, limit, maximum)) } else { Ok(()) }
}
