//! Orders.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::rules::{objects, printable, word};
use crate::error::{AppError, ErrorCode, Reason, Result};
use crate::models::{
    DayRange, LiveFilter, MenuItemId, Money, Order, OrderId, OrderItem, OrderItemId, OrderLine, OrderStatus, PastOrder,
    Quantity, SessionId, TableId,
};
use crate::services::OrderPage;

/// What a guest orders. Prices are the server's.
#[derive(Deserialize, Validate, ToSchema)]
pub struct CreateOrderRequest {
    /// The lines; the same dish may come twice.
    #[serde(deserialize_with = "objects")]
    #[validate(length(min = 1, max = 100), nested)]
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<OrderLineRequest>,
    /// A wish.
    #[validate(length(max = 500), custom(function = printable))]
    #[schema(pattern = "printable", max_length = 500, example = "덜 맵게 해 주세요")]
    pub note: Option<String>,
}

/// One line of an order.
// `Serialize` is what the validator asks of the elements of a list.
#[derive(Deserialize, Serialize, Validate, ToSchema)]
pub struct OrderLineRequest {
    /// The dish.
    pub menu_id: MenuItemId,
    /// How many.
    #[validate(range(min = 1, max = 999))]
    #[schema(minimum = 1, maximum = 999, example = 2)]
    pub quantity: i64,
}

impl CreateOrderRequest {
    /// The lines as the domain knows them.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a quantity out of range.
    pub fn lines(&self) -> Result<Vec<OrderLine>> {
        let line = |(index, line): (usize, &OrderLineRequest)| {
            let range = Reason::Range { min: 1, max: Quantity::MAX.into() };
            let quantity = Quantity::try_from(line.quantity)
                .map_err(|_| AppError::invalid_field(format!("items[{index}].quantity"), range))?;
            Ok(OrderLine { menu_id: line.menu_id, quantity })
        };
        self.items.iter().enumerate().map(line).collect()
    }
}

/// Where an order is to go.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UpdateOrderStatusRequest {
    /// The next status, one step on.
    #[serde(deserialize_with = "word")]
    pub status: OrderStatus,
}

/// A line of an order: name and price are those of the moment it was ordered.
#[derive(Serialize, ToSchema)]
pub struct OrderItemResponse {
    /// The line's id.
    pub id: OrderItemId,
    /// The dish's name.
    #[schema(example = "김치찌개")]
    pub menu_name: String,
    /// The dish's price, in the currency's minor unit.
    #[schema(example = 9000)]
    pub unit_price: i64,
    /// How many.
    #[schema(example = 2)]
    pub quantity: i32,
    /// Price times quantity.
    #[schema(example = 18000)]
    pub subtotal: i64,
}

impl From<OrderItem> for OrderItemResponse {
    fn from(item: OrderItem) -> Self {
        Self {
            id: item.id,
            subtotal: item.subtotal().get(),
            menu_name: item.menu_name,
            unit_price: item.unit_price.get(),
            quantity: item.quantity.get(),
        }
    }
}

/// An order.
#[derive(Serialize, ToSchema)]
pub struct OrderResponse {
    /// The order's id.
    pub id: OrderId,
    /// The store's business day and a number that starts at 001 each day.
    #[schema(example = "20261120-001")]
    pub order_number: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// The sum of its lines, in the currency's minor unit.
    #[schema(example = 18000)]
    pub total_amount: i64,
    /// Its lines.
    pub items: Vec<OrderItemResponse>,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// The stay it belongs to.
    pub session_id: SessionId,
    /// The table it was placed at.
    pub table_id: TableId,
    /// That table's number.
    #[schema(example = 3)]
    pub table_number: i32,
    /// The guest's wish.
    #[schema(required, example = "덜 맵게 해 주세요")]
    pub note: Option<String>,
}

impl From<Order> for OrderResponse {
    fn from(order: Order) -> Self {
        Self {
            id: order.id,
            order_number: order.number.to_string(),
            status: order.status,
            total_amount: order.total_amount.get(),
            items: order.items.into_iter().map(OrderItemResponse::from).collect(),
            created_at: order.created_at,
            updated_at: order.updated_at,
            session_id: order.session_id,
            table_id: order.table_id,
            table_number: order.table_number,
            note: order.note,
        }
    }
}

