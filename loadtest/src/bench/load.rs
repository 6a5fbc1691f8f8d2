//! Closed-loop load: each connection sends its next request as soon as the last one is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::http::Connection;
use crate::quantiles::Quantiles;
use crate::threads::{cores, on_own_thread};

/// Requests as bytes; the next one is drawn at random.
pub type Requests = Arc<Vec<Vec<u8>>>;

#[derive(Debug, Clone)]
pub struct Load {
    pub address: SocketAddr,
    pub connections: usize,
    pub requests: Requests,
    /// The status every answer must have.
    pub expected: u16,
    /// How long it runs before anything is counted.
    pub warm_up: Duration,
    pub duration: Duration,
}

/// The results of a load.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// All answers, those of the warm-up too.
    pub answers: usize,
    /// Answers a second, once warm.
    pub rate: f64,
    pub times: Quantiles,
}

impl Load {
    /// Runs the load on as many threads as there are cores, so that it can saturate all of them.
    pub async fn run(self) -> Result<Measured> {
        let threads = cores().min(self.connections);
        let counts_from = Instant::now() + self.warm_up;
        let until = counts_from + self.duration;
        let shares: Vec<_> = (0..threads)
            .map(|index| {
                let connections = (index..self.connections).step_by(threads).count();
                let load = self.clone();
                on_own_thread(move || load.share(connections, counts_from, until))
            })
            .collect();
        let (mut answers, mut times) = (0, Vec::new());
        for share in shares {
            let (more, mut their_times) = share.await??;
            answers += more;
            times.append(&mut their_times);
        }
        let rate = times.len() as f64 / self.duration.as_secs_f64();
        Ok(Measured { answers, rate, times: Quantiles::of(times) })
    }

    async fn share(self, connections: usize, counts_from: Instant, until: Instant) -> Result<(usize, Vec<Duration>)> {
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            tasks.spawn(self.clone().one_connection(counts_from, until));
        }
        let (mut answers, mut times) = (0, Vec::new());
        while let Some(ended) = tasks.join_next().await {
            let (more, mut their_times) = ended??;
            answers += more;
            times.append(&mut their_times);
        }
        Ok((answers, times))
    }

    async fn one_connection(self, counts_from: Instant, until: Instant) -> Result<(usize, Vec<Duration>)> {
        let mut connection = Connection::connect(self.address).await?;
        let (mut answers, mut times) = (0, Vec::with_capacity(100_000));
        let mut sent = Instant::now();
        while sent < until {
            let request = &self.requests[rand::random_range(0..self.requests.len())];
            connection.expect(self.expected, request).await?;
            let answered = Instant::now();
            answers += 1;
            if (counts_from..until).contains(&answered) {
                times.push(answered - sent);
            }
            sent = answered;
        }
        Ok((answers, times))
    }
}
