//! The users of a store, for owners.

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Language, Message, Result};
use crate::models::UserId;
use crate::routers::created;
use crate::routers::extract::{Path, ValidatedJson};
use crate::routers::json::Json;
use crate::schemas::message::MessageResponse;
use crate::schemas::user::{CreateUserRequest, UpdateUserRequest, UserListResponse, UserResponse};
use crate::security::identity::OwnerIdentity;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_users, create_user)).routes(routes!(get_user, update_user, delete_user))
}

/// List users
///
/// The role `owner` manages the store; the role `staff` handles orders, completes sessions and marks menu items as sold
/// out. For owners.
#[utoipa::path(
    get, path = "/api/v1/admin/users", tag = "admin: accounts",
    security(("admin_token" = [])),
    responses((status = 200, description = "Sorted by name", body = UserListResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN"]))),
)]
async fn list_users(
    OwnerIdentity(owner): OwnerIdentity,
    State(state): State<AppState>,
) -> Result<Json<UserListResponse>> {
    Ok(Json(state.users.list(owner.store_id).await?.into()))
}

/// Add a user
#[utoipa::path(
    post, path = "/api/v1/admin/users", tag = "admin: accounts",
    security(("admin_token" = [])),
    request_body = CreateUserRequest,
    responses((status = 201, description = "Added", body = UserResponse,
        headers(("Location" = String, description = "The address of the user")))),
    extensions(("x-errors" = json!(["FORBIDDEN", "DUPLICATE", "LIMIT_REACHED"]))),
)]
async fn create_user(
    OwnerIdentity(owner): OwnerIdentity,
    State(state): State<AppState>,
    ValidatedJson(request): ValidatedJson<CreateUserRequest>,
) -> Result<Response> {
    let username = request.username()?;
    let user = state.users.create(owner.store_id, &owner.actor(), &username, request.password, request.role).await?;
    Ok(created(&format!("/admin/users/{}", user.id), UserResponse::from(user)))
}

/// Show a user
#[utoipa::path(
    get, path = "/api/v1/admin/users/{user_id}", tag = "admin: accounts",
    security(("admin_token" = [])),
    params(("user_id" = UserId, Path, description = "The user")),
    responses((status = 200, description = "The user", body = UserResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "USER_NOT_FOUND"]))),
)]
async fn get_user(
    OwnerIdentity(owner): OwnerIdentity,
    State(state): State<AppState>,
    Path(user): Path<UserId>,
) -> Result<Json<UserResponse>> {
    Ok(Json(state.users.get(owner.store_id, user).await?.into()))
}

/// Change a user
///
/// A new password revokes the user's tokens; change your own at `/admin/auth/password`. A store must have at least one
/// owner.
#[utoipa::path(
    patch, path = "/api/v1/admin/users/{user_id}", tag = "admin: accounts",
    security(("admin_token" = [])),
    params(("user_id" = UserId, Path, description = "The user")),
    request_body = UpdateUserRequest,
    responses((status = 200, description = "The changed user", body = UserResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "USER_NOT_FOUND", "DUPLICATE", "LAST_OWNER"]))),
)]
async fn update_user(
    OwnerIdentity(owner): OwnerIdentity,
    State(state): State<AppState>,
    Path(user): Path<UserId>,
    ValidatedJson(request): ValidatedJson<UpdateUserRequest>,
) -> Result<Json<UserResponse>> {
    Ok(Json(state.users.update(&owner, user, request.into_change()?).await?.into()))
}

/// Remove a user
///
/// Revokes the user's tokens. A store must have at least one owner.
#[utoipa::path(
    delete, path = "/api/v1/admin/users/{user_id}", tag = "admin: accounts",
    security(("admin_token" = [])),
    params(("user_id" = UserId, Path, description = "The user")),
    responses((status = 200, description = "Removed", body = MessageResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "USER_NOT_FOUND", "LAST_OWNER"]))),
)]
async fn delete_user(
    OwnerIdentity(owner): OwnerIdentity,
    language: Language,
    State(state): State<AppState>,
    Path(user): Path<UserId>,
) -> Result<Json<MessageResponse>> {
    state.users.delete(owner.store_id, &owner.actor(), user).await?;
    Ok(Json(MessageResponse::new(Message::Deleted, language)))
}
