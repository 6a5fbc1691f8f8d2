//! Writes a made-up store into the database, a transaction a store.

use std::fmt::Display;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use scoped_futures::ScopedFutureExt;

use super::plan::{Plan, Size, Stay};
use crate::database::{Connection, Database};
use crate::error::{ErrorCode, Result};
use crate::models::{BusinessCalendar, Role, SessionId, StoreCode, StoreId, TableId, UserId, Username};
use crate::repositories::bulk::{Identity, Rows, take_ids};
use crate::repositories::{store, user};

/// Orders that are written at a time.
const BATCH: usize = 5_000;

/// The two passwords of every made-up store, hashed once.
#[derive(Debug)]
pub(super) struct Hashes {
    pub(super) admin: String,
    pub(super) table: String,
}

/// What was made, for the tokens.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) store: StoreId,
    pub(super) admin: UserId,
    pub(super) tables: Vec<(TableId, SessionId)>,
    pub(super) menus: Vec<i64>,
}

/// Where and when a store is written.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) database: &'a Database,
    pub(super) code: &'a StoreCode,
    pub(super) hashes: &'a Hashes,
    pub(super) size: Size,
    /// Today, in Seoul; history ends the day before.
    pub(super) today: NaiveDate,
    pub(super) now: DateTime<Utc>,
}

/// Writes the store that `plan` makes; calls `progress` with the number of orders of each batch.
pub(super) async fn write(
    target: &Target<'_>,
    plan: impl Fn() -> Plan + Send + Sync,
    progress: impl Fn(u64) + Send + Sync,
) -> Result<Written> {
    let (plan, progress) = (&plan, &progress);
    let written = target.database.transaction_without_store(|tx| {
        async move {
            let Target { size, now, .. } = *target;
            let mut plan = plan();
            let calendar = BusinessCalendar { time_zone: chrono_tz::Asia::Seoul, day_starts_at: NaiveTime::MIN };
            let store = store::insert(tx, target.code, &plan.name, &calendar, now).await?;
            store::insert_stream(tx, store).await?;
            let username = Username::parse("admin").ok_or(ErrorCode::InternalError)?;
            let admin = user::insert(tx, store, &username, &target.hashes.admin, Role::Owner, now).await?.id;

            let tables = write_tables(tx, store, target).await?;
            let menus = write_menu(tx, store, &plan, now).await?;
            let mut pending: Vec<(NaiveDate, Vec<Stay>)> = Vec::new();
            let mut waiting = 0;
            for back in (1..=size.days).rev() {
                let day = target.today.checked_sub_days(Days::new(back.into())).unwrap_or(target.today);
                pending.push((day, plan.day(day, size)));
                waiting += size.orders_per_day;
                if waiting >= BATCH || back == 1 {
                    write_history(tx, store, &plan, &tables, &menus, &pending).await?;
                    progress(waiting as u64);
                    pending.clear();
                    waiting = 0;
                }
            }
            Ok(Written { store, admin, tables, menus })
        }
        .scope_boxed()
    });
    written.await
}

/// Tables, each with an unfinished session for its token.
async fn write_tables(tx: &mut Connection, store: StoreId, target: &Target<'_>) -> Result<Vec<(TableId, SessionId)>> {
    let count = target.size.tables;
    let table_ids = take_ids(tx, Identity::Tables, count).await?;
    let session_ids = take_ids(tx, Identity::Sessions, count).await?;
    let mut tables = Rows::new("COPY tables (store_id, id, table_number, password_hash, created_at) FROM STDIN");
    let mut sessions = Rows::new("COPY table_sessions (store_id, id, table_id, created_at) FROM STDIN");
    for ((number, table), session) in (1..).zip(&table_ids).zip(&session_ids) {
        tables.push(&[
            Some(&store),
            Some(table),
            Some::<&dyn Display>(&number),
            Some(&target.hashes.table),
            Some(&target.now),
        ]);
        sessions.push(&[Some(&store), Some(session), Some(table), Some(&target.now)]);
    }
    tables.copy(tx).await?;
    sessions.copy(tx).await?;
    Ok(table_ids.into_iter().map(TableId).zip(session_ids.into_iter().map(SessionId)).collect())
}

