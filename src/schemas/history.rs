//! Orders of completed sessions.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::order::OrderItemResponse;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{DayRange, OrderId, OrderStatus, PastOrder, SessionId};
use crate::services::OrderPage;

/// A range of business days.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// The first business day, included.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-01")]
    pub date_from: Option<String>,
    /// The last business day, included.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-20")]
    pub date_to: Option<String>,
}

impl HistoryQuery {
    /// Converts the query into a model; an empty date counts as absent.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` for an invalid date.
    pub fn days(&self) -> Result<DayRange> {
        let day = |text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            // Only the RFC 3339 format: the parser would also accept `2026-2-3`.
            Some(text) => match text.parse::<NaiveDate>() {
                Ok(day) if day.to_string() == text && (1..=9999).contains(&day.year()) => Ok(Some(day)),
                _ => Err(AppError::from(ErrorCode::MalformedRequest)),
            },
        };
        Ok(DayRange { from: day(&self.date_from)?, to: day(&self.date_to)? })
    }
}

/// An order of a completed session.
#[derive(Serialize, ToSchema)]
pub struct PastOrderResponse {
    /// The order's id.
    pub id: OrderId,
    /// The store's business day and the number within that day.
    #[schema(example = "20261120-001")]
    pub order_number: String,
    /// `items` as a string of JSON, for clients that parse it. Deprecated: read `items`.
    #[schema(
        deprecated,
        example = "[{\"menu_name\":\"김치찌개\",\"unit_price\":9000,\"quantity\":2,\"subtotal\":18000}]"
    )]
    pub items_json: String,
    /// Its lines.
    pub items: Vec<OrderItemResponse>,
    /// The sum of its lines, in the currency's minor unit.
    #[schema(example = 18000)]
    pub total_amount: i64,
    /// Its status when the session was completed.
    pub status: OrderStatus,
    /// Its session.
    pub session_id: SessionId,
    /// When it was placed.
    pub ordered_at: DateTime<Utc>,
    /// When its session was completed.
    pub completed_at: DateTime<Utc>,
}

/// A line in `items_json`.
#[derive(Serialize)]
struct PastItem<'a> {
    menu_name: &'a str,
    unit_price: i64,
    quantity: i32,
    subtotal: i64,
}

impl From<PastOrder> for PastOrderResponse {
    fn from(PastOrder { order, completed_at }: PastOrder) -> Self {
        let items: Vec<OrderItemResponse> = order.items.into_iter().map(OrderItemResponse::from).collect();
        let json_items: Vec<_> = items
            .iter()
            .map(|item| PastItem {
                menu_name: &item.menu_name,
                unit_price: item.unit_price,
                quantity: item.quantity,
                subtotal: item.subtotal,
            })
            .collect();
        Self {
            id: order.id,
            order_number: order.number.to_string(),
            // Serialising a plain struct of numbers and strings cannot fail.
            items_json: serde_json::to_string(&json_items).unwrap_or_default(),
            items,
            total_amount: order.total_amount.get(),
            status: order.status,
            session_id: order.session_id,
            ordered_at: order.created_at,
            completed_at,
        }
    }
}

/// A page of past orders, newest first.
#[derive(Serialize, ToSchema)]
pub struct HistoryResponse {
    /// The orders.
    pub orders: Vec<PastOrderResponse>,
    /// The `cursor` of the next page; `null` on the last page.
    #[schema(required, example = "20261101-007")]
    pub next_cursor: Option<String>,
}

impl From<OrderPage<PastOrder>> for HistoryResponse {
    fn from(page: OrderPage<PastOrder>) -> Self {
        Self {
            orders: page.orders.into_iter().map(PastOrderResponse::from).collect(),
            next_cursor: page.next.map(|next| next.to_string()),
        }
    }
}
