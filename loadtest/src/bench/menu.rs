//! Reading the menu, and confirming that a client's copy is current.

use std::sync::Arc;

use serde_json::json;

use super::bare::{BareServer, Copied};
use super::deployment::{Bench, Deployment};
use super::load::{Load, Requests};
use super::metric::{Metric, Outcome, Unit};
use super::statements;
use super::turns::{in_turns, turn};
use crate::Result;
use crate::http::{Connection, get, with_body};

const CONNECTIONS: usize = 64;
const PATH: &str = "/customer/menu";

/// Statements a request. Above zero, for statements that the server sends in the background.
const NO_STATEMENTS: f64 = 0.005;

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let deployment = &bench.empty;
    let bare = bare_server(bench).await?;
    let mut metrics = Vec::new();
    for (name, status, floor) in [("Menu read", 200, 0.55), ("Menu read, 304", 304, 0.45)] {
        let load_on = async |deployment: &Deployment| -> Result<Load> {
            Ok(turn(bench, deployment, CONNECTIONS, &requests(deployment, status).await?, status))
        };
        let turns = in_turns(
            bench,
            async || Ok(Load { address: bare.address, ..load_on(deployment).await? }.run().await?.rate),
            async |deployment| load_on(deployment).await,
        )
        .await?;
        metrics.push(Metric::of_turns(name, &turns, floor));
        let statements =
            statements::per_request(bench, deployment, load_on(deployment).await?, change_another_menu(deployment));
        let name = format!("{name}: statements a request");
        metrics.push(Metric::new(name, Unit::Count, statements.await?).at_most(NO_STATEMENTS));
    }
    Ok(metrics.into())
}

/// A bare server that sends the responses of one store.
async fn bare_server(bench: &Bench) -> Result<BareServer> {
    let mut connection = Connection::connect(bench.empty.server.address).await?;
    let token = &bench.empty.stores[0].tables[0];
    let whole = connection.expect(200, &get(PATH, token, "")).await?;
    let if_none_match = if_none_match(whole.header("etag"))?;
    let whole = Copied::from(whole);
    let current = connection.expect(304, &get(PATH, token, &if_none_match)).await?;
    BareServer::start(bench.postgres.directory(), whole, current.into()).await
}

/// Requests of every table of every store; for a 304, with the current `ETag`.
async fn requests(deployment: &Deployment, status: u16) -> Result<Requests> {
    let mut connection = Connection::connect(deployment.server.address).await?;
    let mut requests = Vec::new();
    for store in &deployment.stores {
        let answer = connection.expect(200, &get(PATH, &store.tables[0], "")).await?;
        let more = if status == 304 { if_none_match(answer.header("etag"))? } else { String::new() };
        requests.extend(store.tables.iter().map(|token| get(PATH, token, &more)));
    }
    Ok(Arc::new(requests))
}

fn if_none_match(etag: Option<String>) -> Result<String> {
    Ok(format!("If-None-Match: {}\r\n", etag.ok_or("a menu without ETag")?))
}

/// Changes a price in a store that gets no load.
async fn change_another_menu(deployment: &Deployment) -> Result<()> {
    let store = &deployment.hot;
    let path = format!("/admin/menus/{}", store.menu_items[0]);
    let body = json!({"price": 1_000 + rand::random_range(0..10_000)}).to_string();
    let mut connection = Connection::connect(deployment.server.address).await?;
    connection.expect(200, &with_body("PATCH", &path, &store.admin, "", &body)).await?;
    Ok(())
}
