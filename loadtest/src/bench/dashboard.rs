//! The dashboard of a store with ten tables and five orders at each.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::deployment::{Bench, Deployment};
use super::metric::{Metric, Outcome, Unit};
use super::statements;
use super::turns::{in_turns, turn};
use crate::Result;
use crate::http::get;

const CONNECTIONS: usize = 16;

/// A text that only the dashboard's statement contains.
const MARK: &str = "latest_orders?";

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let load_on = |deployment: &Deployment| {
        let requests =
            deployment.dashboards.iter().map(|store| get("/admin/tables/dashboard", &store.admin, "")).collect();
        turn(bench, deployment, CONNECTIONS, &Arc::new(requests), 200)
    };
    let statement = statement()?.replace("$1", ":store").replace("$2", "(now() - interval '1 day')");
    let script = format!("\\set store :first_store + random(0, :stores - 1)\n{statement};\n");
    let variables = [("first_store", first_dashboard(bench).await?), ("stores", bench.empty.dashboards.len() as i64)];
    let turns = in_turns(
        bench,
        async || bench.postgres.pgbench(&script, &variables, bench.arguments.turn()).await,
        async |deployment| Ok(load_on(deployment)),
    )
    .await?;
    let statements = statements::per_request(bench, &bench.empty, load_on(&bench.empty), async { Ok(()) }).await?;
    let metrics = vec![
        Metric::of_turns("Dashboard", &turns, 0.60),
        Metric::new("Dashboard: statements a request", Unit::Count, statements).at_most(2.0),
    ];
    Ok(metrics.into())
}

/// The server's own statement, as it was when the server was built.
fn statement() -> Result<String> {
    let prepared = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx"))?;
    let mut found = Vec::new();
    for entry in prepared {
        let described: Value = serde_json::from_slice(&fs::read(entry?.path())?)?;
        found.extend(described["query"].as_str().filter(|query| query.contains(MARK)).map(str::to_owned));
    }
    match found.as_slice() {
        [statement] => Ok(statement.clone()),
        _ => Err(format!("{} statements of .sqlx have {MARK}: which is the dashboard's?", found.len()).into()),
    }
}

async fn first_dashboard(bench: &Bench) -> Result<i64> {
    let mut connection = bench.postgres.connect(bench.empty.database).await?;
    let code = &bench.empty.dashboards[0].code;
    Ok(sqlx::query_scalar("SELECT id FROM stores WHERE code = $1").bind(code).fetch_one(&mut connection).await?)
}
