//! The HTTP server: accepts connections, bounds them, and stops without dropping a request or waiting for a stream.

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

/// How much beyond the configured limits hyper reads headers, in percent of them: those just beyond are refused with an
/// error body, those far beyond with hyper's bare 431. (Up to 100 fields, as by default, hyper allocates nothing.)
const HEADER_SLACK: usize = 150;

/// Connections beyond the limit that are answered with a 503 at a time; any more are closed.
const MAX_REJECTING: usize = 64;

/// How long a connection beyond the limit may take to send its request.
const REJECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause after the system had no connection to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often it is logged that the system has no connection to give.
const ACCEPT_ERROR_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// How long idle connections stay open after a drain: HTTP/1.1 cannot announce that an idle connection is about to
/// close, and a request sent at that moment would be lost.
const IDLE_GRACE: Duration = Duration::from_secs(1);

/// Serves `app` over HTTP/1.1 until `shutdown` closes it; then requests under way may finish, within
/// `shutdown_timeout`.
///
/// (axum's own `serve` has no header timeout, so a client that sends its header slowly would hold a connection for
/// ever.)
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
            Err(error) if is_of_one_connection(&error) => {}
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

/// Closes the listener and returns the connections that the system has already opened for it: they would be reset.
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

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// The open connections and their bounds.
struct Connections {
    app: Router,
    config: Arc<HttpConfig>,
    permits: Arc<Semaphore>,
    overflow_permits: Arc<Semaphore>,
    graceful: GracefulShutdown,
}

impl Connections {
    /// Serves a connection in a task of its own; beyond the limit it is only told so, or closed.
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
        // A client that reads nothing is disconnected; it resumes when it reconnects.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(config.write_timeout));
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(self.peer));
            if self.is_rejected {
                request.extensions_mut().insert(TooManyConnections);
            }
            self.app.clone().call(request)
        });
        let connection = Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(if self.is_rejected { REJECT_TIMEOUT } else { config.header_timeout })
            .keep_alive(!self.is_rejected)
            .max_buf_size(config.header_limit * HEADER_SLACK / 100)
            .max_headers(config.header_fields * HEADER_SLACK / 100)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        if let Err(error) = shutdown.watch(connection).await {
            // The client went away or was too slow, or its stream was aborted: all normal.
            tracing::debug!(%error, "connection ended");
        }
    }
}

/// Sends events at once instead of gathering them, and closes a connection whose peer acknowledges nothing for
/// `timeout`: a client that lost its network sends no sign of it.
fn configure(stream: &TcpStream, timeout: Duration) {
    // Where an option is refused, the connection works without it.
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
    async fn a_peer_that_acknowledges_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let timeout = Duration::from_secs(15);
        configure(&stream, timeout);
        assert_eq!(socket2::SockRef::from(&stream).tcp_user_timeout().unwrap(), Some(timeout));
        assert!(stream.nodelay().unwrap());
    }
}
