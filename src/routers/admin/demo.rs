//! The demo restaurant, which the owner of this server's own store can remove.

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Language, Message, Result};
use crate::routers::json::Json;
use crate::schemas::demo::DemoStoreResponse;
use crate::schemas::message::MessageResponse;
use crate::security::identity::OwnerIdentity;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show_demo_store, delete_demo_store))
}

/// Show whether the demo can be removed
///
/// The owners of the server's oldest store can remove the demo restaurant that the server created at its first start. For
/// every other store, and if there is no demo, `is_removable` is false. For owners.
#[utoipa::path(
    get, path = "/api/v1/admin/demo-store", tag = "admin: accounts",
    security(("admin_token" = [])),
    responses((status = 200, description = "Whether this store can remove the demo", body = DemoStoreResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN"]))),
)]
async fn show_demo_store(
    OwnerIdentity(owner): OwnerIdentity,
    State(state): State<AppState>,
) -> Result<Json<DemoStoreResponse>> {
    Ok(Json(DemoStoreResponse { is_removable: state.demo.is_removable_by(owner.store_id).await? }))
}

/// Remove the demo
///
/// Deletes the demo restaurant with all its data. Its tokens are revoked and its streams end within five seconds. The
/// server does not create it again. `STORE_NOT_FOUND` if there is no demo, or this store is not the server's oldest one.
/// `OWN_STORE` for the owner of the demo itself.
#[utoipa::path(
    delete, path = "/api/v1/admin/demo-store", tag = "admin: accounts",
    security(("admin_token" = [])),
    responses((status = 200, description = "Removed", body = MessageResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "STORE_NOT_FOUND", "OWN_STORE"]))),
)]
async fn delete_demo_store(
    OwnerIdentity(owner): OwnerIdentity,
    language: Language,
    State(state): State<AppState>,
) -> Result<Json<MessageResponse>> {
    state.demo.remove(&owner).await?;
    Ok(Json(MessageResponse::new(Message::Deleted, language)))
}
