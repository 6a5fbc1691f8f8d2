//! Guests order, and watch their orders.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::config::StreamConfig;
use crate::error::Result;
use crate::events::{Hub, Scope};
use crate::routers::created;
use crate::routers::extract::{Query, ValidatedJson};
use crate::routers::sse::{self, ResumeQuery};
use crate::schemas::order::{CreateOrderRequest, OrderListResponse, OrderResponse};
use crate::security::identity::TableIdentity;
use crate::services::{AuthService, OrderService};
use crate::state::AppState;

pub(super) fn requests() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create_order, list_orders))
}

pub(super) fn streams() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stream_session))
}

/// Order
///
/// Prices and the total are the server's, of this moment.
#[utoipa::path(
    post, path = "/orders", tag = "customer: orders",
    security(("table_token" = [])),
    request_body = CreateOrderRequest,
    responses((status = 201, description = "Ordered", body = OrderResponse,
        headers(("Location" = String, description = "Where the orders of this session are")))),
    extensions(("x-errors" = json!(["MENU_NOT_FOUND", "MENU_UNAVAILABLE", "SESSION_ENDED"]))),
)]
async fn create_order(
    table: TableIdentity,
    State(orders): State<OrderService>,
    ValidatedJson(request): ValidatedJson<CreateOrderRequest>,
) -> Result<Response> {
    let lines = request.lines()?;
    let note = request.note.as_deref();
    let order = orders.place(table.store_id, table.table_id, table.session_id, &lines, note).await?;
    Ok(created("/customer/orders", OrderResponse::from(order)))
}

/// This session's orders
#[utoipa::path(
    get, path = "/orders", tag = "customer: orders",
    security(("table_token" = [])),
    responses((status = 200, description = "Newest first; none once the session has ended", body = OrderListResponse)),
)]
async fn list_orders(table: TableIdentity, State(orders): State<OrderService>) -> Result<Json<OrderListResponse>> {
    let orders = orders.list_for_guests(table.store_id, table.session_id).await?;
    Ok(Json(orders.into()))
}

/// This session's events
#[utoipa::path(
    get, path = "/orders/stream", tag = "customer: orders",
    security(("table_token" = [])),
    params(ResumeQuery, sse::LastEventId),
    responses((status = 200, description = "`connected`, then `order_updated`, `order_deleted`, `session_completed` \
        and `menu_changed` as they happen, each with the \
        data of the schema of its name (`NewOrderEvent` …); `reset` where the place to resume from cannot be replayed",
        body = String, content_type = "text/event-stream")),
)]
async fn stream_session(
    table: TableIdentity,
    State(hub): State<Hub>,
    State(auth): State<AuthService>,
    State(config): State<StreamConfig>,
    Query(resume): Query<ResumeQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let subscription = hub.subscribe(table.store_id).await?;
    let scope = Scope::Session(table.session_id);
    Ok(sse::respond(subscription, scope, resume.place(&headers), &auth, table.claims, config))
}
