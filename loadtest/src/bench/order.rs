//! Orders of three menu items: from a hundred stores, and from one.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use super::deployment::{Bench, Deployment, STORES};
use super::metric::{Metric, Outcome, Point, Unit};
use super::statements;
use super::turns::{in_turns, turn};
use crate::Result;
use crate::postgres::Postgres;
use crate::progress;
use crate::stores::{MENU_ITEMS, Store, TABLES, generate_for_bench, orders};

const CONNECTIONS: usize = 32;

/// Connections at which latency is drawn.
const LEVELS: [usize; 5] = [1, 4, 16, 32, 64];

/// The scripts that pgbench may run for an order.
const BASELINES: [(&str, &str); 2] =
    [("function", include_str!("order_function.pgbench")), ("statement", include_str!("order_statement.pgbench"))];

/// Stores for pgbench alone, of the same size; the last is the hot one.
const PREFIX: &str = "baseline";

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let mut outcome = compare(bench, "Order", 0.60, Stores::Spread).await?;
    for connections in LEVELS {
        let requests = Arc::new(orders(&bench.empty.stores));
        let measured = turn(bench, &bench.empty, connections, &requests, 201).run().await?;
        progress::log(format_args!("  {connections} connections: {:.0}/s", measured.rate));
        outcome.curve.push(Point::new(connections, measured.times));
    }
    Ok(outcome)
}

pub async fn measure_hot(bench: &Bench) -> Result<Outcome> {
    compare(bench, "Order, one hot store", 1.5, Stores::Hot).await
}

#[derive(Debug, Clone, Copy)]
enum Stores {
    Spread,
    Hot,
}

async fn compare(bench: &Bench, name: &str, floor: f64, stores: Stores) -> Result<Outcome> {
    let postgres = &bench.postgres;
    let baseline = Baseline::find(postgres, stores).await?;
    postgres.execute("tableorder", "CHECKPOINT").await?;
    let load_on =
        |deployment: &Deployment| turn(bench, deployment, CONNECTIONS, &Arc::new(orders(stores.of(deployment))), 201);
    let turns = in_turns(
        bench,
        async || baseline.measure(postgres, bench.arguments.turn()).await,
        async |deployment| Ok(load_on(deployment)),
    )
    .await?;
    let here = load_on(&bench.empty);
    let statements = statements::per_request(bench, &bench.empty, here, async { Ok(()) }).await?;
    let metrics = vec![
        Metric::of_turns(name, &turns, floor),
        Metric::new(format!("{name}: statements a request"), Unit::Count, statements),
    ];
    Ok(metrics.into())
}

impl Stores {
    fn of(self, deployment: &Deployment) -> &[Store] {
        match self {
            Self::Spread => &deployment.stores,
            Self::Hot => slice::from_ref(&deployment.hot),
        }
    }
}

/// Creates the stores and the function of the baseline.
pub async fn prepare_baseline(postgres: &Postgres) -> Result<()> {
    generate_for_bench(postgres, "tableorder", (PREFIX, STORES + 1), 0).await?;
    postgres.execute("tableorder", include_str!("order_baseline.sql")).await
}

/// The faster of the two scripts of pgbench.
struct Baseline {
    script: &'static str,
    variables: Vec<(&'static str, i64)>,
}

impl Baseline {
    async fn find(postgres: &Postgres, stores: Stores) -> Result<Self> {
        let variables = variables(postgres, stores).await?;
        let mut fastest: Option<(f64, Self)> = None;
        for (name, script) in BASELINES {
            let baseline = Self { script, variables: variables.clone() };
            let rate = baseline.measure(postgres, Duration::from_secs(2)).await?;
            progress::log(format_args!("  pgbench with one {name}: {rate:.0}/s"));
            if fastest.as_ref().is_none_or(|(best, _)| rate > *best) {
                fastest = Some((rate, baseline));
            }
        }
        Ok(fastest.ok_or("there is no script for the baseline")?.1)
    }

    async fn measure(&self, postgres: &Postgres, duration: Duration) -> Result<f64> {
        postgres.pgbench(self.script, &self.variables, duration).await
    }
}

/// The first ids of the baseline's stores. The scripts of pgbench need consecutive ids.
async fn variables(postgres: &Postgres, stores: Stores) -> Result<Vec<(&'static str, i64)>> {
    let mut connection = postgres.connect("tableorder").await?;
    let skipped = match stores {
        Stores::Spread => 0,
        Stores::Hot => STORES as i64,
    };
    let (store, session, menu, as_expected): (i64, i64, i64, bool) = sqlx::query_as(
        "WITH first AS (
           SELECT min(s.id) AS store, (SELECT min(id) FROM table_sessions WHERE store_id = min(s.id)) AS session,
                  (SELECT min(id) FROM menus WHERE store_id = min(s.id)) AS menu
           FROM stores s WHERE code LIKE $1 || '-%'
         )
         SELECT store, session, menu,
                (SELECT bool_and(s.id = session + (s.store_id - store) * $2 + t.table_number - 1)
                 FROM table_sessions s JOIN tables t ON t.store_id = s.store_id AND t.id = s.table_id
                 WHERE s.store_id >= store)
                AND (SELECT bool_and(m.id BETWEEN menu + (m.store_id - store) * $3
                                              AND menu + (m.store_id - store + 1) * $3 - 1)
                     FROM menus m WHERE m.store_id >= store)
         FROM first",
    )
    .bind(PREFIX)
    .bind(TABLES as i64)
    .bind(MENU_ITEMS as i64)
    .fetch_one(&mut connection)
    .await?;
    if !as_expected {
        return Err("the ids of the baseline's stores have gaps".into());
    }
    Ok(vec![
        ("stores", if matches!(stores, Stores::Hot) { 1 } else { STORES as i64 }),
        ("first_store", store + skipped),
        ("first_session", session + skipped * TABLES as i64),
        ("first_menu", menu + skipped * MENU_ITEMS as i64),
    ])
}
