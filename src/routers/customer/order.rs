//! Orders and their events, for guests.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Result;
use crate::events::Scope;
use crate::routers::extract::{Idempotency, Query, ValidatedJson};
use crate::routers::json::Json;
use crate::routers::sse::{self, RequireHttp11, ResumeQuery};
use crate::routers::{created, mark_replayed};
use crate::schemas::order::{CreateOrderRequest, OrderListResponse, OrderResponse};
use crate::schemas::page::SessionPageQuery;
use crate::security::identity::TableIdentity;
use crate::services::{OrderOrigin, OrderRequest};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create_order, list_orders))
}

pub(super) fn streams() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stream_session))
}

/// Place an order
///
/// The server sets prices and the total, from the current menu. With an `Idempotency-Key`, a retry of the same order
/// gets the first response again, at any later time. Without one, every request places an order. With the `session_id` of
/// another session, the order is refused with `SESSION_MISMATCH`, whose `error` also has `session_id` and
/// `current_session_id`.
#[utoipa::path(
    post, path = "/api/v1/customer/orders", tag = "customer: orders",
    security(("table_token" = [])),
    request_body = CreateOrderRequest,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 8, max_length = 128, pattern = "^[!-~]+$",
        description = "Visible ASCII chosen by the client, the same for every attempt to place one order",
        example = "b1946ac9-2e1d-4c1b")),
    responses((status = 201, description = "Placed", body = OrderResponse,
        headers(("Location" = String, description = "The address of this session's orders"),
            ("Idempotent-Replayed" = String, description = "`true` if an earlier request with the same key \
                placed the order")))),
    extensions(("x-errors" =
        json!(["MENU_NOT_FOUND", "MENU_UNAVAILABLE", "MENU_CHANGED", "ORDER_EXPIRED", "SESSION_ENDED",
            "SESSION_MISMATCH", "SESSION_FULL", "IDEMPOTENCY_MISMATCH", "TOO_MANY_REQUESTS"]))),
)]
async fn create_order(
    table: TableIdentity,
    State(state): State<AppState>,
    Idempotency(key): Idempotency,
    ValidatedJson(request): ValidatedJson<CreateOrderRequest>,
) -> Result<Response> {
    let request = OrderRequest {
        lines: request.lines()?,
        note: request.note.as_deref(),
        key,
        session: request.session_id,
        menu_version: request.menu_version,
        not_after: request.not_after,
    };
    let origin = OrderOrigin {
        store: table.store_id,
        table: table.table_id,
        session: table.session_id,
        device: table.claims.device,
    };
    let placed = state.orders.place(origin, &request).await?;
    let response = created("/customer/orders", OrderResponse::from(placed.order));
    Ok(mark_replayed(response, placed.is_replayed))
}

/// List this session's orders
#[utoipa::path(
    get, path = "/api/v1/customer/orders", tag = "customer: orders",
    security(("table_token" = [])),
    params(SessionPageQuery),
    responses((status = 200, description = "Newest first; empty once the session has ended", body = OrderListResponse)),
)]
async fn list_orders(
    table: TableIdentity,
    State(state): State<AppState>,
    Query(page): Query<SessionPageQuery>,
) -> Result<Json<OrderListResponse>> {
    let orders = state.orders.list_for_guests(table.store_id, table.session_id, page.page()?).await?;
    Ok(Json(orders.into()))
}

/// Stream this session's events
#[utoipa::path(
    get, path = "/api/v1/customer/orders/stream", tag = "customer: orders",
    security(("table_token" = [])),
    params(ResumeQuery, sse::LastEventId),
    responses((status = 200, description = "`connected`, then `new_order`, `order_updated`, `order_deleted`, \
        `order_restored`, `session_completed`, `session_reopened` (of any table) and `menu_changed` as they happen, each with the \
        data of the schema of its name (`NewOrderEvent` …); `reset` if the cursor to resume from cannot be replayed",
        body = String, content_type = "text/event-stream")),
    extensions(("x-errors" = json!(["HTTP_VERSION_NOT_SUPPORTED", "LIMIT_REACHED", "SESSION_ENDED"]))),
)]
async fn stream_session(
    _: RequireHttp11,
    table: TableIdentity,
    State(state): State<AppState>,
    Query(resume): Query<ResumeQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let scope = Scope::Session(table.session_id);
    Ok(sse::respond(state.streams.open(table.claims, scope, resume.cursor(&headers)).await?))
}
