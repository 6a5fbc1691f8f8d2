//! Orders and their events, for the dashboard.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Language, Message, Result};
use crate::events::Scope;
use crate::models::{OrderId, SessionId};
use crate::routers::extract::{Path, Query, ValidatedJson};
use crate::routers::json::Json;
use crate::routers::sse::{self, RequireHttp11, ResumeQuery, StreamIdentity};
use crate::schemas::auth::TicketResponse;
use crate::schemas::message::MessageResponse;
use crate::schemas::order::{
    CancelOrderQuery, LiveOrdersQuery, OrderListResponse, OrderPageResponse, OrderResponse, UpdateOrderStatusRequest,
};
use crate::schemas::page::{PageQuery, SessionPageQuery};
use crate::security::identity::AdminIdentity;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_orders))
        .routes(routes!(list_session_orders))
        .routes(routes!(get_order, delete_order))
        .routes(routes!(update_order_status))
        .routes(routes!(restore_order))
        .routes(routes!(issue_stream_ticket))
}

pub(super) fn streams() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stream_store))
}

/// List a session's orders
#[utoipa::path(
    get, path = "/api/v1/admin/orders/session/{session_id}", tag = "admin: orders",
    security(("admin_token" = [])),
    params(("session_id" = SessionId, Path, description = "The session"), SessionPageQuery),
    responses((status = 200, description = "Newest first", body = OrderListResponse)),
    extensions(("x-errors" = json!(["SESSION_NOT_FOUND"]))),
)]
async fn list_session_orders(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Path(session): Path<SessionId>,
    Query(page): Query<SessionPageQuery>,
) -> Result<Json<OrderListResponse>> {
    Ok(Json(state.orders.list_by_session(admin.store_id, session, page.page()?).await?.into()))
}

/// Change an order's status
///
/// pending → preparing → completed, one step at a time. A request for the current status changes nothing.
#[utoipa::path(
    patch, path = "/api/v1/admin/orders/{order_id}/status", tag = "admin: orders",
    security(("admin_token" = [])),
    params(("order_id" = OrderId, Path, description = "The order")),
    request_body = UpdateOrderStatusRequest,
    responses((status = 200, description = "The changed order", body = OrderResponse)),
    extensions(("x-errors" = json!(["ORDER_NOT_FOUND", "INVALID_STATUS_TRANSITION", "SESSION_ENDED"]))),
)]
async fn update_order_status(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Path(order): Path<OrderId>,
    ValidatedJson(request): ValidatedJson<UpdateOrderStatusRequest>,
) -> Result<Json<OrderResponse>> {
    Ok(Json(state.orders.set_status(admin.store_id, order, request.status).await?.into()))
}

/// Stream the store's events
#[utoipa::path(
    get, path = "/api/v1/admin/orders/stream", tag = "admin: orders",
    security(("admin_token" = []), ("stream_ticket" = [])),
    params(ResumeQuery, sse::LastEventId),
    responses((status = 200, description = "`connected`, then `new_order`, `order_updated`, `order_deleted`, \
        `order_restored`, `session_completed`, `session_reopened`, `menu_changed` and `limit_reached` as they happen, each with the \
        data of the schema of its name (`NewOrderEvent` …); `reset` if the cursor to resume from cannot be \
        replayed", body = String, content_type = "text/event-stream")),
    extensions(("x-errors" = json!(["HTTP_VERSION_NOT_SUPPORTED", "LIMIT_REACHED"]))),
)]
async fn stream_store(
    _: RequireHttp11,
    StreamIdentity(admin): StreamIdentity,
    State(state): State<AppState>,
    Query(resume): Query<ResumeQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    Ok(sse::respond(state.streams.open(admin.claims, Scope::Staff, resume.cursor(&headers)).await?))
}

/// List live orders
///
/// The orders of running sessions, and the unfinished orders of sessions that were completed in this business day or
/// the one before.
#[utoipa::path(
    get, path = "/api/v1/admin/orders", tag = "admin: orders",
    security(("admin_token" = [])),
    params(LiveOrdersQuery, PageQuery),
    responses((status = 200, description = "Newest first", body = OrderPageResponse)),
)]
async fn list_orders(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Query(filter): Query<LiveOrdersQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<OrderPageResponse>> {
    Ok(Json(state.orders.list_live(admin.store_id, filter.into(), page.page()?).await?.into()))
}

/// Show an order
#[utoipa::path(
    get, path = "/api/v1/admin/orders/{order_id}", tag = "admin: orders",
    security(("admin_token" = [])),
    params(("order_id" = OrderId, Path, description = "The order")),
    responses((status = 200, description = "The order", body = OrderResponse)),
    extensions(("x-errors" = json!(["ORDER_NOT_FOUND"]))),
)]
async fn get_order(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Path(order): Path<OrderId>,
) -> Result<Json<OrderResponse>> {
    Ok(Json(state.orders.get(admin.store_id, order).await?.into()))
}

/// Cancel an order
///
/// For an order placed by mistake. It is removed from every list and total; the server keeps it with the author, time
/// and reason of the cancellation.
#[utoipa::path(
    delete, path = "/api/v1/admin/orders/{order_id}", tag = "admin: orders",
    security(("admin_token" = [])),
    params(("order_id" = OrderId, Path, description = "The order"), CancelOrderQuery),
    responses((status = 200, description = "Cancelled", body = MessageResponse)),
    extensions(("x-errors" = json!(["ORDER_NOT_FOUND", "SESSION_ENDED", "VALIDATION_ERROR"]))),
)]
async fn delete_order(
    admin: AdminIdentity,
    language: Language,
    State(state): State<AppState>,
    Path(order): Path<OrderId>,
    Query(query): Query<CancelOrderQuery>,
) -> Result<Json<MessageResponse>> {
    state.orders.cancel(admin.store_id, &admin.actor(), order, query.reason()?).await?;
    Ok(Json(MessageResponse::new(Message::Deleted, language)))
}

/// Restore an order
///
/// The order must belong to a running session, or must have been cancelled after its session's completion while it was live.
/// It is restored unchanged.
#[utoipa::path(
    post, path = "/api/v1/admin/orders/{order_id}/restore", tag = "admin: orders",
    security(("admin_token" = [])),
    params(("order_id" = OrderId, Path, description = "The order")),
    responses((status = 200, description = "The changed order", body = OrderResponse)),
    extensions(("x-errors" = json!(["ORDER_NOT_FOUND", "SESSION_ENDED"]))),
)]
async fn restore_order(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Path(order): Path<OrderId>,
) -> Result<Json<OrderResponse>> {
    Ok(Json(state.orders.restore(admin.store_id, &admin.actor(), order).await?.into()))
}

/// Create a ticket for the event stream
///
/// For a native `EventSource`, which cannot send a token. Use it within a minute as the parameter `ticket` of
/// `GET /admin/orders/stream`. It is valid for this store's stream only. A stream opened with it ends when the login
/// does.
#[utoipa::path(
    post, path = "/api/v1/admin/orders/stream/ticket", tag = "admin: orders",
    security(("admin_token" = [])),
    responses((status = 200, description = "A ticket", body = TicketResponse)),
)]
async fn issue_stream_ticket(admin: AdminIdentity, State(state): State<AppState>) -> Result<Json<TicketResponse>> {
    Ok(Json(TicketResponse::new(state.auth.ticket(&admin)?)))
}
