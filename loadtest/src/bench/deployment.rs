//! The measured processes: PostgreSQL, a server on a new database and, if asked for, one on a database with past orders.

use super::arguments::Arguments;
use super::order;
use crate::postgres::Postgres;
use crate::progress;
use crate::server::{Program, RAISED_LIMITS, Server};
use crate::stores::{ORDERS_PER_DAY, Store, generate_for_bench};
use crate::{Result, http};

/// Stores over which load is spread.
pub const STORES: usize = 100;

/// Stores whose dashboards are read, and nothing else.
const DASHBOARDS: usize = 20;

/// Orders at each of their tables.
const ORDERS_PER_TABLE: usize = 5;

pub struct Bench {
    pub arguments: Arguments,
    pub empty: Deployment,
    pub grown: Option<Deployment>,
    pub postgres: Postgres,
    pub program: Program,
}

/// A database with its server.
pub struct Deployment {
    pub server: Server,
    pub database: &'static str,
    pub url: String,
    pub stores: Vec<Store>,
    pub dashboards: Vec<Store>,
    /// The store that all requests of "one hot store" go to.
    pub hot: Store,
}

impl Bench {
    pub async fn set_up(arguments: Arguments) -> Result<Self> {
        let program = Program::find(arguments.program.as_deref())?;
        progress::log("PostgreSQL, durable");
        let postgres = Postgres::start().await?;
        progress::log("stores");
        let empty = Deployment::set_up(&program, &postgres, "tableorder", 0).await?;
        order::prepare_baseline(&postgres).await?;
        postgres.settle("tableorder").await?;
        let grown = if arguments.grown > 0 {
            progress::log(format_args!("{} past orders", arguments.grown));
            postgres.execute("tableorder", "CREATE DATABASE grown").await?;
            let deployment = Deployment::set_up(&program, &postgres, "grown", arguments.grown).await?;
            progress::log("settling");
            postgres.settle("grown").await?;
            Some(deployment)
        } else {
            None
        };
        Ok(Self { arguments, empty, grown, postgres, program })
    }

    pub async fn tear_down(self) {
        for deployment in [Some(self.empty), self.grown].into_iter().flatten() {
            let _ = deployment.server.stop().await;
        }
        self.postgres.stop().await;
    }
}

impl Bench {
    /// Another server on the database of `deployment`.
    pub async fn start_server(&self, deployment: &Deployment) -> Result<Server> {
        self.program.start(self.postgres.directory(), &deployment.url, &RAISED_LIMITS).await
    }
}

impl Deployment {
    async fn set_up(program: &Program, postgres: &Postgres, database: &'static str, past_orders: u64) -> Result<Self> {
        let url = postgres.url(database);
        let count = STORES + DASHBOARDS + 1;
        let days = past_orders.div_ceil(ORDERS_PER_DAY * count as u64);
        let mut stores = generate_for_bench(postgres, database, ("bench", count), days).await?;
        let hot = stores.pop().ok_or("no stores")?;
        let dashboards = stores.split_off(STORES);
        let server = program.start(postgres.directory(), &url, &RAISED_LIMITS).await?;
        let mut connection = http::Connection::connect(server.address).await?;
        for store in &dashboards {
            for table in 0..store.tables.len() {
                for _ in 0..ORDERS_PER_TABLE {
                    connection.expect(201, &store.order(table)).await?;
                }
            }
        }
        Ok(Self { server, database, url, stores, dashboards, hot })
    }
}
