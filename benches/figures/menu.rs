//! The menu, and that a client's copy of it is current.

use std::sync::Arc;

use serde_json::json;

use crate::Result;
use crate::bare::{BareServer, Copied};
use crate::bench::{Bench, House};
use crate::figure::{Figure, Outcome, Unit};
use crate::http::{Connection, get, with_body};
use crate::load::{Load, Requests};
use crate::statements;
use crate::turns::{in_turns, turn};

const CONNECTIONS: usize = 64;
const PATH: &str = "/customer/menu";

/// Statements a request; what the server does by itself in the background is beyond its decimals.
const NONE: f64 = 0.005;

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let house = &bench.empty;
    let bare = bare_server(bench).await?;
    let mut figures = Vec::new();
    for (name, status, floor) in [("Menu read", 200, 0.55), ("Menu read, 304", 304, 0.45)] {
        let load_on = async |house: &House| -> Result<Load> {
            Ok(turn(bench, house, CONNECTIONS, &requests(house, status).await?, status))
        };
        let turns = in_turns(
            bench,
            async || Ok(Load { address: bare.address, ..load_on(house).await? }.run().await?.rate),
            async |house| load_on(house).await,
        )
        .await?;
        figures.push(Figure::of_turns(name, &turns, floor));
        let statements = statements::per_request(bench, house, load_on(house).await?, change_another_menu(house));
        let name = format!("{name}: statements a request");
        figures.push(Figure::new(name, Unit::Count, statements.await?).at_most(NONE));
    }
    Ok(figures.into())
}

/// A bare server that answers as ours does for one store.
async fn bare_server(bench: &Bench) -> Result<BareServer> {
    let mut connection = Connection::connect(bench.empty.server.address).await?;
    let token = &bench.empty.stores[0].tables[0];
    let whole = connection.expect(200, &get(PATH, token, "")).await?;
    let if_none_match = if_none_match(whole.header("etag"))?;
    let whole = Copied::from(whole);
    let current = connection.expect(304, &get(PATH, token, &if_none_match)).await?;
    BareServer::start(bench.postgres.directory(), whole, current.into()).await
}

/// Every table of every store asks; for a 304, with the `ETag` it has.
async fn requests(house: &House, status: u16) -> Result<Requests> {
    let mut connection = Connection::connect(house.server.address).await?;
    let mut requests = Vec::new();
    for store in &house.stores {
        let answer = connection.expect(200, &get(PATH, &store.tables[0], "")).await?;
        let more = if status == 304 { if_none_match(answer.header("etag"))? } else { String::new() };
        requests.extend(store.tables.iter().map(|token| get(PATH, token, &more)));
    }
    Ok(Arc::new(requests))
}

fn if_none_match(etag: Option<String>) -> Result<String> {
    Ok(format!("If-None-Match: {}\r\n", etag.ok_or("a menu without ETag")?))
}

/// A store that nobody is asking for changes a price.
async fn change_another_menu(house: &House) -> Result<()> {
    let store = &house.hot;
    let path = format!("/admin/menus/{}", store.menus[0]);
    let body = json!({"price": 1_000 + rand::random_range(0..10_000)}).to_string();
    let mut connection = Connection::connect(house.server.address).await?;
    connection.expect(200, &with_body("PATCH", &path, &store.admin, &body)).await?;
    Ok(())
}
