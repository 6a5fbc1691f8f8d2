//! The menu items.

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Language, Message, Result};
use crate::models::MenuItemId;
use crate::routers::extract::{Idempotency, IdempotencyHeader, Path, ValidatedJson};
use crate::routers::json::Json;
use crate::routers::{created, mark_replayed};
use crate::schemas::menu::{CreateMenuRequest, MenuListResponse, MenuResponse, ReorderMenusRequest, UpdateMenuRequest};
use crate::schemas::message::MessageResponse;
use crate::security::identity::{AdminIdentity, OwnerIdentity};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_menus, create_menu)).routes(routes!(reorder_menus)).routes(routes!(
        get_menu,
        update_menu,
        delete_menu
    ))
}

/// List menu items
///
/// Includes sold-out menu items.
#[utoipa::path(
    get, path = "/api/v1/admin/menus", tag = "admin: menu",
    security(("admin_token" = [])),
    responses((status = 200, description = "In display order", body = MenuListResponse)),
)]
async fn list_menus(admin: AdminIdentity, State(state): State<AppState>) -> Result<Json<MenuListResponse>> {
    Ok(Json(state.menus.list(admin.store_id).await?.into()))
}

/// Add a menu item
#[utoipa::path(
    post, path = "/api/v1/admin/menus", tag = "admin: menu",
    security(("admin_token" = [])),
    request_body = CreateMenuRequest,
    params(IdempotencyHeader),
    responses((status = 201, description = "Added", body = MenuResponse,
        headers(("Location" = String, description = "The address of the menu item"),
            ("Idempotent-Replayed" = String, description = "`true` if an earlier request with the same key added it")))),
    extensions(("x-errors" = json!(["FORBIDDEN", "CATEGORY_NOT_FOUND", "LIMIT_REACHED", "IDEMPOTENCY_MISMATCH"]))),
)]
async fn create_menu(
    OwnerIdentity(admin): OwnerIdentity,
    State(state): State<AppState>,
    Idempotency(key): Idempotency,
    ValidatedJson(request): ValidatedJson<CreateMenuRequest>,
) -> Result<Response> {
    let (display_order, details) = (request.display_order, request.into_details()?);
    let added = state.menus.create(admin.store_id, &admin.actor(), &details, display_order, key.as_ref()).await?;
    let response = created(&format!("/admin/menus/{}", added.result.id), MenuResponse::from(added.result));
    Ok(mark_replayed(response, added.is_replayed))
}

/// Show a menu item
#[utoipa::path(
    get, path = "/api/v1/admin/menus/{menu_id}", tag = "admin: menu",
    security(("admin_token" = [])),
    params(("menu_id" = MenuItemId, Path, description = "The menu item")),
    responses((status = 200, description = "The menu item", body = MenuResponse)),
    extensions(("x-errors" = json!(["MENU_NOT_FOUND"]))),
)]
async fn get_menu(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Path(item): Path<MenuItemId>,
) -> Result<Json<MenuResponse>> {
    Ok(Json(state.menus.get(admin.store_id, item).await?.into()))
}

/// Change a menu item
///
/// Absent fields keep their values; `null` clears the description or the picture. Past orders do not change. The role
/// `staff` may change only `is_available`; everything else needs the role `owner`.
#[utoipa::path(
    patch, path = "/api/v1/admin/menus/{menu_id}", tag = "admin: menu",
    security(("admin_token" = [])),
    params(("menu_id" = MenuItemId, Path, description = "The menu item")),
    request_body = UpdateMenuRequest,
    responses((status = 200, description = "The changed menu item", body = MenuResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "MENU_NOT_FOUND", "CATEGORY_NOT_FOUND", "LIMIT_REACHED"]))),
)]
async fn update_menu(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Path(item): Path<MenuItemId>,
    ValidatedJson(request): ValidatedJson<UpdateMenuRequest>,
) -> Result<Json<MenuResponse>> {
    let change = request.into_change()?;
    if !change.is_availability_only() {
        admin.require_owner()?;
    }
    Ok(Json(state.menus.update(admin.store_id, &admin.actor(), item, change).await?.into()))
}

/// Delete a menu item
///
/// Past orders do not change.
#[utoipa::path(
    delete, path = "/api/v1/admin/menus/{menu_id}", tag = "admin: menu",
    security(("admin_token" = [])),
    params(("menu_id" = MenuItemId, Path, description = "The menu item")),
    responses((status = 200, description = "Deleted", body = MessageResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "MENU_NOT_FOUND"]))),
)]
async fn delete_menu(
    OwnerIdentity(admin): OwnerIdentity,
    language: Language,
    State(state): State<AppState>,
    Path(item): Path<MenuItemId>,
) -> Result<Json<MessageResponse>> {
    state.menus.delete(admin.store_id, &admin.actor(), item).await?;
    Ok(Json(MessageResponse::new(Message::Deleted, language)))
}

/// Reorder the menu items of a category
///
/// `ids` must have every menu item of the category exactly once.
#[utoipa::path(
    put, path = "/api/v1/admin/menus/order", tag = "admin: menu",
    security(("admin_token" = [])),
    request_body = ReorderMenusRequest,
    responses((status = 200, description = "The category's menu items in the new order", body = MenuListResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "CATEGORY_NOT_FOUND"]))),
)]
async fn reorder_menus(
    OwnerIdentity(admin): OwnerIdentity,
    State(state): State<AppState>,
    ValidatedJson(request): ValidatedJson<ReorderMenusRequest>,
) -> Result<Json<MenuListResponse>> {
    Ok(Json(state.menus.reorder(admin.store_id, &admin.actor(), request.category_id, &request.ids).await?.into()))
}
