//! Sends orders and menu reads when they are due, whether or not earlier ones are answered.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use super::schedule::{Due, Kind, schedule};
use crate::http::{self, Connection};
use crate::{Failure, Result};

/// The largest number of requests in progress: with more, the load generator itself would run out of files.
const MAX_IN_FLIGHT: usize = 5_000;

/// What the clients of the load need of a store.
pub struct Guests {
    /// A token for each table.
    pub tables: Vec<String>,
    pub menu_items: Vec<i64>,
}

pub struct Load {
    pub servers: Vec<SocketAddr>,
    pub guests: Vec<Guests>,
    pub orders: f64,
    pub menu_reads: f64,
    pub duration: Duration,
}

/// The results of the load.
#[derive(Debug, Default)]
pub struct Outcome {
    pub orders: Answers,
    pub menu_reads: Answers,
    /// The ids of the orders that were placed, and when they were due.
    pub placed: Vec<(i64, Instant)>,
    /// How long after their due time requests were sent, at most.
    pub most_late: Duration,
}

/// The responses to one kind of request.
#[derive(Debug, Default)]
pub struct Answers {
    /// From the due time to the whole response.
    pub times: Vec<Duration>,
    /// Other responses, by status and error code.
    pub errors: BTreeMap<String, usize>,
    /// From the start of the load to the last good response.
    pub last: Duration,
}

impl Load {
    /// Sends all requests, and waits for the responses. It needs a thread of its own.
    pub async fn run(self) -> Outcome {
        let mut rng = StdRng::seed_from_u64(7);
        let rates = [(Kind::Order, self.orders), (Kind::MenuRead, self.menu_reads)];
        let mut dues = dispatch(schedule(&mut rng, self.duration, &rates));
        let clients = Rc::new(Clients {
            idle: self.servers.iter().map(|_| RefCell::default()).collect(),
            servers: self.servers,
            outcome: RefCell::default(),
        });
        let local = LocalSet::new();
        let guests = self.guests;
        local
            .run_until(async {
                let mut tasks = JoinSet::new();
                let mut number = 0_u64;
                while let Some((due, begin)) = dues.recv().await {
                    number += 1;
                    let guests = guests.choose(&mut rng).expect("there should be stores");
                    let request = request(&mut rng, due.kind, guests, number);
                    let server = rng.random_range(0..clients.servers.len());
                    while tasks.try_join_next().is_some() {}
                    if tasks.len() >= MAX_IN_FLIGHT {
                        clients.note_error(due.kind, "load generator: too many requests in flight".to_owned());
                        continue;
                    }
                    let clients = Rc::clone(&clients);
                    tasks.spawn_local(async move { clients.send(server, due, begin, &request).await });
                }
                while tasks.join_next().await.is_some() {}
            })
            .await;
        clients.outcome.take()
    }
}

/// Gives out each request when it is due, with the start time of the load. A thread sleeps more exactly than an async
/// runtime, whose timer has a resolution of a millisecond.
fn dispatch(schedule: Vec<Due>) -> mpsc::UnboundedReceiver<(Due, Instant)> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        let begin = Instant::now();
        for due in schedule {
            thread::sleep((begin + due.at).saturating_duration_since(Instant::now()));
            if sender.send((due, begin)).is_err() {
                return;
            }
        }
    });
    receiver
}

fn request(rng: &mut StdRng, kind: Kind, guests: &Guests, number: u64) -> Vec<u8> {
    let token = guests.tables.choose(rng).expect("each store should have tables");
    match kind {
        Kind::MenuRead => http::get("/customer/menu", token, ""),
        Kind::Order => {
            let lines = rng.random_range(1..=4);
            let items: Vec<_> =
                guests.menu_items.sample(rng, lines).map(|item| json!({"menu_id": item, "quantity": 1})).collect();
            let headers = format!("Idempotency-Key: peak-order-{number}\r\n");
            http::with_body("POST", "/customer/orders", token, &headers, &json!({ "items": items }).to_string())
        }
    }
}

/// Keep-alive connections, shared by all clients: each connection has one request at a time.
struct Clients {
    servers: Vec<SocketAddr>,
    /// Of each server.
    idle: Vec<RefCell<Vec<Connection>>>,
    outcome: RefCell<Outcome>,
}

#[derive(Deserialize)]
struct Placed {
    id: i64,
}

#[derive(Deserialize)]
struct Refused {
    error: Code,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

impl Clients {
    async fn send(&self, server: usize, due: Due, begin: Instant, request: &[u8]) {
        let due_at = begin + due.at;
        let late = due_at.elapsed();
        let answered = self.ask(server, due.kind, request).await;
        let (time, last) = (due_at.elapsed(), begin.elapsed());
        let mut outcome = self.outcome.borrow_mut();
        outcome.most_late = outcome.most_late.max(late);
        match answered {
            Ok(Ok(id)) => {
                outcome.placed.extend(id.map(|id| (id, due_at)));
                let answers = outcome.of(due.kind);
                answers.times.push(time);
                answers.last = answers.last.max(last);
            }
            Ok(Err(code)) => *outcome.of(due.kind).errors.entry(code).or_default() += 1,
            Err(failure) => *outcome.of(due.kind).errors.entry(failure.to_string()).or_default() += 1,
        }
    }

    /// The id of a placed order; else the status and code of a refusal.
    async fn ask(&self, server: usize, kind: Kind, request: &[u8]) -> Result<Result<Option<i64>, String>> {
        let reused = self.idle[server].borrow_mut().pop();
        let (mut connection, is_reused) = match reused {
            Some(connection) => (connection, true),
            None => (Connection::connect(self.servers[server]).await?, false),
        };
        let first = judge(&mut connection, kind, request).await;
        let judged = match first {
            // The server may have closed an idle connection at this moment: clients then use another one.
            Err(_) if is_reused => {
                connection = Connection::connect(self.servers[server]).await?;
                judge(&mut connection, kind, request).await?
            }
            first => first?,
        };
        self.idle[server].borrow_mut().push(connection);
        Ok(judged)
    }

    fn note_error(&self, kind: Kind, code: String) {
        *self.outcome.borrow_mut().of(kind).errors.entry(code).or_default() += 1;
    }
}

async fn judge(
    connection: &mut Connection,
    kind: Kind,
    request: &[u8],
) -> Result<Result<Option<i64>, String>, Failure> {
    let answer = connection.ask(request).await?;
    Ok(match (kind, answer.status) {
        (Kind::Order, 201) => Ok(Some(serde_json::from_slice::<Placed>(answer.body)?.id)),
        (Kind::MenuRead, 200) => Ok(None),
        (_, status) => {
            let code = serde_json::from_slice::<Refused>(answer.body).map(|refused| refused.error.code);
            Err(format!("{status} {}", code.unwrap_or_default()))
        }
    })
}

impl Outcome {
    fn of(&mut self, kind: Kind) -> &mut Answers {
        match kind {
            Kind::Order => &mut self.orders,
            Kind::MenuRead => &mut self.menu_reads,
        }
    }
}
