//! The demo restaurant: its creation and its removal.

use chrono::{DateTime, NaiveTime, Utc};
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use crate::clock::Clock;
use crate::database::{Connection, Database};
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{
    AuditAction, BusinessCalendar, MenuItemDetails, NewAuditEntry, Price, Store, StoreCode, StoreId, Username,
};
use crate::repositories::{category, event, menu_item, store as store_rows, table};
use crate::security::access::TokenChecker;
use crate::security::identity::AdminIdentity;
use crate::security::password::hash_now;
use crate::services::audit;
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

/// Removes the demo restaurant from a server with a store of its own.
#[derive(Debug, Clone)]
pub struct DemoService {
    database: Database,
    access: TokenChecker,
    clock: Clock,
}

impl DemoService {
    /// The service for `database`. `access` is notified of the revoked tokens.
    #[must_use]
    pub fn new(database: Database, access: TokenChecker, clock: Clock) -> Self {
        Self { database, access, clock }
    }

    /// Whether an owner of `store` may remove the demo, and there is one.
    pub async fn is_removable_by(&self, store: StoreId) -> Result<bool> {
        Ok(self.removable_by(store).await?.is_some())
    }

    /// The demo, if there is one and `store` is the oldest other store. On a server with many stores only that one can remove
    /// the demo; for the others it does not exist.
    async fn removable_by(&self, store: StoreId) -> Result<Option<Store>> {
        let read = self.database.read(|conn| {
            async move { Ok((store_rows::first_real(conn).await?, store_rows::find_demo(conn).await?)) }.scope_boxed()
        });
        let (first, demo) = read.await?;
        Ok(demo.filter(|_| first == Some(store)))
    }

    /// Removes the demo with all its data. Its tokens are revoked and its streams end.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND` if there is no demo, or the owner's store may not remove it; `OWN_STORE` for the demo's owner.
    pub async fn remove(&self, owner: &AdminIdentity) -> Result<()> {
        let Some(demo) = self.removable_by(owner.store_id).await? else {
            let demo = self.database.read(|conn| store_rows::find_demo(conn).scope_boxed()).await?;
            let is_own = demo.is_some_and(|demo| demo.id == owner.store_id);
            return Err(if is_own { ErrorCode::OwnStore } else { ErrorCode::StoreNotFound }.into());
        };
        if let Some(access_version) = self.delete_rows(demo.id).await? {
            self.access.revoked(demo.id, access_version);
        }
        // A transaction of its own, because none touches two stores. If the server stops before it, the demo has no
        // data, and the next call completes the removal.
        let (store, demo_id, now) = (owner.store_id, demo.id, self.clock.now());
        let entry = &NewAuditEntry::new(AuditAction::DemoRemoved, None::<i64>)
            .before(json!({"store_id": demo.code, "store_name": demo.name}));
        let removed = self.database.transaction(store, |tx| {
            async move {
                store_rows::delete_demo(tx, demo_id).await?;
                audit::record(tx, store, &owner.actor(), entry, now).await
            }
            .scope_boxed()
        });
        removed.await
    }

    /// Deletes every row of the demo, and returns the access version that revokes its tokens. `None` if an earlier call
    /// deleted the rows.
    async fn delete_rows(&self, demo: StoreId) -> Result<Option<i64>> {
        let deleted = self.database.transaction(demo, |tx| {
            async move {
                let access_version = event::raise_access_version(tx, demo).await?;
                store_rows::delete_rows(tx, demo).await?;
                Ok(access_version)
            }
            .scope_boxed()
        });
        match deleted.await {
            Err(AppError { code: ErrorCode::StoreNotFound, .. }) => Ok(None),
            deleted => deleted.map(Some),
        }
    }
}

/// Whether the database has the demo restaurant.
pub async fn has_demo(database: &Database) -> Result<bool> {
    let demo = database.read(|conn| store_rows::find_demo(conn).scope_boxed()).await?;
    Ok(demo.is_some())
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
            let (store, _) = store::insert(tx, new, owner_password, now).await?;
            store_rows::mark_demo(tx, store).await?;
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
