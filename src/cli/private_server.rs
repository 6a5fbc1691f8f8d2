//! The private server for operators (`PRIVATE_ADDRESS`), and the signals that change the log level.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::signal::unix::{SignalKind, signal};

use super::CliError;
use super::serve::{bind, cannot_listen};
use crate::config::HttpConfig;
use crate::middleware::Middleware;
use crate::shutdown::Shutdown;
use crate::state::AppState;
use crate::telemetry::LogLevel;
use crate::{routers, server};

/// The setting with the address.
const SETTING: &str = "PRIVATE_ADDRESS";

/// The limit of open connections. A few scrapers and probes use this address.
const MAX_CONNECTIONS: usize = 100;

/// The number of connections that the operating system may queue.
const BACKLOG: u32 = 128;

/// Time limit for the last requests during a shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// The private server, before it starts.
pub(super) struct PrivateServer {
    /// The private address, if there is one. The socket is bound but does not listen yet.
    socket: Option<(SocketAddr, TcpSocket)>,
    level: LogLevel,
}

impl PrivateServer {
    /// Binds the private address, so that an address that is in use fails before anything else happens.
    pub(super) fn bind(address: Option<SocketAddr>, level: LogLevel) -> Result<Self, CliError> {
        let socket = address.map(|address| Ok::<_, CliError>((address, bind(address, SETTING)?)));
        Ok(Self { socket: socket.transpose()?, level })
    }

    /// Listens on the private address, if there is one, and serves operators there until `shutdown`.
    pub(super) fn serve(
        self,
        state: AppState,
        config: &HttpConfig,
        shutdown: Shutdown,
    ) -> Result<impl Future<Output = ()> + use<>, CliError> {
        let Self { socket, level } = self;
        let listen = |(address, socket): (SocketAddr, TcpSocket)| {
            socket.listen(BACKLOG).map_err(|error| cannot_listen(address, SETTING, &error))
        };
        let listener = socket.map(listen).transpose()?;
        let config = HttpConfig {
            max_connections: MAX_CONNECTIONS,
            requests_per_second: None,
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            ..config.clone()
        };
        Ok(async move {
            let Some(listener) = listener else { return };
            if let Ok(address) = listener.local_addr() {
                tracing::info!(%address, "serving operators");
            }
            let middleware = Middleware::new(&config, state.request_metrics.clone(), &shutdown);
            let app = middleware.apply(routers::internal::router(state, level), Some(config.request_timeout));
            server::serve(listener, app, shutdown, &config).await;
        })
    }
}

/// SIGUSR1 adds debug lines to the log; SIGUSR2 returns to the configured level.
pub(super) fn change_level_on_signal(level: LogLevel) -> io::Result<impl Future<Output = ()>> {
    let mut more = signal(SignalKind::user_defined1())?;
    let mut reset = signal(SignalKind::user_defined2())?;
    Ok(async move {
        loop {
            let changed = tokio::select! {
                _ = more.recv() => level.increase(),
                _ = reset.recv() => level.reset(),
            };
            if let Err(error) = changed {
                tracing::warn!(%error, "the log level could not be changed");
            }
        }
    })
}
