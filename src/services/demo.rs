//! The demo restaurant.

use chrono::NaiveTime;

use crate::clock::Clock;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{BusinessCalendar, Price, StoreCode, Username};
use crate::repositories::menu::NewMenu;
use crate::repositories::{category, menu, store as store_rows, table};
use crate::security::password::hash_now;
use crate::services::store::{self, NewStore};

/// The demo restaurant's code.
const CODE: &str = "demo-store";

/// A dish: its name, its price in won, what it is.
type Dish = (&'static str, i64, &'static str);

/// The menu: categories, each with its dishes.
const MENU: [(&str, &[Dish]); 3] = [
    (
        "식사",
        &[
            ("김치찌개", 9_000, "잘 익은 김치와 돼지고기를 넣고 얼큰하게 끓인 찌개. 공깃밥이 함께 나옵니다."),
            ("된장찌개", 8_500, "집된장에 두부와 애호박, 버섯을 넣어 구수하게 끓인 찌개."),
            ("돌솥비빔밥", 10_000, "뜨거운 돌솥에 갖은 나물과 달걀, 고추장을 올린 비빔밥."),
            ("불고기덮밥", 11_000, "간장 양념에 재운 소불고기를 듬뿍 올린 덮밥."),
        ],
    ),
    (
        "안주",
        &[
            ("해물파전", 15_000, "오징어와 새우, 쪽파를 넉넉히 넣고 바삭하게 부친 전."),
            ("떡볶이", 7_000, "쫄깃한 쌀떡과 어묵을 매콤달콤한 양념에 볶았습니다."),
            ("순살치킨", 18_000, "바삭하게 튀긴 순살 닭튀김. 양념 또는 후라이드."),
        ],
    ),
    (
        "음료·주류",
        &[
            ("콜라", 2_000, "355ml 캔."),
            ("식혜", 3_500, "직접 만든 전통 식혜."),
            ("생맥주", 4_500, "500cc. 19세 이상만 주문할 수 있습니다."),
        ],
    ),
];

/// Whether the demo restaurant is in the database.
///
/// # Errors
/// Of the database.
pub async fn has_demo(database: &Database) -> Result<bool> {
    let code = StoreCode::parse(CODE).unwrap_or_default();
    Ok(store_rows::find_by_code(database.acquire().await?.conn(), &code).await?.is_some())
}

/// Puts the demo restaurant into a database without any store: store `demo-store`, owner `admin` with
/// `admin1234`, tables 1 to 5 with `1234`. `false` where there are stores already.
///
/// # Errors
/// Of the database.
pub async fn seed_demo(database: &Database, clock: &Clock) -> Result<bool> {
    let mut tx = database.begin().await?;
    if store_rows::any(tx.conn()).await? {
        return Ok(false);
    }
    let new = NewStore {
        code: StoreCode::parse(CODE).ok_or(ErrorCode::InternalError)?,
        name: "데모 식당".to_owned(),
        calendar: BusinessCalendar { time_zone: chrono_tz::Asia::Seoul, day_starts_at: NaiveTime::MIN },
        owner: Username::parse("admin").ok_or(ErrorCode::InternalError)?,
        owner_password: "admin1234".to_owned(),
    };
    let now = clock.now();
    let store = match store::insert(&mut tx, &new, &hash_now(&new.owner_password)?, now).await {
        // Another instance that started at the same moment was first.
        Err(AppError { code: ErrorCode::Duplicate, .. }) => return Ok(false),
        made => made?,
    };
    let table_password = hash_now("1234")?;
    for number in 1..=5 {
        table::insert(tx.conn(), store, number, &table_password, now).await?;
    }
    for (category_order, (category_name, dishes)) in (0..).zip(MENU) {
        let category_id = category::insert(tx.conn(), store, category_name, category_order, now).await?;
        for (display_order, (name, price, description)) in (0..).zip(dishes) {
            let dish = NewMenu {
                category_id,
                name,
                price: Price::try_from(*price).map_err(AppError::internal)?,
                description: Some(description),
                image_url: None,
                is_available: true,
                display_order,
            };
            menu::insert(tx.conn(), store, &dish, now).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}
