//! Writes stores with their users, tables and menus.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tableorder::models::{DeviceId, SessionId, StoreCode, StoreId, TableId, UserId};
use tableorder::security::password::hash_now;

use super::copy::Rows;
use super::plan::{Size, StorePlan};
use super::{ADMIN_PASSWORD, Request, TABLE_PASSWORD};
use crate::Result;

/// A store that was written, with the ids that its tokens and clients need.
#[derive(Debug, Clone)]
pub struct Store {
    pub code: String,
    pub id: StoreId,
    pub admin: UserId,
    pub tables: Vec<Table>,
    pub menu_items: Vec<i64>,
}

/// A table with its unfinished session.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub id: TableId,
    pub session: SessionId,
    pub device: Option<DeviceId>,
}

/// Rows of all stores, in the order of the foreign keys.
struct AllRows {
    stores: Rows,
    streams: Rows,
    users: Rows,
    tables: Rows,
    sessions: Rows,
    devices: Rows,
    categories: Rows,
    menus: Rows,
}

/// The next id of each table. Every id follows the one before, in the order of the stores.
struct Ids {
    stores: i64,
    users: i64,
    tables: i64,
    sessions: i64,
    devices: i64,
    categories: i64,
    menus: i64,
}

/// The passwords of every store, hashed once.
struct Hashes {
    admin: String,
    table: String,
}

/// Writes the stores of `plans`.
pub async fn write(conn: &mut PgConnection, request: &Request<'_>, plans: &[StorePlan]) -> Result<Vec<Store>> {
    let codes = (1..=plans.len()).map(|number| code(request.prefix, number)).collect::<Result<Vec<_>>>()?;
    refuse_existing(conn, &codes).await?;
    let mut ids = Ids::take(conn, request.size, plans).await?;
    let hashes = Hashes { admin: hash_now(ADMIN_PASSWORD)?, table: hash_now(TABLE_PASSWORD)? };
    let mut rows = AllRows::new();
    let stores = codes.into_iter().zip(plans).map(|(code, plan)| rows.push(code, plan, &mut ids, &hashes, request));
    let stores = stores.collect();
    rows.copy(conn).await?;
    Ok(stores)
}

fn code(prefix: &str, number: usize) -> Result<String> {
    let code = format!("{prefix}-{number:03}");
    StoreCode::parse(&code).ok_or("the prefix makes no valid store code")?;
    Ok(code)
}

async fn refuse_existing(conn: &mut PgConnection, codes: &[String]) -> Result<()> {
    let taken = sqlx::query_scalar("SELECT code FROM stores WHERE code = ANY ($1) ORDER BY code LIMIT 1").bind(codes);
    let taken: Option<String> = taken.fetch_optional(conn).await?;
    match taken {
        Some(code) => {
            Err(format!("there is a store {code} already: seed an empty database, or choose another --prefix").into())
        }
        None => Ok(()),
    }
}

/// Takes `count` ids of `table` that follow one another, and returns the first.
pub async fn take_ids(conn: &mut PgConnection, table: &str, count: usize) -> Result<i64> {
    let sequence = sqlx::query_scalar("SELECT pg_get_serial_sequence($1, 'id')").bind(table);
    let sequence: String = sequence.fetch_one(&mut *conn).await?;
    let statement =
        "SELECT min(id), max(id) FROM (SELECT nextval($1::text::regclass) AS id FROM generate_series(1, $2)) AS taken";
    let (first, last): (Option<i64>, Option<i64>) =
        sqlx::query_as(statement).bind(sequence).bind(count as i64).fetch_one(conn).await?;
    let (Some(first), Some(last)) = (first, last) else { return Ok(0) };
    if last - first + 1 != count as i64 {
        return Err(format!("another program inserts into {table}: try again when it has ended").into());
    }
    Ok(first)
}

