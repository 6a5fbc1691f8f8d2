//! Logins with the right passwords, and what they do to orders.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tableorder::security::password::hash_now;

use crate::Result;
use crate::bench::{Bench, House};
use crate::http::post;
use crate::load::{Load, Measured, cores, on_own_thread};
use crate::order::one_by_one;
use crate::progress;
use crate::quantiles::Quantiles;
use crate::report::{Figure, Outcome, Unit};
use crate::turns::{in_turns, turn};

const CONNECTIONS: usize = 16;

/// Orders whose time is taken, without and with logins beside them.
const ORDERS: usize = 500;

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let turns = in_turns(
        bench,
        async || raw_rate(bench.arguments.turn()).await,
        async |house| logins(bench, house).run().await,
    )
    .await?;
    let house = &bench.empty;
    let calm = Quantiles::of(one_by_one(house, ORDERS).await?);
    let flood = tokio::spawn(logins(bench, house).run());
    let flooded = Quantiles::of(one_by_one(house, ORDERS).await?);
    let Measured { rate, .. } = flood.await??;
    progress::say(format_args!("  orders beside {rate:.0} logins/s: {flooded:?}, without: {calm:?}"));
    let figures = vec![
        Figure::of_turns("Login", &turns, 0.85),
        Figure::new("Orders, calm: p50", Unit::Milliseconds, calm.p50.as_secs_f64() * 1e3).times(calm),
        Figure::new("Orders beside logins: p50", Unit::Milliseconds, flooded.p50.as_secs_f64() * 1e3).times(flooded),
    ];
    Ok(figures.into())
}

/// Every table of every store logs in.
fn logins(bench: &Bench, house: &House) -> Load {
    let tables = house.stores.iter().flat_map(|store| (1..=store.tables.len()).map(move |table| (&store.code, table)));
    let requests = tables.map(|(store, table)| {
        let body = json!({"store_id": store, "table_number": table, "password": "1234"});
        post("/customer/auth/login", "none", &body.to_string())
    });
    turn(bench, house, CONNECTIONS, &Arc::new(requests.collect()), 200)
}

/// Hashes a second on all cores, at the server's parameters and as low in rank as the server's threads.
async fn raw_rate(duration: Duration) -> Result<f64> {
    let hashing = (0..cores()).map(|_| {
        on_own_thread(async move || {
            let _ = rustix::process::nice(19);
            let started = Instant::now();
            let mut count = 0_u32;
            while started.elapsed() < duration {
                hash_now("1234")?;
                count += 1;
            }
            Ok::<_, crate::Failure>(f64::from(count) / started.elapsed().as_secs_f64())
        })
    });
    let mut rate = 0.0;
    for thread in hashing.collect::<Vec<_>>() {
        rate += thread.await??;
    }
    Ok(rate)
}
