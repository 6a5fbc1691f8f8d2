//! A TCP proxy between a server and PostgreSQL. It simulates networks that drop packets silently, and an address that
//! points to another PostgreSQL after a failover.

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

/// The application name in the watchdog's startup message.
const WATCHDOG: &[u8] = b"tableorder-watchdog";

/// The connections that are stalled: open, but nothing is forwarded.
#[derive(Clone, Default)]
struct Stalled {
    /// The range of connection numbers, in the order in which connections were opened.
    connections: Range<u64>,
    /// Whether the watchdog's connection stalls too.
    with_watchdog: bool,
}

/// Forwards connections to PostgreSQL until they are stalled.
pub struct Proxy {
    options: PgConnectOptions,
    /// The socket for new connections.
    target: Arc<Mutex<PathBuf>>,
    opened: Arc<AtomicU64>,
    stalled: Arc<watch::Sender<Stalled>>,
}

impl Proxy {
    /// A proxy to the PostgreSQL at `options`, which is on a Unix socket.
    pub async fn start(options: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(Mutex::new(socket_of(options)));
        let (opened, stalled) = (Arc::new(AtomicU64::new(0)), Arc::new(watch::Sender::new(Stalled::default())));
        let (number, stalls, current_target) = (Arc::clone(&opened), Arc::clone(&stalled), Arc::clone(&target));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let socket = current_target.lock().unwrap().clone();
                // Without a PostgreSQL at the socket, close the client's connection.
                let Ok(server) = UnixStream::connect(socket).await else { continue };
                let number = number.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(forward(client, server, number, stalls.subscribe()));
            }
        });
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(options.get_username())
            .password(&password_of(options))
            .database(options.get_database().unwrap());
        Self { options, target, opened, stalled }
    }

    /// The options for a connection through the proxy.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Forwards new connections to the PostgreSQL at `options`. Open connections keep their target.
    pub fn set_target(&self, options: &PgConnectOptions) {
        *self.target.lock().unwrap() = socket_of(options);
    }

    /// Waits until this many more connections were opened.
    pub async fn wait_for_connections(&self, connections: u64) {
        let enough = self.opened() + connections;
        let opening = async {
            while self.opened() < enough {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(5), opening).await.expect("new connections should be opened");
    }

    /// Stalls all open connections without closing them. New connections work.
    pub fn stall_all(&self) {
        self.stalled.send_replace(Stalled { connections: 0..self.opened(), with_watchdog: true });
    }

    /// Like [`stall_all`](Self::stall_all), except for the watchdog's connection.
    pub fn stall_requests(&self) {
        self.stalled.send_replace(Stalled { connections: 0..self.opened(), with_watchdog: false });
    }

    /// Accepts the next connection, but forwards nothing on it. All other connections work.
    pub fn stall_next(&self) {
        let next = self.opened();
        self.stalled.send_replace(Stalled { connections: next..next + 1, with_watchdog: true });
    }

    fn opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }
}

fn socket_of(options: &PgConnectOptions) -> PathBuf {
    options.get_socket().unwrap().join(".s.PGSQL.5432")
}

async fn forward(mut client: TcpStream, mut server: UnixStream, number: u64, mut stalled: watch::Receiver<Stalled>) {
    let (mut from_client, mut from_server) = ([0; 16 << 10], [0; 16 << 10]);
    let mut is_watchdog = false;
    loop {
        let is_stalled =
            |stalled: &Stalled| stalled.connections.contains(&number) && (stalled.with_watchdog || !is_watchdog);
        tokio::select! {
            biased;
            () = async { drop(stalled.wait_for(is_stalled).await) } => break,
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
    // Both sockets stay open until the test ends.
    std::future::pending::<()>().await;
}
