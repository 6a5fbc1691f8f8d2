//! What operators have while the server runs: an address of their own, and signals that change the log level.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::signal::unix::{SignalKind, signal};

use super::CliError;
use super::serve::{cannot_listen, take_port};
use crate::config::HttpConfig;
use crate::middleware::Middleware;
use crate::shutdown::Shutdown;
use crate::state::AppState;
use crate::telemetry::LogLevel;
use crate::{routers, server};

/// The setting that says where.
const SETTING: &str = "PRIVATE_ADDRESS";

/// Connections of operators: a few scrapers and probes.
const MAX_CONNECTIONS: usize = 100;

/// How many connections the system may have ready for us.
const BACKLOG: u32 = 128;

/// How long, at the end, an operator's last request may take.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// What operators are to have.
pub(super) struct Operators {
    /// The private address, if there is one: taken, and not listened on yet.
    place: Option<(SocketAddr, TcpSocket)>,
    level: LogLevel,
}

impl Operators {
    /// Takes the private address, so that a place that is taken already is told before anything else is done.
    pub(super) fn take(address: Option<SocketAddr>, level: LogLevel) -> Result<Self, CliError> {
        let place = address.map(|address| Ok::<_, CliError>((address, take_port(address, SETTING)?)));
        Ok(Self { place: place.transpose()?, level })
    }

    /// Listens on the private address, if there is one, and answers operators there until `shutdown`.
    pub(super) fn serve(
        self,
        state: AppState,
        config: &HttpConfig,
        shutdown: Shutdown,
    ) -> Result<impl Future<Output = ()> + use<>, CliError> {
        let Self { place, level } = self;
        let listen = |(address, socket): (SocketAddr, TcpSocket)| {
            socket.listen(BACKLOG).map_err(|error| cannot_listen(address, SETTING, &error))
        };
        let listener = place.map(listen).transpose()?;
        let config = HttpConfig {
            max_connections: MAX_CONNECTIONS,
            requests_per_second: None,
            shutdown_timeout: LAST_REQUEST,
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

/// Logs more on SIGUSR1, and what was configured on SIGUSR2.
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
