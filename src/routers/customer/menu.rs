//! The menu for guests.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{AppError, ErrorCode, Result};
use crate::models::{CategoryId, MenuItemId, StoreId};
use crate::routers::etag::{IfNoneMatch, with_etag};
use crate::routers::extract::{Path, Query};
use crate::schemas::category::CategoryListResponse;
use crate::schemas::menu::{CustomerMenuResponse, MenuResponse, PreparedMenu};
use crate::schemas::prepared::PreparedBody;
use crate::security::identity::TableIdentity;
use crate::services::MenuSnapshot;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_categories))
        .routes(routes!(list_menus))
        .routes(routes!(list_category_menus))
        .routes(routes!(get_menu))
}

/// The required version of the menu.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MenuQuery {
    /// The response is made of this menu version or a newer one. Take it from a `menu_changed` event.
    menu_version: Option<i64>,
}

/// The menu items to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// With `true`, sold-out menu items are included; their `is_available` is `false`.
    all: Option<bool>,
}

/// The store of the tablet and the menu version to respond with. A handler that takes it requires a table token.
struct MenuReader {
    store: StoreId,
    version: i64,
}

impl FromRequestParts<AppState> for MenuReader {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let table = TableIdentity::from_request_parts(parts, state).await?;
        let Query(MenuQuery { menu_version }) = Query::from_request_parts(parts, state).await?;
        let version = match menu_version {
            Some(minimum) if minimum > table.versions.menu => {
                state.cluster.menu_version(table.store_id, minimum).await?
            }
            _ => table.versions.menu,
        };
        Ok(Self { store: table.store_id, version })
    }
}

impl MenuReader {
    async fn menu(&self, state: &AppState) -> Result<Arc<MenuSnapshot>> {
        state.menus.at_least(self.store, self.version).await
    }

    /// The serialised responses, of the menu at this version or a newer one.
    async fn prepared(&self, state: &AppState) -> Result<Arc<PreparedMenu>> {
        let key = (self.store, self.version);
        if let Some(prepared) = state.prepared_menus.get(&key) {
            return Ok(prepared);
        }
        // Boxed: the future of a request whose responses are cached stays small.
        let menu = Box::pin(self.menu(state)).await?;
        // Concurrent requests serialise it only once.
        let prepared = state.prepared_menus.try_get_with(key, || PreparedMenu::new(&menu).map(Arc::new));
        prepared.map_err(|error| AppError::caused_by(error.code, error))
    }
}

/// List categories
#[utoipa::path(
    get, path = "/api/v1/customer/menu/categories", tag = "customer: menu",
    security(("table_token" = [])),
    params(MenuQuery, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the response that the client has")),
    responses(
        (status = 200, description = "In display order", body = CategoryListResponse,
            headers(("ETag" = String, description = "Changes when the response changes"))),
        (status = 304, description = "The client's copy is current",
            headers(("ETag" = String, description = "The `ETag` of the client's copy"))),
    ),
)]
async fn list_categories(reader: MenuReader, State(state): State<AppState>, client: IfNoneMatch) -> Result<Response> {
    Ok(with_etag(&client, &reader.prepared(&state).await?.categories))
}

/// List menu items
///
/// Only menu items that can be ordered now, unless `all` is `true`.
#[utoipa::path(
    get, path = "/api/v1/customer/menu", tag = "customer: menu",
    security(("table_token" = [])),
    params(MenuQuery, ListQuery, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the response that the client has")),
    responses(
        (status = 200, description = "In display order", body = CustomerMenuResponse,
            headers(("ETag" = String, description = "Changes when the response changes"))),
        (status = 304, description = "The client's copy is current",
            headers(("ETag" = String, description = "The `ETag` of the client's copy"))),
    ),
)]
async fn list_menus(
    reader: MenuReader,
    State(state): State<AppState>,
    Query(ListQuery { all }): Query<ListQuery>,
    client: IfNoneMatch,
) -> Result<Response> {
    let prepared = reader.prepared(&state).await?;
    Ok(with_etag(&client, if all == Some(true) { &prepared.menu_with_sold_out } else { &prepared.menu }))
}

/// List menu items of a category
///
/// Only menu items that can be ordered now.
#[utoipa::path(
    get, path = "/api/v1/customer/menu/category/{category_id}", tag = "customer: menu",
    security(("table_token" = [])),
    params(MenuQuery, ("category_id" = CategoryId, Path, description = "The category"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the response that the client has")),
    responses(
        (status = 200, description = "In display order", body = CustomerMenuResponse,
            headers(("ETag" = String, description = "Changes when the response changes"))),
        (status = 304, description = "The client's copy is current",
            headers(("ETag" = String, description = "The `ETag` of the client's copy"))),
    ),
    extensions(("x-errors" = json!(["CATEGORY_NOT_FOUND"]))),
)]
async fn list_category_menus(
    reader: MenuReader,
    State(state): State<AppState>,
    Path(category): Path<CategoryId>,
    client: IfNoneMatch,
) -> Result<Response> {
    let prepared = reader.prepared(&state).await?;
    let menus = prepared.by_category.get(&category).ok_or(ErrorCode::CategoryNotFound)?;
    Ok(with_etag(&client, menus))
}

/// Show a menu item
///
/// Only a menu item that can be ordered now.
#[utoipa::path(
    get, path = "/api/v1/customer/menu/{menu_id}", tag = "customer: menu",
    security(("table_token" = [])),
    params(MenuQuery, ("menu_id" = MenuItemId, Path, description = "The menu item"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the response that the client has")),
    responses(
        (status = 200, description = "The menu item", body = MenuResponse,
            headers(("ETag" = String, description = "Changes when the response changes"))),
        (status = 304, description = "The client's copy is current",
            headers(("ETag" = String, description = "The `ETag` of the client's copy"))),
    ),
    extensions(("x-errors" = json!(["MENU_NOT_FOUND"]))),
)]
async fn get_menu(
    reader: MenuReader,
    State(state): State<AppState>,
    Path(id): Path<MenuItemId>,
    client: IfNoneMatch,
) -> Result<Response> {
    let menu = reader.menu(&state).await?;
    let item = menu.available_item(id)?;
    Ok(with_etag(&client, &PreparedBody::new(&MenuResponse::from(item.clone()))?))
}
