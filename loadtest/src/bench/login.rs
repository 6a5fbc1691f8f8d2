//! Logins: their rate, their effect on orders, and whether the time of a failed one reveals an account.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tableorder::security::password::{hash_now, lower_thread_priority};

use super::deployment::{Bench, Deployment};
use super::load::Load;
use super::metric::{Metric, Outcome, Unit};
use super::turns::{in_turns, turn};
use crate::Result;
use crate::http::{Connection, post};
use crate::quantiles::{Quantiles, median, milliseconds};
use crate::threads::{cores, on_own_thread};

const CONNECTIONS: usize = 16;

/// Concurrent logins while orders are placed, and the number of orders that are timed.
const FLOOD: usize = 64;
const ORDERS: usize = 200;

/// Failed logins of each kind.
const FAILURES: usize = 100;

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let turns = in_turns(
        bench,
        async || raw_rate(bench.arguments.turn()).await,
        async |deployment| Ok(logins(bench, deployment, CONNECTIONS, "1234")),
    )
    .await?;
    let mut metrics = vec![Metric::of_turns("Login", &turns, 0.85)];
    metrics.extend(orders_in_a_flood(bench).await?);
    metrics.push(time_of_failures(&bench.empty).await?);
    Ok(metrics.into())
}

/// Logins of every table of every store; with another password they fail.
fn logins(bench: &Bench, deployment: &Deployment, connections: usize, password: &str) -> Load {
    let tables =
        deployment.stores.iter().flat_map(|store| (1..=store.tables.len()).map(move |table| (&store.code, table)));
    let requests = tables.map(|(store, table)| {
        let body = json!({"store_id": store, "table_number": table, "password": password});
        post("/customer/auth/login", "none", &body.to_string())
    });
    let status = if password == "1234" { 200 } else { 401 };
    turn(bench, deployment, connections, &Arc::new(requests.collect()), status)
}

/// Hashes a second on all cores, at the server's parameters and at the priority of the server's threads.
async fn raw_rate(duration: Duration) -> Result<f64> {
    let hashing = (0..cores()).map(|_| {
        on_own_thread(async move || {
            lower_thread_priority();
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

/// Times orders that follow one another, in turns without and with many failing logins.
async fn orders_in_a_flood(bench: &Bench) -> Result<[Metric; 3]> {
    let deployment = &bench.empty;
    let (mut calm, mut flooded) = (Vec::new(), Vec::new());
    for _ in 0..bench.arguments.turns {
        calm.push(order_times(deployment).await?);
        let flood = tokio::spawn(logins(bench, deployment, FLOOD, "wrong").run());
        tokio::time::sleep(Duration::from_millis(200)).await;
        flooded.push(order_times(deployment).await?);
        if flood.is_finished() {
            return Err("the flood ended before the orders did".into());
        }
        flood.await??;
    }
    let (calm, flooded) = (Quantiles::median(&calm), Quantiles::median(&flooded));
    let metric = |name: &str, times: Quantiles| {
        Metric::new(name.to_owned(), Unit::Milliseconds, milliseconds(times.p50)).times(times)
    };
    let disturbed = milliseconds(flooded.p99) / milliseconds(calm.p99);
    Ok([
        metric("Order, alone", calm),
        metric("Order, beside 64 guesses at a time", flooded),
        Metric::new("Order, p99 beside guesses to p99 alone", Unit::Count, disturbed).at_most(2.0),
    ])
}

async fn order_times(deployment: &Deployment) -> Result<Quantiles> {
    let mut connection = Connection::connect(deployment.server.address).await?;
    let mut times = Vec::with_capacity(ORDERS);
    for index in 0..ORDERS {
        let order = deployment.hot.order(index % deployment.hot.tables.len());
        times.push(connection.time(201, &order).await?);
    }
    Ok(Quantiles::of(times))
}

/// How much longer the slowest kind of failed login takes than the fastest: its time must not reveal
/// whether a store or an account exists.
async fn time_of_failures(deployment: &Deployment) -> Result<Metric> {
    let store = &deployment.hot.code;
    let kinds = [(store.as_str(), "admin"), (store, "nobody"), ("nowhere", "admin")].map(|(store, name)| {
        let body = json!({"store_id": store, "username": name, "password": "wrong"});
        post("/admin/auth/login", "none", &body.to_string())
    });
    let mut connection = Connection::connect(deployment.server.address).await?;
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..FAILURES {
        for (request, times) in kinds.iter().zip(&mut times) {
            times.push(connection.time(401, request).await?.as_secs_f64());
        }
    }
    let medians = times.map(median);
    let (fastest, slowest) =
        (medians.iter().copied().fold(f64::MAX, f64::min), medians.iter().copied().fold(0.0, f64::max));
    Ok(Metric::new("Failed login: slowest kind to fastest", Unit::Count, slowest / fastest))
}
