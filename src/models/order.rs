//! Orders, order numbers and the order status, which is a state machine.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DeviceId, MenuItemId, Money, OrderId, OrderItemId, OutOfRange, Price, Quantity, SessionId, TableId};

/// The status of an order: pending → preparing → completed, one step at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "order_status", rename_all = "lowercase")]
pub enum OrderStatus {
    /// Placed; the kitchen has not started.
    Pending,
    /// Being prepared.
    Preparing,
    /// Served.
    Completed,
}

/// The effect of a requested status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    /// The order already has this status.
    Unchanged,
    /// The order moves to the next status.
    Step,
}

/// A status change that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order cannot go from {from:?} to {to:?}")]
pub struct InvalidTransition {
    /// The current status.
    pub from: OrderStatus,
    /// The requested status.
    pub to: OrderStatus,
}

impl OrderStatus {
    /// Every status, in order.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Preparing, Self::Completed];

    /// Checks a change from this status to `to`.
    ///
    /// # Errors
    /// [`InvalidTransition`] for a step backwards or a skipped status.
    pub fn change_to(self, to: Self) -> Result<StatusChange, InvalidTransition> {
        match (self, to) {
            (from, to) if from == to => Ok(StatusChange::Unchanged),
            (Self::Pending, Self::Preparing) | (Self::Preparing, Self::Completed) => Ok(StatusChange::Step),
            (from, to) => Err(InvalidTransition { from, to }),
        }
    }
}

/// An order's number: the store's business day and a number that starts at 001 each day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderNumber {
    /// The store's business day.
    pub business_day: NaiveDate,
    /// 1, 2, 3 … within that day.
    pub day_number: i32,
}

impl std::fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let day = self.business_day;
        write!(f, "{:04}{:02}{:02}-{:03}", day.year(), day.month(), day.day(), self.day_number)
    }
}

impl std::str::FromStr for OrderNumber {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        let (day, number) = text.split_once('-').ok_or(OutOfRange)?;
        let parsed = Self {
            business_day: NaiveDate::parse_from_str(day, "%Y%m%d").map_err(|_| OutOfRange)?,
            day_number: number.parse().map_err(|_| OutOfRange)?,
        };
        // Other spellings are refused, such as a number without its leading zeros.
        if parsed.to_string() == text { Ok(parsed) } else { Err(OutOfRange) }
    }
}

/// One requested line of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLine {
    /// The menu item.
    pub menu_id: MenuItemId,
    /// The quantity.
    pub quantity: Quantity,
}

/// A stored line of an order, with the name and price at the time of the order. SQL statements return it as a JSON
/// array of these fields in this order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderItem {
    /// The line's id.
    pub id: OrderItemId,
    /// The menu item's name when it was ordered.
    pub menu_name: String,
    /// The menu item's price when it was ordered.
    pub unit_price: Price,
    /// The quantity.
    pub quantity: Quantity,
}

impl OrderItem {
    /// Price times quantity.
    #[must_use]
    pub fn subtotal(&self) -> Money {
        Money::of_line(self.unit_price, self.quantity)
    }
}

/// An order with its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The order's id.
    pub id: OrderId,
    /// The number that staff and guests use.
    pub number: OrderNumber,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// The table it was placed at.
    pub table_id: TableId,
    /// The table's number.
    pub table_number: i32,
    /// The device that placed it; `None` for orders of release 0.1.0.
    pub device_id: Option<DeviceId>,
    /// Its status.
    pub status: OrderStatus,
    /// The sum of its lines.
    pub total_amount: Money,
    /// The guest's note, if any.
    pub note: Option<String>,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Its lines, in the order of the request.
    pub items: Vec<OrderItem>,
}

/// An order of a completed session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastOrder {
    /// The order.
    pub order: Order,
    /// When its session was completed.
    pub completed_at: DateTime<Utc>,
}

/// A filter of a store's live orders.
#[derive(Debug, Clone, Copy, Default)]
pub struct LiveFilter {
    /// Only orders with this status.
    pub status: Option<OrderStatus>,
    /// Only orders of this table.
    pub table_id: Option<TableId>,
}

/// A range of business days, both ends included.
#[derive(Debug, Clone, Copy, Default)]
pub struct DayRange {
    /// The first business day.
    pub from: Option<NaiveDate>,
    /// The last business day.
    pub to: Option<NaiveDate>,
}

/// The author and the reason of a cancellation.
#[derive(Debug, Clone, Copy)]
pub struct Cancellation<'a> {
    /// The user's name.
    pub by: &'a str,
    /// The reason, if one was given.
    pub reason: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn status_moves_one_step_at_a_time() {
        use OrderStatus::{Completed, Pending, Preparing};
        for from in OrderStatus::ALL {
            for to in OrderStatus::ALL {
                let expected = match (from, to) {
                    (a, b) if a == b => Ok(StatusChange::Unchanged),
                    (Pending, Preparing) | (Preparing, Completed) => Ok(StatusChange::Step),
                    _ => Err(InvalidTransition { from, to }),
                };
                assert_eq!(from.change_to(to), expected);
            }
        }
    }

    proptest! {
        #[test]
        fn no_sequence_of_changes_reaches_an_illegal_state(requests in prop::collection::vec(0..3_usize, 0..20)) {
            let mut status = OrderStatus::Pending;
            for request in requests {
                let requested = OrderStatus::ALL[request];
                let position = |status| OrderStatus::ALL.iter().position(|one| *one == status).unwrap();
                match status.change_to(requested) {
                    Ok(StatusChange::Step) => {
                        prop_assert_eq!(position(requested), position(status) + 1);
                        status = requested;
                    }
                    Ok(StatusChange::Unchanged) => prop_assert_eq!(requested, status),
                    Err(invalid) => {
                        prop_assert_eq!((invalid.from, invalid.to), (status, requested));
                        let step = position(requested).cast_signed() - position(status).cast_signed();
                        prop_assert!(step != 0 && step != 1);
                    }
                }
            }
        }

        #[test]
        fn only_a_formatted_number_parses(day in 0..40_000_u64, day_number in 1..i32::MAX, text in ".*") {
            let business_day = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap() + chrono::Days::new(day);
            let number = OrderNumber { business_day, day_number };
            prop_assert_eq!(number.to_string().parse(), Ok(number));
            if let Ok(parsed) = text.parse::<OrderNumber>() {
                prop_assert_eq!(parsed.to_string(), text);
            }
        }
    }

    #[test]
    fn numbers_have_three_digits_and_grow_past_999() {
        let number = |day_number| OrderNumber { business_day: "2026-11-20".parse().unwrap(), day_number }.to_string();
        assert_eq!(number(1), "20261120-001");
        assert_eq!(number(999), "20261120-999");
        assert_eq!(number(1000), "20261120-1000");
    }
}
