//! The paired tablets, which users can revoke.

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Language, Message, Result};
use crate::models::DeviceId;
use crate::routers::extract::{Path, Query};
use crate::routers::json::Json;
use crate::schemas::device::{DeviceListResponse, DeviceQuery};
use crate::schemas::message::MessageResponse;
use crate::security::identity::AdminIdentity;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_devices)).routes(routes!(delete_device))
}

/// List paired tablets
///
/// Every login with a table's password pairs a tablet. The list has no revoked tablets, no tablets of deleted tables
/// and no tablets that were paired with an earlier password. A tablet that is seen while pages are read moves to the
/// first page.
#[utoipa::path(
    get, path = "/api/v1/admin/devices", tag = "admin: tables",
    security(("admin_token" = [])),
    params(DeviceQuery),
    responses((status = 200, description = "Most recently seen first", body = DeviceListResponse)),
)]
async fn list_devices(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Query(query): Query<DeviceQuery>,
) -> Result<Json<DeviceListResponse>> {
    Ok(Json(state.devices.list(admin.store_id, &query.page()?).await?.into()))
}

/// Revoke a tablet
///
/// Revokes its tokens and closes its streams within five seconds. It gets a new token only with the table's password.
/// Other tablets of the table are not affected.
#[utoipa::path(
    delete, path = "/api/v1/admin/devices/{device_id}", tag = "admin: tables",
    security(("admin_token" = [])),
    params(("device_id" = DeviceId, Path, description = "The device")),
    responses((status = 200, description = "Revoked", body = MessageResponse)),
    extensions(("x-errors" = json!(["DEVICE_NOT_FOUND"]))),
)]
async fn delete_device(
    admin: AdminIdentity,
    language: Language,
    State(state): State<AppState>,
    Path(device): Path<DeviceId>,
) -> Result<Json<MessageResponse>> {
    state.devices.revoke(admin.store_id, &admin.actor(), device).await?;
    Ok(Json(MessageResponse::new(Message::Deleted, language)))
}
