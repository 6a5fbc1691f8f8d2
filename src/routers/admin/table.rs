//! The dashboard, the tables and their sessions.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Language, Message, Result};
use crate::models::{SessionId, TableId};
use crate::routers::extract::{Idempotency, IdempotencyHeader, OptionalJson, Path, Query, ValidatedJson};
use crate::routers::json::Json;
use crate::routers::{created, mark_replayed};
use crate::schemas::history::{HistoryQuery, HistoryResponse};
use crate::schemas::message::MessageResponse;
use crate::schemas::page::PageQuery;
use crate::schemas::table::{
    CompleteTableRequest, CompleteTableResponse, CreateTableRequest, DashboardResponse, ReopenSessionResponse,
    TableListResponse, TableResponse, UpdateTableRequest,
};
use crate::security::identity::{AdminIdentity, OwnerIdentity};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_tables, create_table))
        .routes(routes!(show_dashboard))
        .routes(routes!(get_table, update_table, delete_table))
        .routes(routes!(complete_table))
        .routes(routes!(reopen_session))
        .routes(routes!(show_history))
}

/// Show the dashboard
///
/// Every table with its running session. Load it, then open the stream from `event_id`: the stream delivers every later
/// event exactly once.
#[utoipa::path(
    get, path = "/api/v1/admin/tables/dashboard", tag = "admin: tables",
    security(("admin_token" = [])),
    responses((status = 200, description = "The tables, sorted by number", body = DashboardResponse)),
)]
async fn show_dashboard(admin: AdminIdentity, State(state): State<AppState>) -> Result<Json<DashboardResponse>> {
    Ok(Json(state.tables.dashboard(admin.store_id).await?.into()))
}

/// Complete a table's session (이용 완료)
///
/// The party leaves: its session ends and its orders become history. An order placed at the same time is either on this
/// bill or refused. Send `session_id`, so that a second tap or an outdated screen does not complete another session: a
/// session that is already completed gives its first response again, and any other session is `SESSION_MISMATCH`, whose
/// `error` also has `session_id` and `current_session_id` (`null` if no tablet has logged in since).
#[utoipa::path(
    post, path = "/api/v1/admin/tables/{table_id}/complete", tag = "admin: tables",
    security(("admin_token" = [])),
    params(("table_id" = TableId, Path, description = "The table"), IdempotencyHeader),
    request_body = Option<CompleteTableRequest>,
    responses((status = 200, description = "Completed", body = CompleteTableResponse,
        headers(("Idempotent-Replayed" = String, description = "`true` if an earlier request with the same key \
            completed the session")))),
    extensions(("x-errors" =
        json!(["TABLE_NOT_FOUND", "SESSION_NOT_FOUND", "SESSION_MISMATCH", "IDEMPOTENCY_MISMATCH"]))),
)]
async fn complete_table(
    admin: AdminIdentity,
    language: Language,
    State(state): State<AppState>,
    Path(table): Path<TableId>,
    Idempotency(key): Idempotency,
    OptionalJson(request): OptionalJson<CompleteTableRequest>,
) -> Result<Response> {
    let (by, session) = (admin.actor(), request.session_id);
    let completed = state.sessions.complete(admin.store_id, &by, table, session, key.as_ref()).await?;
    let response = Json(CompleteTableResponse::new(&completed.result, language)).into_response();
    Ok(mark_replayed(response, completed.is_replayed))
}

/// Reopen a session
///
/// For a session that was completed by mistake, as long as no party has ordered at the table since. The event
/// `session_reopened` makes its tablet renew the token.
#[utoipa::path(
    post, path = "/api/v1/admin/sessions/{session_id}/reopen", tag = "admin: tables",
    security(("admin_token" = [])),
    params(("session_id" = SessionId, Path, description = "The session")),
    responses((status = 200, description = "The running session", body = ReopenSessionResponse)),
    extensions(("x-errors" = json!([
        "SESSION_NOT_FOUND", "TABLE_NOT_FOUND", "TABLE_HAS_ACTIVE_SESSION", "SESSION_ENDED"
    ]))),
)]
async fn reopen_session(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Path(session): Path<SessionId>,
) -> Result<Json<ReopenSessionResponse>> {
    Ok(Json(state.sessions.reopen(admin.store_id, &admin.actor(), session).await?.into()))
}