impl Ids {
    async fn take(conn: &mut PgConnection, size: Size, plans: &[StorePlan]) -> Result<Self> {
        let stores = plans.len();
        let categories = plans.iter().map(|plan| plan.categories.len()).sum();
        Ok(Self {
            stores: take_ids(conn, "stores", stores).await?,
            users: take_ids(conn, "users", stores).await?,
            tables: take_ids(conn, "tables", stores * size.tables).await?,
            sessions: take_ids(conn, "table_sessions", stores * size.tables).await?,
            devices: take_ids(conn, "devices", stores * size.tables).await?,
            categories: take_ids(conn, "categories", categories).await?,
            menus: take_ids(conn, "menus", stores * size.menu_items).await?,
        })
    }
}

fn next(id: &mut i64) -> i64 {
    *id += 1;
    *id - 1
}

impl AllRows {
    fn new() -> Self {
        Self {
            stores: Rows::new("stores", "id, code, name, created_at"),
            streams: Rows::new("store_streams", "store_id"),
            users: Rows::new("users", "store_id, id, username, password_hash, role, created_at"),
            tables: Rows::new("tables", "store_id, id, table_number, password_hash, created_at"),
            sessions: Rows::new("table_sessions", "store_id, id, table_id, created_at"),
            devices: Rows::new(
                "devices",
                "store_id, id, table_id, token_version, paired_at, last_seen_at, token_expires_at",
            ),
            categories: Rows::new("categories", "store_id, id, name, display_order, created_at"),
            menus: Rows::new("menus", "store_id, id, category_id, name, price, description, display_order, created_at"),
        }
    }

    fn push(&mut self, code: String, plan: &StorePlan, ids: &mut Ids, hashes: &Hashes, request: &Request<'_>) -> Store {
        let (store, admin, now) = (next(&mut ids.stores), next(&mut ids.users), request.now);
        self.stores.push(&[&store, &code.as_str(), &plan.name.as_str(), &now]);
        self.streams.push(&[&store]);
        self.users.push(&[&store, &admin, &"admin", &hashes.admin.as_str(), &"owner", &now]);
        let tables = (1..=request.size.tables as i32)
            .map(|number| self.push_table((store, number), ids, hashes, now, request.device_tokens_until))
            .collect();
        let first_category = ids.categories;
        for (order, name) in (0_i32..).zip(&plan.categories) {
            self.categories.push(&[&store, &next(&mut ids.categories), name, &order, &now]);
        }
        let mut menu_items = Vec::with_capacity(plan.menu_items.len());
        for (order, item) in (0_i32..).zip(&plan.menu_items) {
            let (id, category) = (next(&mut ids.menus), first_category + item.category as i64);
            let description = format!("정성껏 만든 {}입니다.", item.name);
            let (name, description) = (item.name.as_str(), description.as_str());
            self.menus.push(&[&store, &id, &category, &name, &item.price, &description, &order, &now]);
            menu_items.push(id);
        }
        Store { code, id: StoreId(store), admin: UserId(admin), tables, menu_items }
    }

    fn push_table(
        &mut self,
        (store, number): (i64, i32),
        ids: &mut Ids,
        hashes: &Hashes,
        now: DateTime<Utc>,
        device_tokens_until: Option<DateTime<Utc>>,
    ) -> Table {
        let (table, session) = (next(&mut ids.tables), next(&mut ids.sessions));
        self.tables.push(&[&store, &table, &number, &hashes.table.as_str(), &now]);
        self.sessions.push(&[&store, &session, &table, &now]);
        let device = device_tokens_until.map(|expires_at| {
            let (device, token_version) = (next(&mut ids.devices), 1_i32);
            self.devices.push(&[&store, &device, &table, &token_version, &now, &now, &expires_at]);
            DeviceId(device)
        });
        Table { id: TableId(table), session: SessionId(session), device }
    }

    async fn copy(self, conn: &mut PgConnection) -> Result<()> {
        for rows in [
            self.stores,
            self.streams,
            self.users,
            self.tables,
            self.sessions,
            self.devices,
            self.categories,
            self.menus,
        ] {
            rows.copy(conn).await?;
        }
        Ok(())
    }
}
