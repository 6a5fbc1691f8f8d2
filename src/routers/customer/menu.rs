//! Guests read the menu.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{AppError, Result};
use crate::models::{CategoryId, MenuItemId};
use crate::routers::etag::{IfNoneMatch, with_etag};
use crate::routers::extract::Path;
use crate::schemas::category::CategoryListResponse;
use crate::schemas::menu::{MenuListResponse, MenuResponse};
use crate::schemas::ready::ReadyAnswer;
use crate::security::identity::TableIdentity;
use crate::services::{MenuService, MenuSnapshot};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_categories))
        .routes(routes!(list_menus))
        .routes(routes!(list_category_menus))
        .routes(routes!(get_menu))
}

/// The menu that the store has now, for its tablets: a handler that takes it is guarded.
struct CurrentMenu(Arc<MenuSnapshot>);

impl FromRequestParts<AppState> for CurrentMenu {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let table = TableIdentity::from_request_parts(parts, state).await?;
        let menus: &MenuService = state.as_ref();
        menus.at_least(table.store_id, table.versions.menu).await.map(Self)
    }
}

/// The categories
#[utoipa::path(
    get, path = "/api/v1/customer/menu/categories", tag = "customer: menu",
    security(("table_token" = [])),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the answer the client has")),
    responses(
        (status = 200, description = "In display order", body = CategoryListResponse,
            headers(("ETag" = String, description = "Changes when the answer does"))),
        (status = 304, description = "The client's copy is current",
            headers(("ETag" = String, description = "As the client has it"))),
    ),
)]
async fn list_categories(CurrentMenu(menu): CurrentMenu, client: IfNoneMatch) -> Response {
    with_etag(&client, &menu.category_answer)
}

/// The menu
///
/// Only what can be ordered now.
#[utoipa::path(
    get, path = "/api/v1/customer/menu", tag = "customer: menu",
    security(("table_token" = [])),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the answer the client has")),
    responses(
        (status = 200, description = "In display order", body = MenuListResponse,
            headers(("ETag" = String, description = "Changes when the answer does"))),
        (status = 304, description = "The client's copy is current",
            headers(("ETag" = String, description = "As the client has it"))),
    ),
)]
async fn list_menus(CurrentMenu(menu): CurrentMenu, client: IfNoneMatch) -> Response {
    with_etag(&client, &menu.menu_answer)
}

/// The menu of one category
///
/// Only what can be ordered now.
#[utoipa::path(
    get, path = "/api/v1/customer/menu/category/{category_id}", tag = "customer: menu",
    security(("table_token" = [])),
    params(("category_id" = CategoryId, Path, description = "The category"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the answer the client has")),
    responses(
        (status = 200, description = "In display order", body = MenuListResponse,
            headers(("ETag" = String, description = "Changes when the answer does"))),
        (status = 304, description = "The client's copy is current",
            headers(("ETag" = String, description = "As the client has it"))),
    ),
    extensions(("x-errors" = json!(["CATEGORY_NOT_FOUND"]))),
)]
async fn list_category_menus(
    CurrentMenu(menu): CurrentMenu,
    Path(category): Path<CategoryId>,
    client: IfNoneMatch,
) -> Result<Response> {
    let items = menu.available_in(category)?;
    Ok(with_etag(&client, &ReadyAnswer::of(&MenuListResponse::from(items))?))
}

/// A dish
///
/// Only if it can be ordered now.
#[utoipa::path(
    get, path = "/api/v1/customer/menu/{menu_id}", tag = "customer: menu",
    security(("table_token" = [])),
    params(("menu_id" = MenuItemId, Path, description = "The dish"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the answer the client has")),
    responses(
        (status = 200, description = "The dish", body = MenuResponse,
            headers(("ETag" = String, description = "Changes when the answer does"))),
        (status = 304, description = "The client's copy is current",
            headers(("ETag" = String, description = "As the client has it"))),
    ),
    extensions(("x-errors" = json!(["MENU_NOT_FOUND"]))),
)]
async fn get_menu(CurrentMenu(menu): CurrentMenu, Path(id): Path<MenuItemId>, client: IfNoneMatch) -> Result<Response> {
    let item = menu.available(id)?;
    Ok(with_etag(&client, &ReadyAnswer::of(&MenuResponse::from(item))?))
}
