//! Orders.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::rules::printable;
use crate::error::{AppError, Reason, Result};
use crate::models::{
    ItemId, MenuId, Money, Order, OrderId, OrderItem, OrderLine, OrderStatus, Quantity, SessionId, TableId,
};

/// What a guest orders. Prices are the server's.
#[derive(Deserialize, Validate, ToSchema)]
pub struct CreateOrderRequest {
    /// The lines; the same dish may come twice.
    #[validate(length(min = 1, max = 100), nested)]
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<OrderLineRequest>,
    /// A wish.
    #[validate(length(max = 500), custom(function = printable))]
    #[schema(max_length = 500, example = "덜 맵게 해 주세요")]
    pub note: Option<String>,
}

/// One line of an order. (`Serialize` is what the validator asks of the elements of a list.)
#[derive(Deserialize, Serialize, Validate, ToSchema)]
pub struct OrderLineRequest {
    /// The dish.
    pub menu_id: MenuId,
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
    pub status: OrderStatus,
}

/// A line of an order: name and price are those of the moment it was ordered.
#[derive(Serialize, ToSchema)]
pub struct OrderItemResponse {
    /// The line's id.
    pub id: ItemId,
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
