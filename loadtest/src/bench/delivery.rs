//! The time from the tablet that sends an order to the dashboards that show it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::task::JoinSet;

use super::deployment::{Bench, Deployment};
use super::metric::{Metric, Outcome, Point, Unit};
use super::subscribers::Subscribers;
use crate::Result;
use crate::http::Connection;
use crate::progress;
use crate::quantiles::Quantiles;
use crate::stores::orders;
use crate::threads::on_own_thread;

const SUBSCRIBERS: usize = 1_000;
const ORDERS_A_SECOND: f64 = 200.0;

/// Further numbers of subscribers, for the chart.
const LEVELS: [usize; 3] = [100, 300, 3_000];

/// Connections for orders. If all are in use, another one is opened.
const CONNECTIONS: usize = 32;

pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let duration = bench.arguments.turn();
    let (mut turns, mut grown_turns) = (Vec::new(), Vec::new());
    for _ in 0..bench.arguments.turns {
        turns.push(deliver(&bench.empty, SUBSCRIBERS, duration).await?);
        if let Some(deployment) = &bench.grown {
            grown_turns.push(deliver(deployment, SUBSCRIBERS, duration).await?);
        }
    }
    let here = Delivery::of_turns(&turns);
    let grown = bench.grown.as_ref().map(|_| Delivery::of_turns(&grown_turns));
    let times = |part: fn(&Quantiles) -> Duration| {
        let by = |grown: &Delivery| part(&grown.times).as_secs_f64() / part(&here.times).as_secs_f64();
        (part(&here.times).as_secs_f64() * 1000.0, grown.as_ref().map(by))
    };
    let (p50, p50_grown) = times(|times| times.p50);
    let (p99, p99_grown) = times(|times| times.p99);
    let metrics = vec![
        Metric::new("Delivery to 1,000 streams, p50", Unit::Milliseconds, p50)
            .at_most(5.0)
            .times(here.times)
            .grown(p50_grown),
        Metric::new("Delivery to 1,000 streams, p99", Unit::Milliseconds, p99).at_most(25.0).grown(p99_grown),
        Metric::new("Delivery: missed or repeated", Unit::Count, here.wrong as f64).at_most(0.0),
    ];
    let mut curve = vec![Point::new(SUBSCRIBERS, here.times)];
    for subscribers in LEVELS {
        let delivery = deliver(&bench.empty, subscribers, duration).await?;
        curve.push(Point::new(subscribers, delivery.times));
    }
    curve.sort_by_key(|point| point.at);
    Ok(Outcome { metrics, curve })
}

struct Delivery {
    times: Quantiles,
    /// Events that were missed, came twice, or came to another store.
    wrong: usize,
}

impl Delivery {
    /// The medians of the times, and the sum of what went wrong.
    fn of_turns(turns: &[Self]) -> Self {
        let times: Vec<_> = turns.iter().map(|turn| turn.times).collect();
        Self { times: Quantiles::median(&times), wrong: turns.iter().map(|turn| turn.wrong).sum() }
    }
}

/// Sends orders to all stores while this number of dashboards, spread over the stores, is open.
async fn deliver(deployment: &Deployment, subscribers: usize, duration: Duration) -> Result<Delivery> {
    let stores = deployment.stores.len();
    let tokens = (0..subscribers).map(|index| deployment.stores[index % stores].admin.clone()).collect();
    let streams = Subscribers::open(deployment.server.address, tokens).await?;
    let sent = send(deployment, duration).await?;
    // An equal number for each store.
    streams.wait_for(sent.len() * subscribers / stores).await;
    let arrivals = streams.close().await?;

    let mut expected = vec![0; stores];
    for order in sent.values() {
        expected[order.store] += 1;
    }
    let mut times = Vec::new();
    let mut wrong = 0;
    for (index, arrivals) in arrivals.iter().enumerate() {
        let store = index % stores;
        let mut seen: Vec<i64> = Vec::with_capacity(arrivals.len());
        for (id, at) in arrivals {
            match sent.get(id) {
                Some(order) if order.store == store => {
                    times.push(*at - order.at);
                    seen.push(*id);
                }
                _ => wrong += 1,
            }
        }
        let received = seen.len();
        seen.sort_unstable();
        seen.dedup();
        wrong += received - seen.len() + (expected[store] - seen.len());
    }
    let times = Quantiles::of(times);
    progress::log(format_args!(
        "  {subscribers} streams, {} orders: p50 {:?}, p99 {:?}, {wrong} missed or repeated",
        sent.len(),
        times.p50,
        times.p99
    ));
    Ok(Delivery { times, wrong })
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    store: usize,
    at: Instant,
}

/// Sends orders at random times with a given mean rate, whether or not earlier ones are answered. Returns them by order
/// id.
async fn send(deployment: &Deployment, duration: Duration) -> Result<HashMap<i64, Sent>> {
    let address = deployment.server.address;
    let requests: Vec<_> =
        (0..).zip(&deployment.stores).map(|(index, store)| (index, orders(std::slice::from_ref(store)))).collect();
    let requests: Arc<Vec<(usize, Vec<Vec<u8>>)>> = Arc::new(requests);
    on_own_thread(move || async move {
        let mut idle = Vec::new();
        for _ in 0..CONNECTIONS {
            idle.push(Connection::connect(address).await?);
        }
        let idle = Arc::new(Mutex::new(idle));
        let mut tasks = JoinSet::new();
        let started = tokio::time::Instant::now();
        let mut due = started;
        while due < started + duration {
            due += Duration::from_secs_f64(-(1.0 - rand::random::<f64>()).ln() / ORDERS_A_SECOND);
            tokio::time::sleep_until(due).await;
            let (idle, requests) = (Arc::clone(&idle), Arc::clone(&requests));
            tasks.spawn(async move {
                let (store, requests) = &requests[rand::random_range(0..requests.len())];
                let at = Instant::now();
                let free = idle.lock().unwrap().pop();
                let mut connection = match free {
                    Some(connection) => connection,
                    None => Connection::connect(address).await?,
                };
                let answer = connection.expect(201, &requests[rand::random_range(0..requests.len())]).await?;
                let placed: Placed = serde_json::from_slice(answer.body)?;
                idle.lock().unwrap().push(connection);
                Ok::<_, crate::Failure>((placed.id, Sent { store: *store, at }))
            });
        }
        let mut sent = HashMap::new();
        while let Some(order) = tasks.join_next().await {
            let (id, order) = order??;
            sent.insert(id, order);
        }
        Ok(sent)
    })
    .await?
}

#[derive(Deserialize)]
struct Placed {
    id: i64,
}