/// List tables
#[utoipa::path(
    get, path = "/api/v1/admin/tables", tag = "admin: tables",
    security(("admin_token" = [])),
    responses((status = 200, description = "Sorted by number", body = TableListResponse)),
)]
async fn list_tables(admin: AdminIdentity, State(state): State<AppState>) -> Result<Json<TableListResponse>> {
    Ok(Json(state.tables.list(admin.store_id).await?.into()))
}

/// Add a table
#[utoipa::path(
    post, path = "/api/v1/admin/tables", tag = "admin: tables",
    security(("admin_token" = [])),
    request_body = CreateTableRequest,
    responses((status = 201, description = "Added", body = TableResponse,
        headers(("Location" = String, description = "The address of the table")))),
    extensions(("x-errors" = json!(["FORBIDDEN", "DUPLICATE", "LIMIT_REACHED"]))),
)]
async fn create_table(
    OwnerIdentity(admin): OwnerIdentity,
    State(state): State<AppState>,
    ValidatedJson(request): ValidatedJson<CreateTableRequest>,
) -> Result<Response> {
    let table = state.tables.create(admin.store_id, &admin.actor(), request.table_number, request.password).await?;
    Ok(created(&format!("/admin/tables/{}", table.id), TableResponse::from(table)))
}

/// Show a table
#[utoipa::path(
    get, path = "/api/v1/admin/tables/{table_id}", tag = "admin: tables",
    security(("admin_token" = [])),
    params(("table_id" = TableId, Path, description = "The table")),
    responses((status = 200, description = "The table", body = TableResponse)),
    extensions(("x-errors" = json!(["TABLE_NOT_FOUND"]))),
)]
async fn get_table(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Path(table): Path<TableId>,
) -> Result<Json<TableResponse>> {
    Ok(Json(state.tables.get(admin.store_id, table).await?.into()))
}

/// Change a table
///
/// A new password revokes the tablet's tokens.
#[utoipa::path(
    patch, path = "/api/v1/admin/tables/{table_id}", tag = "admin: tables",
    security(("admin_token" = [])),
    params(("table_id" = TableId, Path, description = "The table")),
    request_body = UpdateTableRequest,
    responses((status = 200, description = "The changed table", body = TableResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "TABLE_NOT_FOUND", "DUPLICATE"]))),
)]
async fn update_table(
    OwnerIdentity(admin): OwnerIdentity,
    State(state): State<AppState>,
    Path(table): Path<TableId>,
    ValidatedJson(request): ValidatedJson<UpdateTableRequest>,
) -> Result<Json<TableResponse>> {
    Ok(Json(state.tables.update(admin.store_id, &admin.actor(), table, request.into()).await?.into()))
}

/// Delete a table
///
/// The table must not have a running session. Its tokens are revoked; its past orders are kept.
#[utoipa::path(
    delete, path = "/api/v1/admin/tables/{table_id}", tag = "admin: tables",
    security(("admin_token" = [])),
    params(("table_id" = TableId, Path, description = "The table")),
    responses((status = 200, description = "Deleted", body = MessageResponse)),
    extensions(("x-errors" = json!(["FORBIDDEN", "TABLE_NOT_FOUND", "TABLE_HAS_ACTIVE_SESSION"]))),
)]
async fn delete_table(
    OwnerIdentity(admin): OwnerIdentity,
    language: Language,
    State(state): State<AppState>,
    Path(table): Path<TableId>,
) -> Result<Json<MessageResponse>> {
    state.tables.delete(admin.store_id, &admin.actor(), table).await?;
    Ok(Json(MessageResponse::new(Message::Deleted, language)))
}

/// List a table's past orders
///
/// The orders of completed sessions. Days are the store's business days, both included.
#[utoipa::path(
    get, path = "/api/v1/admin/tables/{table_id}/history", tag = "admin: tables",
    security(("admin_token" = [])),
    params(("table_id" = TableId, Path, description = "The table"), HistoryQuery, PageQuery),
    responses((status = 200, description = "Newest first", body = HistoryResponse)),
    extensions(("x-errors" = json!(["TABLE_NOT_FOUND"]))),
)]
async fn show_history(
    admin: AdminIdentity,
    State(state): State<AppState>,
    Path(table): Path<TableId>,
    Query(days): Query<HistoryQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<HistoryResponse>> {
    Ok(Json(state.orders.history(admin.store_id, table, days.days()?, page.page()?).await?.into()))
}