async fn write_menu(tx: &mut Connection, store: StoreId, plan: &Plan, now: DateTime<Utc>) -> Result<Vec<i64>> {
    let category_ids = take_ids(tx, Identity::Categories, plan.categories.len()).await?;
    let menu_ids = take_ids(tx, Identity::Menus, plan.dishes.len()).await?;
    let mut categories = Rows::new("COPY categories (store_id, id, name, display_order, created_at) FROM STDIN");
    for ((order, name), id) in (0..).zip(&plan.categories).zip(&category_ids) {
        categories.push(&[Some(&store), Some(id), Some(name), Some::<&dyn Display>(&order), Some(&now)]);
    }
    let mut menus = Rows::new(
        "COPY menus (store_id, id, category_id, name, price, description, display_order, created_at) FROM STDIN",
    );
    for ((order, dish), id) in (0..).zip(&plan.dishes).zip(&menu_ids) {
        let Some(category) = category_ids.get(dish.category) else { continue };
        let description = format!("정성껏 만든 {}입니다.", dish.name);
        menus.push(&[
            Some(&store),
            Some(id),
            Some(category),
            Some(&dish.name),
            Some(&dish.price),
            Some(&description),
            Some::<&dyn Display>(&order),
            Some(&now),
        ]);
    }
    categories.copy(tx).await?;
    menus.copy(tx).await?;
    Ok(menu_ids)
}

async fn write_history(
    tx: &mut Connection,
    store: StoreId,
    plan: &Plan,
    tables: &[(TableId, SessionId)],
    menus: &[i64],
    days: &[(NaiveDate, Vec<Stay>)],
) -> Result<()> {
    let stays = days.iter().map(|(_, stays)| stays.len()).sum();
    let orders = days.iter().flat_map(|(_, stays)| stays).map(|stay| stay.orders.len()).sum();
    let mut session_ids = take_ids(tx, Identity::Sessions, stays).await?.into_iter();
    let mut order_ids = take_ids(tx, Identity::Orders, orders).await?.into_iter();
    let mut rows = HistoryRows::new();
    for (day, stays) in days {
        // Numbers go by time over the whole day, whichever stay an order belongs to.
        let mut numbered: Vec<_> = Vec::new();
        for stay in stays {
            let (Some(session), Some((table, _))) = (session_ids.next(), tables.get(stay.table)) else { continue };
            rows.push_session(store, session, *table, stay);
            numbered.extend(stay.orders.iter().map(|order| (order, session, *table)));
        }
        numbered.sort_by_key(|(order, ..)| order.at);
        for (number, (order, session, table)) in (1..).zip(&numbered) {
            let Some(id) = order_ids.next() else { continue };
            let mut total = 0;
            for (line, (dish, quantity)) in (1..).zip(&order.lines) {
                let (Some(menu), Some(dish)) = (menus.get(*dish), plan.dishes.get(*dish)) else { continue };
                total += dish.price * i64::from(*quantity);
                let line: i16 = line;
                rows.items.push(&[
                    Some(&store),
                    Some(&id),
                    Some(&line),
                    Some(menu),
                    Some(&dish.name),
                    Some(&dish.price),
                    Some(quantity),
                ]);
            }
            let number: i32 = number;
            rows.orders.push(&[
                Some(&store),
                Some(&id),
                Some(session),
                Some(table),
                Some(day),
                Some(&number),
                Some(&"completed"),
                Some(&total),
                Some(&order.at),
                Some(&order.at),
            ]);
        }
        rows.counters.push(&[Some(&store), Some(day), Some(&numbered.len())]);
    }
    rows.copy(tx).await
}

/// The rows of a batch of history.
struct HistoryRows {
    sessions: Rows,
    orders: Rows,
    items: Rows,
    counters: Rows,
}

impl HistoryRows {
    fn new() -> Self {
        Self {
            sessions: Rows::new(
                "COPY table_sessions (store_id, id, table_id, created_at, started_at, completed_at) FROM STDIN",
            ),
            orders: Rows::new(
                "COPY orders (store_id, id, session_id, table_id, business_day, day_number, status, total_amount, \
                 created_at, updated_at) FROM STDIN",
            ),
            items: Rows::new(
                "COPY order_items (store_id, order_id, line, menu_id, menu_name, unit_price, quantity) FROM STDIN",
            ),
            counters: Rows::new("COPY order_counters (store_id, business_day, last_number) FROM STDIN"),
        }
    }

    fn push_session(&mut self, store: StoreId, session: i64, table: TableId, stay: &Stay) {
        let Some(first) = stay.orders.first() else { return };
        self.sessions.push(&[
            Some(&store),
            Some(&session),
            Some(&table),
            Some(&first.at),
            Some(&first.at),
            Some(&stay.completed_at),
        ]);
    }

    async fn copy(self, tx: &mut Connection) -> Result<()> {
        self.sessions.copy(tx).await?;
        self.orders.copy(tx).await?;
        self.items.copy(tx).await?;
        self.counters.copy(tx).await
    }
}
