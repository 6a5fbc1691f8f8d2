//! The HTTP server: accepts connections, limits their number, and stops without dropping a request or waiting for a
//! stream.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tower::Service;

use crate::config::HttpConfig;
use crate::middleware::TooManyConnections;
use crate::shutdown::Shutdown;

/// hyper's header limits, in percent of the configured limits. Headers slightly over a configured limit get an error
/// body; headers over hyper's limit get its 431 without a body. (hyper does not allocate for up to 100 fields, its
/// default.)
const HYPER_HEADER_LIMIT_PERCENT: usize = 150;

/// How many connections beyond the limit may receive a 503 at the same time; further ones are closed.
const MAX_REJECTING: usize = 64;

/// How long a connection beyond the limit may take to send its request.
const REJECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause after a failed accept, for example without a free file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The minimum interval between log lines about failed accepts.
const ACCEPT_ERROR_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// How long idle connections stay open after a drain: HTTP/1.1 cannot announce that an idle connection is about to
/// close, and a request sent at that moment would be lost.
const IDLE_GRACE: Duration = Duration::from_secs(1);

/// Serves `app` over HTTP/1.1 until `shutdown` closes it; then requests in progress may finish, within
/// `shutdown_timeout`.
///
/// (axum's `serve` has no header timeout: a client that sends its header slowly would hold a connection indefinitely.)
pub async fn serve(listener: TcpListener, app: Router, shutdown: Shutdown, config: &HttpConfig) {
    let connections = Connections {
        app,
        config: Arc::new(config.clone()),
        permits: Arc::new(Semaphore::new(config.max_connections)),
        overflow_permits: Arc::new(Semaphore::new(MAX_REJECTING)),
        graceful: GracefulShutdown::new(),
    };
    let mut logged: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            () = shutdown.closing().cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => connections.spawn(stream, peer),
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                if logged.is_none_or(|at| at.elapsed() > ACCEPT_ERROR_LOG_INTERVAL) {
                    logged = Some(Instant::now());
                    tracing::error!(%error, "cannot accept connections");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    for (stream, peer) in close(listener) {
        connections.spawn(stream, peer);
    }
    let stop = async {
        if !config.shutdown_drain.is_zero() {
            tokio::time::sleep(IDLE_GRACE).await;
        }
        connections.graceful.shutdown().await;
    };
    if tokio::time::timeout(config.shutdown_timeout, stop).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

/// Closes the listener and returns the connections in its backlog, which would otherwise be reset.
fn close(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut backlog = Vec::new();
    let Ok(listener) = listener.into_std() else { return backlog };
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                    backlog.push((stream, peer));
                }
            }
            Err(error) if is_connection_error(&error) => {}
            Err(_) => return backlog,
        }
    }
}

/// Whether only one connection failed, and not the listener.
fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// The data that all connections share.
struct Connections {
    app: Router,
    config: Arc<HttpConfig>,
    permits: Arc<Semaphore>,
    overflow_permits: Arc<Semaphore>,
    graceful: GracefulShutdown,
}

impl Connections {
    /// Serves a connection in its own task. A connection beyond the limit receives a 503 or is closed.
    fn spawn(&self, stream: TcpStream, peer: SocketAddr) {
        let (permit, is_rejected) = if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            (permit, false)
        } else if let Ok(permit) = Arc::clone(&self.overflow_permits).try_acquire_owned() {
            (permit, true)
        } else {
            return;
        };
        let connection = Connection { app: self.app.clone(), peer, is_rejected, _permit: permit };
        tokio::spawn(connection.serve(stream, Arc::clone(&self.config), self.graceful.watcher()));
    }
}

/// One connection.
struct Connection {
    app: Router,
    peer: SocketAddr,
    is_rejected: bool,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream, config: Arc<HttpConfig>, shutdown: Watcher) {
        configure(&stream, config.write_timeout);
        // A client that reads nothing is disconnected; it resumes its stream when it reconnects.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(config.write_timeout));
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(self.peer));
            if self.is_rejected {
                request.extensions_mut().insert(TooManyConnections);
            }
            self.app.clone().call(request)
        });
        // This stream supports vectored writes, so hyper sends large bodies without a copy: `middleware::large_bodies`
        // counts a body until it is dropped.
        let connection = Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(if self.is_rejected { REJECT_TIMEOUT } else { config.header_timeout })
            .keep_alive(!self.is_rejected)
            .max_buf_size(config.header_limit * HYPER_HEADER_LIMIT_PERCENT / 100)
            .max_headers(config.header_fields * HYPER_HEADER_LIMIT_PERCENT / 100)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        if let Err(error) = shutdown.watch(connection).await {
            // Normal: the client disconnected or was too slow, or its stream was aborted.
            tracing::debug!(%error, "connection ended");
        }
    }
}

/// Disables Nagle's algorithm, so that events are sent at once, and closes a connection whose peer acknowledges nothing
/// for `timeout`: a client that loses its network does not close its connection.
fn configure(stream: &TcpStream, timeout: Duration) {
    // Errors are ignored: the connection also works without these options.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(timeout));
    #[cfg(not(target_os = "linux"))]
    let _ = timeout;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_has_a_user_timeout_and_no_delay() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let timeout = Duration::from_secs(15);
        configure(&stream, timeout);
        assert_eq!(socket2::SockRef::from(&stream).tcp_user_timeout().unwrap(), Some(timeout));
        assert!(stream.nodelay().unwrap());
    }
}
