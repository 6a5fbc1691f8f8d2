//! The demo restaurant.

use chrono::{DateTime, NaiveTime, Utc};
use scoped_futures::ScopedFutureExt;

use crate::clock::Clock;
use crate::database::{Connection, Database};
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{BusinessCalendar, MenuItemDetails, Price, StoreCode, StoreId, Username};
use crate::repositories::{category, menu_item, store as store_rows, table};
use crate::security::password::hash_now;
use crate::services::store::{self, NewStore};

/// The demo restaurant's code.
const CODE: &str = "demo-store";

/// A menu item: its name, its price in won, its description.
type Item = (&'static str, i64, &'static str);

/// The menu: categories, each with its items.
const MENU: [(&str, &[Item]); 3] = [
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

/// Whether the database has the demo restaurant.
pub async fn has_demo(database: &Database) -> Result<bool> {
    let code = StoreCode::parse(CODE);
    let store = database.read(|conn| store_rows::find_by_code(conn, code.as_ref()).scope_boxed()).await?;
    Ok(store.is_some())
}

/// Inserts the demo restaurant into a database without stores: store `demo-store`, owner `admin` with the password
/// `admin1234`, tables 1 to 5 with the password `1234`. Returns `false` if there are stores already.
pub async fn seed_demo(database: &Database, clock: &Clock) -> Result<bool> {
    let new = &NewStore {
        code: StoreCode::parse(CODE).ok_or(ErrorCode::InternalError)?,
        name: "데모 식당".to_owned(),
        calendar: BusinessCalendar { time_zone: chrono_tz::Asia::Seoul, day_starts_at: NaiveTime::MIN },
        owner: Username::parse("admin").ok_or(ErrorCode::InternalError)?,
        owner_password: "admin1234".to_owned(),
    };
    let (owner_password, table_password) = (&hash_now(&new.owner_password)?, &hash_now("1234")?);
    let now = clock.now();
    let seeded = database.transaction_without_store(|tx| {
        async move {
            if store_rows::any(tx).await? {
                return Ok(false);
            }
            let store = store::insert(tx, new, owner_password, now).await?;
            for number in 1..=5 {
                table::insert(tx, store, number, table_password, now).await?;
            }
            insert_menu(tx, store, now).await?;
            Ok(true)
        }
        .scope_boxed()
    });
    match seeded.await {
        // Another instance that started at the same time inserted it first.
        Err(AppError { code: ErrorCode::Duplicate, .. }) => Ok(false),
        seeded => seeded,
    }
}

async fn insert_menu(tx: &mut Connection, store: StoreId, now: DateTime<Utc>) -> Result<()> {
    for (category_order, (category_name, items)) in (0..).zip(MENU) {
        let category_id = category::insert(tx, store, category_name, category_order, now).await?;
        for (display_order, (name, price, description)) in (0..).zip(items) {
            let item = MenuItemDetails {
                category_id,
                name: (*name).to_owned(),
                price: Price::try_from(*price).map_err(AppError::internal)?,
                description: Some((*description).to_owned()),
                image_url: None,
                is_available: true,
            };
            menu_item::insert(tx, store, &item, display_order, now).await?;
        }
    }
    Ok(())
}
