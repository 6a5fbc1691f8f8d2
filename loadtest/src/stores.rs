//! Generated stores with what their clients send.

use serde_json::json;
use tableorder::clock::Clock;
use tableorder::config::{Config, Secret};
use tableorder::database::{MIGRATIONS, migrations};

use crate::postgres::Postgres;
use crate::seed::{self, Issuer, Request, Size};
use crate::server::SECRET;
use crate::{Result, http};

#[derive(Debug, Clone)]
pub struct Store {
    pub code: String,
    pub admin: String,
    /// A token for each table.
    pub tables: Vec<String>,
    pub menu_items: Vec<i64>,
}

/// The size of every store.
pub const TABLES: usize = 10;
pub const MENU_ITEMS: usize = 40;

/// Past orders a day and store, where there are any.
pub const ORDERS_PER_DAY: u64 = 50;

/// Generated stores, and the issuer of further tokens for them.
pub struct Generated {
    pub stores: Vec<seed::Store>,
    pub issuer: Issuer,
}

/// Makes stores called `prefix`-001 … in a database, which is migrated first.
pub async fn generate(
    postgres: &Postgres,
    database: &str,
    (prefix, stores): (&str, usize),
    size: Size,
) -> Result<Generated> {
    migrations::migrate(&MIGRATIONS, &postgres.options(database)).await?;
    let config = Config::read(|_| None)?.jwt;
    let mut connection = postgres.connect(database).await?;
    let now = Clock::system().now();
    let request = Request {
        prefix,
        stores,
        size,
        seed: 7,
        today: seed::today(now),
        now,
        device_tokens_until: Some(now + config.table_lifetime),
    };
    let stores = seed::write(&mut connection, &request, |_| ()).await?;
    let issuer = Issuer::new(&mut connection, &Secret::new(SECRET), &config).await?;
    Ok(Generated { stores, issuer })
}

/// As [`generate`], with stores of the benchmark's size and `days` of past orders, and with all tokens.
pub async fn generate_for_bench(
    postgres: &Postgres,
    database: &str,
    (prefix, stores): (&str, usize),
    days: u64,
) -> Result<Vec<Store>> {
    let size = Size {
        tables: TABLES,
        menu_items: MENU_ITEMS,
        days: u32::try_from(days)?,
        orders_per_day: ORDERS_PER_DAY as usize,
    };
    let Generated { stores, issuer } = generate(postgres, database, (prefix, stores), size).await?;
    let with_tokens = stores.into_iter().map(|store| {
        Ok(Store {
            admin: issuer.admin(&store)?,
            tables: store.tables.iter().map(|table| issuer.table(&store, *table)).collect::<Result<_>>()?,
            code: store.code,
            menu_items: store.menu_items,
        })
    });
    with_tokens.collect()
}

impl Store {
    /// An order of three menu items drawn at random, from one of its tables.
    pub fn order(&self, table: usize) -> Vec<u8> {
        let draw = || self.menu_items[rand::random_range(0..self.menu_items.len())];
        let items: Vec<_> = [1, 2, 1].map(|quantity| json!({"menu_id": draw(), "quantity": quantity})).into();
        http::post("/customer/orders", &self.tables[table], &json!({ "items": items }).to_string())
    }
}

/// Orders from every table of these stores.
pub fn orders(stores: &[Store]) -> Vec<Vec<u8>> {
    const ORDERS_OF_A_TABLE: usize = 4;
    let tables = stores.iter().flat_map(|store| (0..store.tables.len()).map(move |table| (store, table)));
    tables.flat_map(|(store, table)| (0..ORDERS_OF_A_TABLE).map(move |_| store.order(table))).collect()
}
