//! A TCP proxy between a server and PostgreSQL, for networks that lose connections without a word, and for an address
//! that leads to another PostgreSQL after a failover.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::postgres::password_of;

/// The application name in the watchdog's first message.
const WATCHDOG: &[u8] = b"tableorder-watchdog";

/// Which connections are silent: open, but nothing passes.
#[derive(Clone, Default)]
struct Silence {
    /// Their numbers, in the order in which they are opened.
    connections: Range<u64>,
    /// The watchdog's too.
    with_watchdog: bool,
}

/// Forwards connections to PostgreSQL until they are silenced.
pub struct Proxy {
    options: PgConnectOptions,
    /// The socket that new connections lead to.
    target: Arc<Mutex<PathBuf>>,
    opened: Arc<AtomicU64>,
    silence: Arc<watch::Sender<Silence>>,
}

impl Proxy {
    /// A proxy to the PostgreSQL at `options`, which is on a Unix socket.
    pub async fn start(options: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(Mutex::new(socket_of(options)));
        let (opened, silence) = (Arc::new(AtomicU64::new(0)), Arc::new(watch::Sender::new(Silence::default())));
        let (number, silenced, leads_to) = (Arc::clone(&opened), Arc::clone(&silence), Arc::clone(&target));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let socket = leads_to.lock().unwrap().clone();
                // Without a PostgreSQL there, the client's connection is closed.
                let Ok(server) = UnixStream::connect(socket).await else { continue };
                let number = number.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(forward(client, server, number, silenced.subscribe()));
            }
        });
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(options.get_username())
            .password(&password_of(options))
            .database(options.get_database().unwrap());
        Self { options, target, opened, silence }
    }

    /// How to reach PostgreSQL through the proxy.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// From here on new connections lead to the PostgreSQL at `options`. Those that are open stay where they are.
    pub fn lead_to(&self, options: &PgConnectOptions) {
        *self.target.lock().unwrap() = socket_of(options);
    }

    /// Waits until so many more connections were opened.
    pub async fn opened_more(&self, connections: u64) {
        let enough = self.opened() + connections;
        let opening = async {
            while self.opened() < enough {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(5), opening).await.expect("connections should be opened");
    }

    /// From here on nothing passes on the connections that are open, and neither side is told. New ones work.
    pub fn silence_all(&self) {
        self.silence.send_replace(Silence { connections: 0..self.opened(), with_watchdog: true });
    }

    /// As [`silence_all`](Self::silence_all), for all but the watchdog's connection.
    pub fn silence_requests(&self) {
        self.silence.send_replace(Silence { connections: 0..self.opened(), with_watchdog: false });
    }

    /// The next connection is accepted, and nothing passes on it. All others work.
    pub fn silence_next(&self) {
        let next = self.opened();
        self.silence.send_replace(Silence { connections: next..next + 1, with_watchdog: true });
    }

    fn opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }
}

fn socket_of(options: &PgConnectOptions) -> PathBuf {
    options.get_socket().unwrap().join(".s.PGSQL.5432")
}

async fn forward(mut client: TcpStream, mut server: UnixStream, number: u64, mut silence: watch::Receiver<Silence>) {
    let (mut from_client, mut from_server) = ([0; 16 << 10], [0; 16 << 10]);
    let mut is_watchdog = false;
    loop {
        let is_silent =
            |silence: &Silence| silence.connections.contains(&number) && (silence.with_watchdog || !is_watchdog);
        tokio::select! {
            biased;
            () = async { drop(silence.wait_for(is_silent).await) } => break,
            read = client.read(&mut from_client) => match read {
                Ok(count @ 1..) => {
                    let sent = &from_client[..count];
                    is_watchdog |= sent.windows(WATCHDOG.len()).any(|part| part == WATCHDOG);
                    if server.write_all(sent).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            read = server.read(&mut from_server) => match read {
                Ok(count @ 1..) if client.write_all(&from_server[..count]).await.is_ok() => {}
                _ => return,
            },
        }
    }
    // Both sockets stay open for as long as the test runs.
    std::future::pending::<()>().await;
}
