//! The content of a generated store. The same seed and number give the same store.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Asia::Seoul;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::names::{CATEGORIES, DISTRICTS, KINDS, NAMES};

/// The size of every store.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub tables: usize,
    pub menu_items: usize,
    /// Days with past orders.
    pub days: u32,
    pub orders_per_day: usize,
}

impl Size {
    /// Past orders of one store.
    pub fn orders(self) -> usize {
        if self.tables == 0 || self.menu_items == 0 { 0 } else { self.days as usize * self.orders_per_day }
    }
}

/// A store that is to be written.
#[derive(Debug)]
pub struct StorePlan {
    pub name: String,
    pub categories: Vec<&'static str>,
    pub menu_items: Vec<MenuItem>,
    rng: StdRng,
}

#[derive(Debug)]
pub struct MenuItem {
    /// Index into the store's categories.
    pub category: usize,
    pub name: String,
    pub price: i64,
}

/// A completed session with its orders.
#[derive(Debug)]
pub struct PastSession {
    /// Index into the store's tables.
    pub table: usize,
    pub orders: Vec<PastOrder>,
    pub completed_at: DateTime<Utc>,
}

#[derive(Debug)]
pub struct PastOrder {
    pub at: DateTime<Utc>,
    /// Indexes into the store's menu, and quantities.
    pub lines: Vec<(usize, i32)>,
}

impl StorePlan {
    pub fn new(seed: u64, number: usize, size: Size) -> Self {
        let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (number as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
        let mut rng = StdRng::seed_from_u64(mixed);
        let mut pick = |words: &[&'static str]| words.choose(&mut rng).copied().unwrap_or_default();
        let name = format!("{} {} {}점", pick(&NAMES), pick(&KINDS), pick(&DISTRICTS));
        let menu_items = menu(&mut rng, size.menu_items);
        Self { name, categories: CATEGORIES.iter().map(|(name, _)| *name).collect(), menu_items, rng }
    }

    /// The sessions of one past day: most at noon and in the evening, one to three orders each.
    pub fn day(&mut self, day: NaiveDate, size: Size) -> Vec<PastSession> {
        let mut sessions = Vec::new();
        let mut left = if size.orders() == 0 { 0 } else { size.orders_per_day };
        while left > 0 {
            let count = self.rng.random_range(1..=3).min(left);
            left -= count;
            let minute = if self.rng.random_ratio(45, 100) {
                self.rng.random_range(690..840)
            } else {
                self.rng.random_range(1050..1260)
            };
            let mut at = local_minute(day, minute) + TimeDelta::seconds(self.rng.random_range(0..60));
            let orders = (0..count)
                .map(|_| {
                    at += TimeDelta::minutes(self.rng.random_range(1..20));
                    PastOrder { at, lines: self.lines() }
                })
                .collect();
            let completed_at = at + TimeDelta::minutes(self.rng.random_range(15..60));
            sessions.push(PastSession { table: self.rng.random_range(0..size.tables), orders, completed_at });
        }
        sessions
    }

    fn lines(&mut self) -> Vec<(usize, i32)> {
        let count = self.rng.random_range(1..=4);
        (0..count).map(|_| (self.rng.random_range(0..self.menu_items.len()), self.rng.random_range(1..=3))).collect()
    }
}

/// `count` menu items spread over the categories; where the names run out, larger portions of the same.
fn menu(rng: &mut StdRng, count: usize) -> Vec<MenuItem> {
    let mut menu_items = Vec::with_capacity(count);
    let longest = CATEGORIES.iter().map(|(_, items)| items.len()).max().unwrap_or(0);
    for round in 0.. {
        let portion = match round {
            0 => String::new(),
            1 => " (대)".to_owned(),
            more => format!(" ({more}인분)"),
        };
        for index in 0..longest {
            for (category, (_, items)) in CATEGORIES.iter().enumerate() {
                if menu_items.len() == count {
                    return menu_items;
                }
                if let Some((name, price)) = items.get(index) {
                    let price = price * (2 + round) / 2 + rng.random_range(-2..=2) * 500;
                    menu_items.push(MenuItem { category, name: format!("{name}{portion}"), price: price.max(500) });
                }
            }
        }
    }
    menu_items
}

/// A minute of a day in Seoul, which has no daylight saving time.
fn local_minute(day: NaiveDate, minute: u32) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN).and_local_timezone(Seoul).earliest();
    midnight.map(|midnight| midnight.with_timezone(&Utc)).unwrap_or_default() + TimeDelta::minutes(minute.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { tables: 10, menu_items: 100, days: 1, orders_per_day: 50 };

    #[test]
    fn the_same_seed_gives_the_same_store_and_another_gives_another() {
        let describe = |seed, number| {
            let mut plan = StorePlan::new(seed, number, SIZE);
            let day = plan.day("2026-11-19".parse().unwrap(), SIZE);
            format!("{:?} {:?} {day:?}", plan.name, plan.menu_items)
        };
        assert_eq!(describe(7, 1), describe(7, 1));
        assert_ne!(describe(7, 1), describe(7, 2));
        assert_ne!(describe(7, 1), describe(8, 1));
    }

    #[test]
    fn a_day_has_the_number_of_orders_asked_for_at_mealtimes() {
        let mut plan = StorePlan::new(7, 1, SIZE);
        assert_eq!(plan.menu_items.len(), 100);
        let names: std::collections::HashSet<_> = plan.menu_items.iter().map(|item| &item.name).collect();
        assert_eq!(names.len(), 100);
        let sessions = plan.day("2026-11-19".parse().unwrap(), SIZE);
        let orders: Vec<_> = sessions.iter().flat_map(|session| &session.orders).collect();
        assert_eq!(orders.len(), 50);
        for order in orders {
            let hour = order.at.with_timezone(&Seoul).format("%H").to_string().parse::<u32>().unwrap();
            assert!((11..=22).contains(&hour), "{hour}");
            assert!(!order.lines.is_empty());
        }
    }
}
