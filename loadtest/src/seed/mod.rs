//! `loadtest seed`: stores with menus, tables and past orders, to try the server or to test it under load.

mod constraints;
mod copy;
mod history;
mod names;
mod plan;
mod stores;
mod tokens;

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sqlx::{Connection, PgConnection};
use tableorder::cli::connect::{DatabaseTarget, direct, prepare_schema, token_secret};
use tableorder::clock::Clock;
use tableorder::config::{AppEnv, Config};

pub use plan::Size;
pub use stores::Store;
pub use tokens::Issuer;

use crate::Result;
use plan::StorePlan;

/// The passwords of every store.
const ADMIN_PASSWORD: &str = "admin1234";
pub const TABLE_PASSWORD: &str = "1234";

/// From this number of past orders on, their constraints and indexes are made all at once, which locks the tables.
const MANY_ORDERS: usize = 50_000;

#[derive(Debug, Args)]
pub struct Arguments {
    /// How many stores
    #[arg(long, default_value_t = 1)]
    stores: usize,
    /// Tables a store
    #[arg(long, default_value_t = 10)]
    tables: usize,
    /// Menu items a store
    #[arg(long, default_value_t = 40)]
    menus: usize,
    /// Days of past orders
    #[arg(long, default_value_t = 0)]
    days: u32,
    /// Past orders a day and store
    #[arg(long, default_value_t = 50)]
    orders_per_day: usize,
    /// The same seed makes the same stores
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// The prefix of the stores' codes: store-001, store-002 …
    #[arg(long, default_value = "store")]
    prefix: String,
    /// The day after the last day of past orders; by default today in Seoul
    #[arg(long)]
    today: Option<NaiveDate>,
    /// Pair a device with each table and write tokens here: tables.tsv, admins.tsv (store, token) and menus.tsv (store, id)
    #[arg(long, value_name = "DIR")]
    tokens: Option<PathBuf>,
}

/// The data to write.
#[derive(Debug)]
pub struct Request<'a> {
    pub prefix: &'a str,
    pub stores: usize,
    pub size: Size,
    pub seed: u64,
    /// The day after the last day of past orders.
    pub today: NaiveDate,
    pub now: DateTime<Utc>,
    /// With a time, each table has a device whose token expires then.
    pub device_tokens_until: Option<DateTime<Utc>>,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let config = Config::from_env()?;
    if config.env == AppEnv::Production {
        return Err("seed makes accounts with well-known passwords: not in production".into());
    }
    let reached = DatabaseTarget::open(&config).await?;
    let seeded = seed(&config, &reached, &arguments).await;
    reached.close().await;
    seeded?;
    println!(
        "made {} stores: {}-001 …, owner admin with {ADMIN_PASSWORD}, tables with {TABLE_PASSWORD}",
        arguments.stores, arguments.prefix
    );
    Ok(())
}

async fn seed(config: &Config, reached: &DatabaseTarget, arguments: &Arguments) -> Result<()> {
    prepare_schema(&config.database, &direct(config, &reached.options)?).await?;
    let mut connection = reached.connect("tableorder-seed").await?;
    let now = Clock::system().now();
    let size = Size {
        tables: arguments.tables,
        menu_items: arguments.menus,
        days: arguments.days,
        orders_per_day: arguments.orders_per_day,
    };
    let table_lifetime = TimeDelta::from_std(config.jwt.table_lifetime)?;
    let request = Request {
        prefix: &arguments.prefix,
        stores: arguments.stores,
        size,
        seed: arguments.seed,
        today: arguments.today.unwrap_or_else(|| today(now)),
        now,
        device_tokens_until: arguments.tokens.is_some().then_some(now + table_lifetime),
    };
    let progress = progress_bar(size.orders() * arguments.stores);
    let stores = write(&mut connection, &request, |orders| progress.inc(orders)).await?;
    progress.finish_and_clear();
    if let Some(directory) = &arguments.tokens {
        let issuer = Issuer::new(&mut connection, &token_secret(config)?, &config.jwt).await?;
        tokens::write(directory, &issuer, &stores)?;
    }
    Ok(connection.close().await?)
}

/// The day in Seoul, where the stores are.
pub fn today(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&chrono_tz::Asia::Seoul).date_naive()
}

/// Writes the stores in one transaction; calls `progress` with numbers of past orders that were written.
pub async fn write(connection: &mut PgConnection, request: &Request<'_>, progress: impl Fn(u64)) -> Result<Vec<Store>> {
    let plans: Vec<_> = (1..=request.stores).map(|number| StorePlan::new(request.seed, number, request.size)).collect();
    let mut tx = connection.begin().await?;
    let dropped = match request.size.orders() * request.stores {
        orders @ MANY_ORDERS.. => Some(constraints::drop(&mut tx, orders).await?),
        _ => None,
    };
    let stores = stores::write(&mut tx, request, &plans).await?;
    history::write(&mut tx, (request.size, request.today), &stores, plans, progress).await?;
    if let Some(dropped) = dropped {
        dropped.add(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(stores)
}

fn progress_bar(orders: usize) -> ProgressBar {
    let bar = ProgressBar::new(orders as u64);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} past orders, {eta} left") {
        bar.set_style(style);
    }
    bar
}
