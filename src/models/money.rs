//! Prices, quantities and totals. Amounts are in the minor unit of the store's currency (KRW has none: won).

use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Serialize};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Postgres, Type};

/// The number is outside the range of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("out of range")]
pub struct OutOfRange;

/// Decodes a number from a column of the type `$column`; a value out of range is an error.
macro_rules! checked_number {
    ($name:ident, $column:ty) => {
        impl Type<Postgres> for $name {
            fn type_info() -> PgTypeInfo {
                <$column as Type<Postgres>>::type_info()
            }
        }

        impl PgHasArrayType for $name {
            fn array_type_info() -> PgTypeInfo {
                <$column as PgHasArrayType>::array_type_info()
            }
        }

        impl<'r> Decode<'r, Postgres> for $name {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                let number = <$column as Decode<Postgres>>::decode(value)?;
                Ok(i64::from(number).try_into()?)
            }
        }
    };
}

checked_number!(Price, i64);
checked_number!(Quantity, i32);

/// The price of one menu item: 0 to 100,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct Price(i64);

impl Price {
    /// The largest price a menu item can have.
    pub const MAX: i64 = 100_000_000;

    /// The price in minor units.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Price {
    type Error = OutOfRange;

    fn try_from(value: i64) -> Result<Self, OutOfRange> {
        (0..=Self::MAX).contains(&value).then_some(Self(value)).ok_or(OutOfRange)
    }
}

/// The quantity of one order line: 1 to 999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "i64")]
pub struct Quantity(i32);

impl Quantity {
    /// The largest quantity of one line.
    pub const MAX: i32 = 999;

    /// The count.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = OutOfRange;

    fn try_from(value: i64) -> Result<Self, OutOfRange> {
        i32::try_from(value).ok().filter(|count| (1..=Self::MAX).contains(count)).map(Self).ok_or(OutOfRange)
    }
}

/// An amount of money. The largest order (100 lines of 999 at 100,000,000) is below 10^13, far below the limits of an
/// `i64` and of an exact JavaScript number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Money(i64);

impl Money {
    /// Price times quantity.
    #[must_use]
    pub fn of_line(price: Price, quantity: Quantity) -> Self {
        Self(price.0 * i64::from(quantity.0))
    }

    /// The amount in minor units.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_order_is_summed_exactly() {
        let line =
            Money::of_line(Price::try_from(Price::MAX).unwrap(), Quantity::try_from(i64::from(Quantity::MAX)).unwrap());
        let total: Money = std::iter::repeat_n(line, 100).sum();
        assert_eq!(total.get(), 9_990_000_000_000);
    }

    proptest! {
        #[test]
        fn a_total_is_exactly_the_sum_of_its_lines(
            lines in prop::collection::vec((0..=Price::MAX, 1..=i64::from(Quantity::MAX)), 1..=100)
        ) {
            let total: Money = lines
                .iter()
                .map(|(price, quantity)| {
                    Money::of_line(Price::try_from(*price).unwrap(), Quantity::try_from(*quantity).unwrap())
                })
                .sum();
            let exact: i128 = lines.iter().map(|(price, quantity)| i128::from(*price) * i128::from(*quantity)).sum();
            prop_assert_eq!(i128::from(total.get()), exact);
        }
    }

    #[test]
    fn prices_and_quantities_out_of_range_are_refused() {
        for price in [-1, Price::MAX + 1, i64::MAX, i64::MIN] {
            assert_eq!(Price::try_from(price), Err(OutOfRange));
        }
        for quantity in [0, -1, 1000, 1 << 31, i64::MAX, i64::MIN] {
            assert_eq!(Quantity::try_from(quantity), Err(OutOfRange));
        }
    }
}
