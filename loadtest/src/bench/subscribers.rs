//! Many open streams, and the times at which orders arrive on them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Result;
use crate::http::{find, get};
use crate::threads::on_own_thread;

/// How many connect at a time.
const CONNECTING: usize = 100;

/// How long it may take until all are connected.
const CONNECT_TIMEOUT: Duration = Duration::from_mins(1);

/// An order's id, and when it arrived.
pub type Arrival = (i64, Instant);

/// Open streams.
pub struct Subscribers {
    close: watch::Sender<bool>,
    /// The events that arrived on each stream, after it is closed.
    arrivals: BoxFuture<'static, Result<Vec<Vec<Arrival>>>>,
    /// How many orders arrived on all of them so far.
    count: Arc<AtomicUsize>,
}

impl Subscribers {
    /// Opens a stream with each token, and waits until all are connected.
    pub async fn open(address: SocketAddr, tokens: Vec<String>) -> Result<Self> {
        let total = tokens.len();
        let (close, closed) = watch::channel(false);
        let connected = Arc::new(AtomicUsize::new(0));
        let count = Arc::new(AtomicUsize::new(0));
        let reader = Reader { address, closed, connected: Arc::clone(&connected), count: Arc::clone(&count) };
        let arrivals = Box::pin(flatten(on_own_thread(move || reader.listen(tokens))));
        let mut subscribers = Self { close, arrivals, count };
        let started = Instant::now();
        while connected.load(Ordering::Relaxed) < total {
            tokio::select! {
                ended = &mut subscribers.arrivals => {
                    ended?;
                    return Err("the streams ended at once".into());
                }
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
            if started.elapsed() > CONNECT_TIMEOUT {
                return Err(format!("{} of {total} streams connected", connected.load(Ordering::Relaxed)).into());
            }
        }
        Ok(subscribers)
    }

    /// Waits until `expected` orders arrived on all streams together, at most five seconds.
    pub async fn wait_for(&self, expected: usize) {
        let started = Instant::now();
        while self.count.load(Ordering::Relaxed) < expected && started.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // A duplicate would arrive after the first.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    /// Closes all of them; returns what arrived on each.
    pub async fn close(self) -> Result<Vec<Vec<Arrival>>> {
        self.close.send(true)?;
        self.arrivals.await
    }
}

async fn flatten<T>(nested: impl Future<Output = Result<Result<T>>>) -> Result<T> {
    nested.await?
}

#[derive(Clone)]
struct Reader {
    address: SocketAddr,
    closed: watch::Receiver<bool>,
    connected: Arc<AtomicUsize>,
    count: Arc<AtomicUsize>,
}

impl Reader {
    async fn listen(self, tokens: Vec<String>) -> Result<Vec<Vec<Arrival>>> {
        let mut tasks = JoinSet::new();
        for (index, token) in tokens.into_iter().enumerate() {
            while index >= self.connected.load(Ordering::Relaxed) + CONNECTING {
                tokio::time::sleep(Duration::from_millis(1)).await;
                if let Some(ended) = tasks.try_join_next() {
                    let _: (usize, Vec<Arrival>) = ended??;
                    return Err("a stream ended at once".into());
                }
            }
            let reader = self.clone();
            tasks.spawn(async move { Ok::<_, crate::Failure>((index, reader.one(&token).await?)) });
        }
        let mut all = vec![Vec::new(); tasks.len()];
        while let Some(ended) = tasks.join_next().await {
            let (index, arrivals) = ended??;
            all[index] = arrivals;
        }
        Ok(all)
    }

    /// Reads one stream until it is to be closed. The server sends each event in a chunk of its own, so events are found
    /// without decoding the chunks.
    async fn one(mut self, token: &str) -> Result<Vec<Arrival>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(&get("/admin/orders/stream", token, "Accept: text/event-stream\r\n")).await?;
        let mut buffer = Vec::with_capacity(2048);
        while find(&buffer, b"event: connected").is_none() {
            if stream.read_buf(&mut buffer).await? == 0 || !buffer.starts_with(b"HTTP/1.1 200") {
                return Err(format!("no stream: {}", String::from_utf8_lossy(&buffer)).into());
            }
        }
        self.connected.fetch_add(1, Ordering::Relaxed);
        let mut arrivals = Vec::new();
        loop {
            buffer.drain(
                ..take_orders(&buffer, |order| {
                    arrivals.push((order, Instant::now()));
                    self.count.fetch_add(1, Ordering::Relaxed);
                }),
            );
            tokio::select! {
                biased;
                read = stream.read_buf(&mut buffer) => {
                    if read? == 0 {
                        return Err("the server closed a stream".into());
                    }
                }
                _ = self.closed.changed() => return Ok(arrivals),
            }
        }
    }
}

/// Calls `taken` with the id of each complete `new_order` event; returns how much of the buffer is read.
fn take_orders(buffer: &[u8], mut taken: impl FnMut(i64)) -> usize {
    const EVENT: &[u8] = b"event: new_order\n";
    const ID: &[u8] = b"\"order_id\":";
    let mut done = 0;
    while let Some(end) = find(&buffer[done..], b"\n\n").map(|end| done + end + 2) {
        let block = &buffer[done..end];
        done = end;
        if find(block, EVENT).is_none() {
            continue;
        }
        let digits = find(block, ID).map(|at| block[at + ID.len()..].trim_ascii_start()).unwrap_or_default();
        let id = digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0, |id, digit| id * 10 + i64::from(digit - b'0'));
        taken(id);
    }
    done
}
