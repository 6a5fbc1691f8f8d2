//! The HTTP server: accepts connections, and stops without dropping a request or hanging on a stream.

mod answers;
mod lazy_timer;
mod socket;
mod when_woken;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::task::TaskTracker;

use self::answers::Answers;
use self::lazy_timer::LazyTimer;
use self::socket::Socket;
use self::when_woken::WhenWoken;
use crate::config::HttpConfig;
use crate::error::{AppError, ErrorCode};
use crate::routers::door::Door;
use crate::security::address::ClientAddress;
use crate::shutdown::Shutdown;

/// How much more header hyper reads than is allowed: what is just beyond the limit is refused with an answer that
/// says so, what is far beyond with a bare 431.
const HEADER_SLACK: usize = 2;

/// Connections beyond the limit that are told so, at a time; any more are dropped.
const TURNED_AWAY: usize = 64;

/// How long a connection that is turned away may take to send its request.
const TURNED_AWAY_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to rest when the system has no more connections to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often it is said that the system has no more connections to give.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// How long a quiet connection is kept once a drain is over: whoever was just sending a request on it is answered.
const QUIET_GRACE: Duration = Duration::from_secs(1);

/// What a connection may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    header_timeout: Duration,
    header_bytes: usize,
    header_fields: usize,
    write_timeout: Duration,
    /// Whether it may send one request after the other.
    keep_alive: bool,
    /// How long it is kept, without a request, once the server stops.
    quiet_grace: Duration,
}

impl Limits {
    fn of(config: &HttpConfig) -> Self {
        Self {
            header_timeout: config.header_timeout,
            header_bytes: config.header_limit * HEADER_SLACK,
            header_fields: config.header_fields * HEADER_SLACK,
            write_timeout: config.write_timeout,
            keep_alive: true,
            quiet_grace: if config.shutdown_drain.is_zero() { Duration::ZERO } else { QUIET_GRACE },
        }
    }

    /// Of a connection that is only told that there are too many.
    fn of_turned_away(config: &HttpConfig) -> Self {
        Self { header_timeout: TURNED_AWAY_TIMEOUT, keep_alive: false, ..Self::of(config) }
    }
}

/// Serves `app` over HTTP/1.1 until `shutdown` closes it; then connections finish the request they are in, for as long
/// as a graceful stop may take.
///
/// (axum's own `serve` has no header time-out, so a client that sends its header slowly would hold a
/// connection for ever.)
pub async fn serve(listener: TcpListener, app: Door, shutdown: Shutdown, config: &HttpConfig) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(config.max_connections));
    let doorstep = Arc::new(Semaphore::new(TURNED_AWAY));
    let full = Router::new().fallback(async || {
        AppError::caused_by(ErrorCode::ServiceUnavailable, "as many connections are open as may be")
    });
    let full = Door::before(full, config);
    let admit = |stream: TcpStream, peer: SocketAddr| {
        let (place, app, limits) = if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            (place, &app, Limits::of(config))
        } else if let Ok(place) = Arc::clone(&doorstep).try_acquire_owned() {
            (place, &full, Limits::of_turned_away(config))
        } else {
            return;
        };
        let peer = ClientAddress(peer.ip());
        connections.spawn(serve_connection(stream, peer, app.clone(), shutdown.clone(), limits, place));
    };
    let mut complained: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            () = shutdown.closing().cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(stream, peer),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Once a while: it goes on for as long as the system has none to give.
                if complained.is_none_or(|at| at.elapsed() > COMPLAIN_EVERY) {
                    complained = Some(Instant::now());
                    tracing::error!(%error, "cannot accept connections");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    for (stream, peer) in close(listener) {
        admit(stream, peer);
    }
    connections.close();
    if tokio::time::timeout(config.shutdown_timeout, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "some requests did not finish in time");
    }
}

/// Closes the listener. What the system has connected meanwhile would be cut off with it: it is taken first.
fn close(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut last = Vec::new();
    let Ok(listener) = listener.into_std() else { return last };
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                    last.push((stream, peer));
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(_) => return last,
        }
    }
}

/// Serves one connection, which has a place for as long. (What it awaits is all in here: a future that is handed to an
/// `async` block to be awaited has its room twice.)
async fn serve_connection(
    stream: TcpStream,
    peer: ClientAddress,
    app: Door,
    shutdown: Shutdown,
    limits: Limits,
    _place: OwnedSemaphorePermit,
) {
    // Events are small and must not wait for more.
    let _ = stream.set_nodelay(true);
    // A client that takes nothing of what it is sent is cut off: it resumes when it can.
    let mut stream = TimeoutStream::new(Socket(stream));
    stream.set_write_timeout(Some(limits.write_timeout));
    let is_last = Arc::new(AtomicBool::new(false));
    let service = Answers::new(app, peer, Arc::clone(&is_last));
    let connection = Builder::new()
        .timer(LazyTimer::default())
        .header_read_timeout(limits.header_timeout)
        .keep_alive(limits.keep_alive)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.header_fields)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::pin!(connection);
    // A quiet connection cannot be told that it is about to close: whoever sends a request just then never hears of
    // it again. So it is left to whoever opened it for as long as there is time.
    let ended = pin!(async {
        shutdown.draining().await;
        is_last.store(true, Ordering::Relaxed);
        shutdown.closing().cancelled().await;
        tokio::time::sleep(limits.quiet_grace).await;
    });
    let result = tokio::select! {
        biased; // What has been sent is read first.
        result = connection.as_mut() => result,
        () = WhenWoken::new(ended) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // The client went away, was too slow, or its stream was broken off: daily life.
        tracing::debug!(%error, "connection ended");
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
