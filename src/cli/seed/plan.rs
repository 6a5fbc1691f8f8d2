//! What a made-up store is like. The same seed and number give the same store.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Asia::Seoul;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// A category with its dishes: name and price in won.
type Shelf = (&'static str, &'static [(&'static str, i64)]);

const SHELVES: [Shelf; 6] = [
    (
        "찌개·탕",
        &[
            ("김치찌개", 9_000),
            ("된장찌개", 8_500),
            ("순두부찌개", 9_000),
            ("부대찌개", 11_000),
            ("갈비탕", 14_000),
            ("설렁탕", 11_000),
            ("육개장", 10_000),
            ("감자탕", 12_000),
        ],
    ),
    (
        "밥",
        &[
            ("비빔밥", 9_500),
            ("돌솥비빔밥", 10_500),
            ("불고기덮밥", 11_000),
            ("제육덮밥", 9_500),
            ("김치볶음밥", 8_500),
            ("오므라이스", 9_500),
            ("회덮밥", 13_000),
        ],
    ),
    (
        "면·분식",
        &[
            ("물냉면", 10_000),
            ("비빔냉면", 10_000),
            ("칼국수", 9_000),
            ("잔치국수", 7_000),
            ("떡볶이", 6_500),
            ("라볶이", 8_000),
            ("김밥", 4_500),
            ("만두", 6_000),
        ],
    ),
    (
        "고기·안주",
        &[
            ("삼겹살", 16_000),
            ("목살", 16_000),
            ("양념갈비", 19_000),
            ("닭갈비", 14_000),
            ("보쌈", 32_000),
            ("족발", 36_000),
            ("해물파전", 15_000),
            ("골뱅이무침", 18_000),
            ("순살치킨", 19_000),
        ],
    ),
    ("음료", &[("콜라", 2_000), ("사이다", 2_000), ("식혜", 3_500), ("수정과", 3_500), ("아메리카노", 3_000)]),
    ("주류", &[("생맥주", 4_500), ("병맥주", 5_000), ("소주", 5_000), ("막걸리", 6_000), ("복분자주", 15_000)]),
];

const NAMES: [&str; 12] =
    ["할매", "바다", "은하", "정든", "황금", "소문난", "원조", "둘리", "무지개", "한강", "북촌", "제주"];
const KINDS: [&str; 10] = ["식당", "분식", "국밥", "갈비", "포차", "칼국수", "한정식", "치킨", "족발", "밥상"];
const DISTRICTS: [&str; 10] = ["강남", "홍대", "종로", "성수", "잠실", "부산", "대구", "전주", "수원", "인천"];

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) tables: usize,
    pub(super) menus: usize,
    pub(super) days: u32,
    pub(super) orders_per_day: usize,
}

/// A made-up store.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) categories: Vec<&'static str>,
    pub(super) dishes: Vec<Dish>,
    rng: StdRng,
}

#[derive(Debug)]
pub(super) struct Dish {
    /// Which of the store's categories.
    pub(super) category: usize,
    pub(super) name: String,
    pub(super) price: i64,
}

/// One party's stay, with its orders.
#[derive(Debug)]
pub(super) struct Stay {
    /// Which of the store's tables.
    pub(super) table: usize,
    pub(super) orders: Vec<PlannedOrder>,
    pub(super) completed_at: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) struct PlannedOrder {
    pub(super) at: DateTime<Utc>,
    /// Which dish, how many.
    pub(super) lines: Vec<(usize, i32)>,
}

impl Plan {
    pub(super) fn new(seed: u64, number: usize, size: Size) -> Self {
        let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (number as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
        let mut rng = StdRng::seed_from_u64(mixed);
        let mut pick = |words: &[&'static str]| words.choose(&mut rng).copied().unwrap_or_default();
        let name = format!("{} {} {}점", pick(&NAMES), pick(&KINDS), pick(&DISTRICTS));
        let dishes = dishes(&mut rng, size.menus);
        Self { name, categories: SHELVES.iter().map(|(name, _)| *name).collect(), dishes, rng }
    }

    /// The stays of one past day: busy at noon and in the evening, one to three orders each.
    pub(super) fn day(&mut self, day: NaiveDate, size: Size) -> Vec<Stay> {
        let mut stays = Vec::new();
        let mut left = size.orders_per_day;
        while left > 0 && size.tables > 0 && !self.dishes.is_empty() {
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
                    PlannedOrder { at, lines: self.lines() }
                })
                .collect();
            let completed_at = at + TimeDelta::minutes(self.rng.random_range(15..60));
            stays.push(Stay { table: self.rng.random_range(0..size.tables), orders, completed_at });
        }
        stays
    }

    fn lines(&mut self) -> Vec<(usize, i32)> {
        let count = self.rng.random_range(1..=4);
        (0..count).map(|_| (self.rng.random_range(0..self.dishes.len()), self.rng.random_range(1..=3))).collect()
    }
}

/// `count` dishes spread over the shelves; where the shelves run out, larger portions of the same.
fn dishes(rng: &mut StdRng, count: usize) -> Vec<Dish> {
    let mut dishes = Vec::with_capacity(count);
    for round in 0.. {
        let portion = match round {
            0 => String::new(),
            1 => " (대)".to_owned(),
            more => format!(" ({more}인분)"),
        };
        let deepest = SHELVES.iter().map(|(_, shelf)| shelf.len()).max().unwrap_or(0);
        for depth in 0..deepest {
            for (category, (_, shelf)) in SHELVES.iter().enumerate() {
                if dishes.len() == count {
                    return dishes;
                }
                if let Some((name, price)) = shelf.get(depth) {
                    let price = price * (2 + round) / 2 + rng.random_range(-2..=2) * 500;
                    dishes.push(Dish { category, name: format!("{name}{portion}"), price: price.max(500) });
                }
            }
        }
    }
    dishes
}

/// A minute of a day in Seoul, where the clocks never change.
fn local_minute(day: NaiveDate, minute: u32) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN).and_local_timezone(Seoul).earliest();
    midnight.map(|midnight| midnight.with_timezone(&Utc)).unwrap_or_default() + TimeDelta::minutes(minute.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { tables: 10, menus: 100, days: 1, orders_per_day: 50 };

    #[test]
    fn the_same_seed_gives_the_same_store_and_another_gives_another() {
        let describe = |seed, number| {
            let mut plan = Plan::new(seed, number, SIZE);
            let day = plan.day("2026-11-19".parse().unwrap(), SIZE);
            format!("{:?} {:?} {day:?}", plan.name, plan.dishes)
        };
        assert_eq!(describe(7, 1), describe(7, 1));
        assert_ne!(describe(7, 1), describe(7, 2));
        assert_ne!(describe(7, 1), describe(8, 1));
    }

    #[test]
    fn a_day_has_as_many_orders_as_asked_for_at_believable_times() {
        let mut plan = Plan::new(7, 1, SIZE);
        assert_eq!(plan.dishes.len(), 100);
        let names: std::collections::HashSet<_> = plan.dishes.iter().map(|dish| &dish.name).collect();
        assert_eq!(names.len(), 100);
        let stays = plan.day("2026-11-19".parse().unwrap(), SIZE);
        let orders: Vec<_> = stays.iter().flat_map(|stay| &stay.orders).collect();
        assert_eq!(orders.len(), 50);
        for order in orders {
            let hour = order.at.with_timezone(&Seoul).format("%H").to_string().parse::<u32>().unwrap();
            assert!((11..=22).contains(&hour), "{hour}");
            assert!(!order.lines.is_empty());
        }
    }
}
