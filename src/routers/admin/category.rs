//! The categories of the menu.

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Language, Message, Result};
use crate::models::CategoryId;
use crate::routers::created;
use crate::routers::extract::{Path, ValidatedJson};
use crate::routers::json::Json;
use crate::schemas::category::{
    CategoryListResponse, CategoryResponse, CreateCategoryRequest, ReorderCategoriesRequest, UpdateCategoryRequest,
};
use crate::schemas::message::MessageResponse;
use crate::security::identity::{AdminIdentity, OwnerIdentity};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_categories, create_category))
        .routes(routes!(reorder_categories))
        .routes(routes!(get_category, update_category, delete_category))
}

/// List categories
#[utoipa::path(
    get, path = "/api/v1/admin/categories", tag = "admin: menu",
    security(("admin_token" = [])),
    responses((status = 200, description = "In display order", body = CategoryListResponse)),
)]
async fn list_categories(admin: AdminIdentity, State(state): State<AppState>) -> Result<Json<CategoryListResponse>> {
    Ok(Json(state.categories.list(admin.store_id).await?.into()))
}

/// Add a category
#[utoipa::path(
    post, path = "/api/v1/admin/categories", tag = "admin: menu",
    security(("admin_token" = [])),
    request_body = CreateCategoryRequest,
    responses((status = 201, description = "Added", body = CategoryResponse,
        headers(("Location" = String, description = "The address of the category")))),
    extensions(("x-errors" = json!(["FORBIDDEN", "DUPLICATE", "LIMIT_REACHED"]))),
)]
async fn create_category(
    OwnerIdentity(admin): OwnerIdentity,
    State(state): State<AppState>,
    ValidatedJson(request): ValidatedJson<CreateCategoryRequest>,
) -> Result<Response> {
    let category =
        state.categories.create(admin.store_id, &admin.actor(), &request.name, request.display_order).await?;
    Ok(created(&format!("/admin/categories/{}", category.id), CategoryResponse::from(category)))
}

/// Show a category
#[utoipa::path(
    get, path = "/api/v1/admin/categories/{category_id}", tag = "admin: menu",
    security(("admin_token" = [])),
    params(("category_id" = CategoryId, Path, description = "The category")),
    responses((status = 200, description = "The category", body = CategoryResponse)),
    extensions(("x-errors" = json!(["CATEGORY_NOT_FOUND"]))),
)]
async fn get_category(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Path(category): Path<CategoryId>,
) -> Result<Json<CategoryResponse>> {
    Ok(Json(state.categories.get(admin.store_id, category).await?.into()))
}

/// Change a category
#[utoipa::path(
    patch, path = "/api/v1/admin/categories/{category_id}", tag = "admin: menu",
    security(("admin_token" = [])),
    params(("category_id" = CategoryId, Path, description = "The category")),
    request_body = UpdateCategoryRequest,
    responses((status = 200, description = "The changed category", body = CategoryResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "CATEGORY_NOT_FOUND", "DUPLICATE"]))),
)]
async fn update_category(
    OwnerIdentity(admin): OwnerIdentity,
    State(state): State<AppState>,
    Path(category): Path<CategoryId>,
    ValidatedJson(request): ValidatedJson<UpdateCategoryRequest>,
) -> Result<Json<CategoryResponse>> {
    Ok(Json(state.categories.update(admin.store_id, &admin.actor(), category, request.into()).await?.into()))
}

/// Delete a category
#[utoipa::path(
    delete, path = "/api/v1/admin/categories/{category_id}", tag = "admin: menu",
    security(("admin_token" = [])),
    params(("category_id" = CategoryId, Path, description = "The category")),
    responses((status = 200, description = "Deleted", body = MessageResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "CATEGORY_NOT_FOUND", "CATEGORY_HAS_MENUS"]))),
)]
async fn delete_category(
    OwnerIdentity(admin): OwnerIdentity,
    language: Language,
    State(state): State<AppState>,
    Path(category): Path<CategoryId>,
) -> Result<Json<MessageResponse>> {
    state.categories.delete(admin.store_id, &admin.actor(), category).await?;
    Ok(Json(MessageResponse::new(Message::Deleted, language)))
}

/// Reorder the categories
///
/// `ids` must have every category of the store exactly once.
#[utoipa::path(
    put, path = "/api/v1/admin/categories/order", tag = "admin: menu",
    security(("admin_token" = [])),
    request_body = ReorderCategoriesRequest,
    responses((status = 200, description = "In the new order", body = CategoryListResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN"]))),
)]
async fn reorder_categories(
    OwnerIdentity(admin): OwnerIdentity,
    State(state): State<AppState>,
    ValidatedJson(request): ValidatedJson<ReorderCategoriesRequest>,
) -> Result<Json<CategoryListResponse>> {
    Ok(Json(state.categories.reorder(admin.store_id, &admin.actor(), &request.ids).await?.into()))
}