/// Orders, newest first.
#[derive(Serialize, ToSchema)]
pub struct OrderListResponse {
    /// The orders.
    pub orders: Vec<OrderResponse>,
    /// The sum of them all, in the currency's minor unit.
    #[schema(example = 18000)]
    pub total_amount: i64,
}

impl From<Vec<Order>> for OrderListResponse {
    fn from(orders: Vec<Order>) -> Self {
        let total: Money = orders.iter().map(|order| order.total_amount).sum();
        Self { orders: orders.into_iter().map(OrderResponse::from).collect(), total_amount: total.get() }
    }
}

/// Which live orders are asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LiveOrdersQuery {
    /// Only orders that stand here.
    pub status: Option<OrderStatus>,
    /// Only orders of this table.
    #[param(value_type = Option<i64>, example = 3)]
    pub table_id: Option<TableId>,
}

impl From<LiveOrdersQuery> for LiveFilter {
    fn from(query: LiveOrdersQuery) -> Self {
        Self { status: query.status, table_id: query.table_id }
    }
}

/// A page of orders, newest first.
#[derive(Serialize, ToSchema)]
pub struct OrderPageResponse {
    /// The orders.
    pub orders: Vec<OrderResponse>,
    /// What to send as `cursor` for the next page; `null` on the last.
    #[schema(required, example = "20261120-042")]
    pub next_cursor: Option<String>,
}

impl From<OrderPage<Order>> for OrderPageResponse {
    fn from(page: OrderPage<Order>) -> Self {
        Self {
            orders: page.orders.into_iter().map(OrderResponse::from).collect(),
            next_cursor: page.next.map(|next| next.to_string()),
        }
    }
}

/// Which days are asked for.
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
    /// The days as the domain knows them; an empty date is none.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` for what is no date.
    pub fn days(&self) -> Result<DayRange> {
        let day = |text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            // Only as RFC 3339 writes it: the parser would take `2026-2-3` too.
            Some(text) => match text.parse::<NaiveDate>() {
                Ok(day) if day.to_string() == text && (1..=9999).contains(&day.year()) => Ok(Some(day)),
                _ => Err(AppError::from(ErrorCode::MalformedRequest)),
            },
        };
        Ok(DayRange { from: day(&self.date_from)?, to: day(&self.date_to)? })
    }
}

/// An order of a stay that was completed.
#[derive(Serialize, ToSchema)]
pub struct PastOrderResponse {
    /// The order's id.
    pub id: OrderId,
    /// The store's business day and a number.
    #[schema(example = "20261120-001")]
    pub order_number: String,
    /// `items` as a text that holds JSON, for clients that parse it. Deprecated: read `items`.
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
    /// Where it stood when the stay was completed.
    pub status: OrderStatus,
    /// The stay it belonged to.
    pub session_id: SessionId,
    /// When it was placed.
    pub ordered_at: DateTime<Utc>,
    /// When its stay was completed.
    pub completed_at: DateTime<Utc>,
}

/// A line as old clients parse it.
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
        let parsed_by_old_clients: Vec<_> = items
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
            // Plain structs of numbers and strings always serialise.
            items_json: serde_json::to_string(&parsed_by_old_clients).unwrap_or_default(),
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
    /// What to send as `cursor` for the next page; `null` on the last.
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

/// Why an order is deleted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CancelOrderQuery {
    /// Why, for the audit.
    #[param(pattern = "printable", max_length = 500, example = "잘못 입력")]
    pub reason: Option<String>,
}

impl CancelOrderQuery {
    /// The reason, if it says something.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for one that cannot be kept.
    pub fn reason(&self) -> Result<Option<&str>> {
        const MAX_CHARS: usize = 500;
        let reason = self.reason.as_deref().filter(|reason| !reason.is_empty());
        if let Some(reason) = reason {
            if reason.chars().count() > MAX_CHARS {
                return Err(AppError::invalid_field("reason", Reason::Length { min: 0, max: 500 }));
            }
            printable(reason).map_err(|_| AppError::invalid_field("reason", Reason::Unprintable))?;
        }
        Ok(reason)
    }
}
