//! What everything is measured on: PostgreSQL, a server on a fresh database and, if asked for, one on a database
//! with a long past.

use crate::arguments::Arguments;
use crate::order;
use crate::postgres::Postgres;
use crate::progress;
use crate::server::{Server, program};
use crate::stores::{ORDERS_PER_DAY, Store, seed};
use crate::{Result, http};

/// Stores among which load is spread.
pub const STORES: usize = 100;

/// Stores whose dashboards are read, and nothing else.
const BOARDS: usize = 20;

/// Orders at each of their tables.
const ORDERS_AT_A_TABLE: usize = 5;

pub struct Bench {
    pub arguments: Arguments,
    pub empty: House,
    pub grown: Option<House>,
    pub postgres: Postgres,
}

/// A database with its server.
pub struct House {
    pub server: Server,
    pub database: &'static str,
    pub url: String,
    pub stores: Vec<Store>,
    pub boards: Vec<Store>,
    /// The store everybody orders from.
    pub hot: Store,
}

impl Bench {
    pub async fn set_up(arguments: Arguments) -> Result<Self> {
        progress::say("PostgreSQL, durable");
        let postgres = Postgres::start().await?;
        progress::say("stores");
        let empty = House::set_up(&postgres, "tableorder", 0).await?;
        order::prepare_limit(&postgres, &empty).await?;
        postgres.settle("tableorder").await?;
        let grown = if arguments.grown > 0 {
            progress::say(format_args!("{} past orders", arguments.grown));
            postgres.execute("tableorder", "CREATE DATABASE grown").await?;
            let house = House::set_up(&postgres, "grown", arguments.grown).await?;
            progress::say("settling");
            postgres.settle("grown").await?;
            Some(house)
        } else {
            None
        };
        Ok(Self { arguments, empty, grown, postgres })
    }

    pub async fn tear_down(self) {
        for house in [Some(self.empty), self.grown].into_iter().flatten() {
            let _ = house.server.stop().await;
        }
        self.postgres.stop().await;
    }
}

impl House {
    async fn set_up(postgres: &Postgres, database: &'static str, past_orders: u64) -> Result<Self> {
        let url = postgres.url(database);
        let count = STORES + BOARDS + 1;
        let days = past_orders.div_ceil(ORDERS_PER_DAY * count as u64);
        let program = program(postgres.directory(), &url);
        let mut stores = seed(program, postgres.directory(), "ours", count, days).await?;
        let hot = stores.pop().ok_or("no stores")?;
        let boards = stores.split_off(STORES);
        let server = Server::start(postgres.directory(), &url).await?;
        let mut connection = http::Connection::connect(server.address).await?;
        for store in &boards {
            for table in 0..store.tables.len() {
                for _ in 0..ORDERS_AT_A_TABLE {
                    connection.expect(201, &store.order(table)).await?;
                }
            }
        }
        Ok(Self { server, database, url, stores, boards, hot })
    }
}
