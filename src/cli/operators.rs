//! What operators have while the server runs: an address of their own, and signals that change the log level.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::CliError;
use crate::config::HttpConfig;
use crate::state::AppState;
use crate::telemetry::LogLevel;
use crate::{routers, server, with_common_layers};

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
        let bind = |address: SocketAddr| {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // Connections of the server before us may linger.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok((address, socket))
        };
        let place = address.map(|address| bind(address).map_err(|error| cannot_listen(address, &error)));
        Ok(Self { place: place.transpose()?, level })
    }

    /// Listens on the private address, if there is one, and answers operators there until `closing`.
    pub(super) fn serve(
        self,
        state: AppState,
        config: &HttpConfig,
        closing: CancellationToken,
    ) -> Result<impl Future<Output = ()> + use<>, CliError> {
        let Self { place, level } = self;
        let listen = |(address, socket): (SocketAddr, TcpSocket)| {
            socket.listen(BACKLOG).map_err(|error| cannot_listen(address, &error))
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
            let router = with_common_layers(routers::private::router(state, level), &config);
            server::serve(listener, router, closing, &config).await;
        })
    }
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> CliError {
    format!("PRIVATE_ADDRESS={address} cannot be listened on: {error}").into()
}

/// Logs more on SIGUSR1, and what was configured on SIGUSR2.
pub(super) fn change_level_on_signal(level: LogLevel) -> io::Result<impl Future<Output = ()>> {
    let mut more = signal(SignalKind::user_defined1())?;
    let mut reset = signal(SignalKind::user_defined2())?;
    Ok(async move {
        loop {
            let changed = tokio::select! {
                _ = more.recv() => level.say_more(),
                _ = reset.recv() => level.reset(),
            };
            if let Err(error) = changed {
                tracing::warn!(%error, "the log level could not be changed");
            }
        }
    })
}
