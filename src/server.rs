//! The HTTP server: accepts connections, and stops without dropping a request or hanging on a stream.

use std::io;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::HttpConfig;

/// What a connection may hold back of a slow client's answer, and how long a request's header may be, in bytes.
const MAX_BUFFER: usize = 64 * 1024;

/// How long to rest when the system has no more connections to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    header_timeout: Duration,
    write_timeout: Duration,
}

/// Serves `app` over HTTP/1.1 until `closing` is cancelled; then connections finish the request they are in, for as long
/// as a graceful stop may take.
///
/// (axum's own `serve` has no header time-out, so a client that sends its header slowly would hold a
/// connection for ever.)
pub async fn serve(listener: TcpListener, app: Router, closing: CancellationToken, config: &HttpConfig) {
    let connections = TaskTracker::new();
    let limits = Limits { header_timeout: config.header_timeout, write_timeout: config.write_timeout };
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve_connection(stream, app.clone(), closing.clone(), limits));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
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

async fn serve_connection(stream: TcpStream, app: Router, closing: CancellationToken, limits: Limits) {
    // Events are small and must not wait for more.
    let _ = stream.set_nodelay(true);
    // A client that takes nothing of what it is sent is cut off: it resumes when it can.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_timeout));
    let service = TowerToHyperService::new(app);
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(MAX_BUFFER)
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
