//! Guests read the menu.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Result;
use crate::models::{CategoryId, MenuId};
use crate::routers::etag::{IfNoneMatch, with_etag};
use crate::routers::extract::Path;
use crate::schemas::category::CategoryListResponse;
use crate::schemas::menu::{MenuListResponse, MenuResponse};
use crate::schemas::ready::ReadyAnswer;
use crate::security::identity::TableIdentity;
use crate::services::MenuService;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_categories))
        .routes(routes!(list_menus))
        .routes(routes!(list_category_menus))
        .routes(routes!(get_menu))
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
async fn list_categories(
    table: TableIdentity,
    State(menus): State<Arc<MenuService>>,
    client: IfNoneMatch,
) -> Result<Response> {
    Ok(with_etag(&client, &menus.current(table.store_id).await?.category_answer))
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
async fn list_menus(
    table: TableIdentity,
    State(menus): State<Arc<MenuService>>,
    client: IfNoneMatch,
) -> Result<Response> {
    Ok(with_etag(&client, &menus.current(table.store_id).await?.menu_answer))
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
    table: TableIdentity,
    State(menus): State<Arc<MenuService>>,
    Path(category): Path<CategoryId>,
    client: IfNoneMatch,
) -> Result<Response> {
    let menus = menus.current(table.store_id).await?.available_in(category)?;
    Ok(with_etag(&client, &ReadyAnswer::of(&MenuListResponse::from(menus))?))
}

/// A dish
///
/// Only if it can be ordered now.
#[utoipa::path(
    get, path = "/api/v1/customer/menu/{menu_id}", tag = "customer: menu",
    security(("table_token" = [])),
    params(("menu_id" = MenuId, Path, description = "The dish"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the answer the client has")),
    responses(
        (status = 200, description = "The dish", body = MenuResponse,
            headers(("ETag" = String, description = "Changes when the answer does"))),
        (status = 304, description = "The client's copy is current",
            headers(("ETag" = String, description = "As the client has it"))),
    ),
    extensions(("x-errors" = json!(["MENU_NOT_FOUND"]))),
)]
async fn get_menu(
    table: TableIdentity,
    State(menus): State<Arc<MenuService>>,
    Path(menu): Path<MenuId>,
    client: IfNoneMatch,
) -> Result<Response> {
    let menu = menus.current(table.store_id).await?.available(menu)?;
    Ok(with_etag(&client, &ReadyAnswer::of(&MenuResponse::from(menu))?))
}
