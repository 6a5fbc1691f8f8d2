//! Orders.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::validators::{objects, printable, string_enum};
use crate::error::{AppError, Reason, Result};
use crate::models::{
    DeviceId, LiveFilter, MenuItemId, Order, OrderId, OrderItem, OrderItemId, OrderLine, OrderStatus, Quantity,
    SessionId, TableId,
};
use crate::services::{OrderPage, SessionOrders};

/// An order to place. The server sets the prices.
#[derive(Deserialize, Validate, ToSchema)]
#[schema(example = json!({"items": [{"menu_id": 1, "quantity": 2}], "note": "덜 맵게 해 주세요"}))]
pub struct CreateOrderRequest {
    /// The lines. The same menu item may occur in more than one line.
    #[serde(deserialize_with = "objects")]
    #[validate(length(min = 1, max = 100), nested)]
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<OrderLineRequest>,
    /// A note to the kitchen.
    #[validate(length(max = 500), custom(function = printable))]
    #[schema(pattern = "printable", max_length = 500, example = "덜 맵게 해 주세요")]
    pub note: Option<String>,
    /// The version of the menu that the guest saw. If the name or price of an ordered menu item has changed since, the
    /// order is refused.
    #[schema(example = 42)]
    pub menu_version: Option<i64>,
    /// The session of the token when the guest ordered. If the token belongs to another session by now, the order is
    /// refused. An order that may be sent with a later token needs it.
    pub session_id: Option<SessionId>,
    /// The order is refused after this time on the server's clock, at most 24 hours ahead. A tablet that queues orders
    /// while offline sets it.
    pub not_after: Option<DateTime<Utc>>,
}

/// One line of an order.
// The validator requires `Serialize` of the elements of a list.
#[derive(Deserialize, Serialize, Validate, ToSchema)]
pub struct OrderLineRequest {
    /// The menu item.
    pub menu_id: MenuItemId,
    /// The quantity.
    #[validate(range(min = 1, max = 999))]
    #[schema(minimum = 1, maximum = 999, example = 2)]
    pub quantity: i64,
}

impl CreateOrderRequest {
    /// Converts the lines into models.
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

/// A new status of an order.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UpdateOrderStatusRequest {
    /// The next status.
    #[serde(deserialize_with = "string_enum")]
    pub status: OrderStatus,
}

/// A line of an order, with the name and price at the time of the order.
#[derive(Serialize, ToSchema)]
pub struct OrderItemResponse {
    /// The line's id.
    pub id: OrderItemId,
    /// The menu item's name.
    #[schema(example = "김치찌개")]
    pub menu_name: String,
    /// The menu item's price, in the currency's minor unit.
    #[schema(example = 9000)]
    pub unit_price: i64,
    /// The quantity.
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

/// The author of an order.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PlacedByResponse {
    /// A tablet, as `GET /admin/devices` lists it.
    Device {
        /// The device's id.
        device_id: DeviceId,
    },
}

/// An order.
#[derive(Serialize, ToSchema)]
pub struct OrderResponse {
    /// The order's id.
    pub id: OrderId,
    /// The store's business day and a number that starts at 001 each day.
    #[schema(example = "20261120-001")]
    pub order_number: String,
    /// Its status.
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
    /// Its session.
    pub session_id: SessionId,
    /// The table it was placed at.
    pub table_id: TableId,
    /// The table's number.
    #[schema(example = 3)]
    pub table_number: i32,
    /// The author of the order; `null` if unknown.
    #[schema(required)]
    pub placed_by: Option<PlacedByResponse>,
    /// The guest's note.
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
            placed_by: order.device_id.map(|device_id| PlacedByResponse::Device { device_id }),
            note: order.note,
        }
    }
}

/// Orders, newest first.
#[derive(Serialize, ToSchema)]
pub struct OrderListResponse {
    /// The orders.
    pub orders: Vec<OrderResponse>,
    /// The sum of all orders of the session, in the currency's minor unit.
    #[schema(example = 18000)]
    pub total_amount: i64,
    /// The `cursor` of the next page; `null` on the last page.
    #[schema(required, example = "20261120-042")]
    pub next_cursor: Option<String>,
}

impl From<SessionOrders> for OrderListResponse {
    fn from(session: SessionOrders) -> Self {
        Self {
            orders: session.orders.into_iter().map(OrderResponse::from).collect(),
            total_amount: session.total_amount.get(),
            next_cursor: session.next.map(|next| next.to_string()),
        }
    }
}

/// A filter of the live orders.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LiveOrdersQuery {
    /// Only orders with this status.
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
    /// The `cursor` of the next page; `null` on the last page.
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

/// The reason of a cancellation.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CancelOrderQuery {
    /// The reason, for the audit log.
    #[param(pattern = "printable", max_length = 500, example = "잘못 입력")]
    pub reason: Option<String>,
}

impl CancelOrderQuery {
    /// The reason, if it is not empty.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a reason that is too long or cannot be stored.
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
