//! The HTTP server: accepts connections, and stops without dropping a request or hanging on a stream.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::add_extension::AddExtension;

use crate::config::HttpConfig;
use crate::error::{AppError, ErrorCode};
use crate::routers::door::DoorLayer;
use crate::security::address::PeerAddress;

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

/// What a connection may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    header_timeout: Duration,
    header_bytes: usize,
    header_fields: usize,
    write_timeout: Duration,
    /// Whether it may send one request after the other.
    keep_alive: bool,
}

impl Limits {
    fn of(config: &HttpConfig) -> Self {
        Self {
            header_timeout: config.header_timeout,
            header_bytes: config.header_limit * HEADER_SLACK,
            header_fields: config.header_fields * HEADER_SLACK,
            write_timeout: config.write_timeout,
            keep_alive: true,
        }
    }

    /// Of a connection that is only told that there are too many.
    fn of_turned_away(config: &HttpConfig) -> Self {
        Self { header_timeout: TURNED_AWAY_TIMEOUT, keep_alive: false, ..Self::of(config) }
    }
}

/// Serves `app` over HTTP/1.1 until `closing` is cancelled; then connections finish the request they are in, for as long
/// as a graceful stop may take.
///
/// (axum's own `serve` has no header time-out, so a client that sends its header slowly would hold a
/// connection for ever.)
pub async fn serve(listener: TcpListener, app: Router, closing: CancellationToken, config: &HttpConfig) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(config.max_connections));
    let doorstep = Arc::new(Semaphore::new(TURNED_AWAY));
    let full = Router::new().fallback(async || AppError::from(ErrorCode::ServiceUnavailable));
    let full = full.layer(DoorLayer::new(config, None));
    let mut complained: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (place, app, limits) = if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                    (place, &app, Limits::of(config))
                } else if let Ok(place) = Arc::clone(&doorstep).try_acquire_owned() {
                    (place, &full, Limits::of_turned_away(config))
                } else {
                    continue;
                };
                let app = AddExtension::new(app.clone(), PeerAddress(peer.ip()));
                let connection = serve_connection(stream, app, closing.clone(), limits);
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
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
    drop(listener);
    connections.close();
    if tokio::time::timeout(config.shutdown_timeout, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "some requests did not finish in time");
    }
}

async fn serve_connection(
    stream: TcpStream,
    app: AddExtension<Router, PeerAddress>,
    closing: CancellationToken,
    limits: Limits,
) {
    // Events are small and must not wait for more.
    let _ = stream.set_nodelay(true);
    // A client that takes nothing of what it is sent is cut off: it resumes when it can.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_timeout));
    let service = TowerToHyperService::new(app);
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .keep_alive(limits.keep_alive)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.header_fields)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = closing.cancelled() => {
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
