//! `tableorder serve`: starts the server and its background tasks, and stops them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpSocket;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::connect::{configured, connect, direct, prepare_schema, token_secret};
use super::private_server::{PrivateServer, change_level_on_signal};
use super::{CliError, welcome, with_causes};
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::database::embedded::{Durability, EmbeddedPostgres};
use crate::shutdown::Shutdown;
use crate::state::AppState;
use crate::telemetry::{logs, traces};
use crate::{app, backup, server, services};

/// File descriptors for everything except clients and the pool: logs, listeners, connections over the limit.
const OWN_DESCRIPTORS: usize = 256;

/// The number of connections that the operating system may queue.
const BACKLOG: u32 = 1024;

/// Time limit for the background tasks, and then for the database connections, to end after the last request.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// How much later than the embedded PostgreSQL this process may receive a signal to stop.
const SIGNAL_GRACE: Duration = Duration::from_millis(500);

pub(super) async fn run(config: Config) -> Result<(), CliError> {
    let logs = logs::init(&config.log)?;
    tokio::spawn(change_level_on_signal(logs.level.clone())?);
    // Bind first, so that a second server on the same port fails at once.
    let socket = bind(SocketAddr::new(config.http.host, config.http.port), "PORT")?;
    let operators = PrivateServer::bind(config.http.private_address, logs.level.clone())?;
    let config = with_enough_descriptors(config);
    let traces = traces::init(config.traces.as_ref()).map_err(|error| format!("traces: {error}"))?;
    let secret = token_secret(&config)?;
    let (mut embedded, options) = if let Some(options) = configured(&config)? {
        (None, options)
    } else {
        let embedded = EmbeddedPostgres::start(&config.data_dir, Durability::Durable).await?;
        let options = embedded.connect_options();
        (Some(embedded), options)
    };

    let result = serve(&config, &secret, options, embedded.as_mut(), socket, operators).await;
    traces.finish().await;
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    result
}

async fn serve(
    config: &Config,
    secret: &Secret,
    options: PgConnectOptions,
    embedded: Option<&mut EmbeddedPostgres>,
    socket: TcpSocket,
    operators: PrivateServer,
) -> Result<(), CliError> {
    let clock = Clock::system();
    let direct = direct(config, &options)?;
    let database = connect(options, &config.database).await?;
    prepare_schema(&config.database, &direct).await?;
    discard_killed_restore(&direct).await;
    if config.seed_demo && services::seed_demo(&database, &clock).await? {
        tracing::info!("created the demo restaurant, because the database was empty");
    }
    let state = AppState::new(config, secret, database.clone(), clock.clone()).await?;
    let shutdown = state.shutdown.clone();
    let closing = shutdown.closing().clone();
    tokio::spawn(stop_on_signal(shutdown.clone(), config.http.shutdown_drain)?);

    // Only if it is printed: a new code replaces the one that another instance has printed.
    let setup_code = if welcome::is_printed(config) { state.setup.issue_code().await? } else { None };
    let address = socket.local_addr()?;
    // Listen only now that requests can be answered: until then a proxy is refused and uses another instance.
    let listener = socket.listen(BACKLOG).map_err(|error| cannot_listen(address, "PORT", &error))?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serving");
    welcome::print(address.port(), config, services::has_demo(&database).await?, setup_code.as_ref());
    let stop_background = CancellationToken::new();
    let mut background = tokio::spawn(state.clone().run_background(direct, config.events, stop_background.clone()));
    let mut watchdog = tokio::spawn(database.clone().watch());
    let app = app(state.clone(), &config.http);
    // The private server runs until the last request is answered, so that operators can observe the shutdown.
    let operators_shutdown = Shutdown::default();
    let operators = tokio::spawn(operators.serve(state, &config.http, operators_shutdown.clone())?);
    let serving = server::serve(listener, app, shutdown, &config.http);
    tokio::pin!(serving);

    // If one of these tasks ends early, shut down with an error, so that the service manager restarts the server.
    let mut served = false;
    let failed: Option<String> = tokio::select! {
        () = &mut serving => {
            served = true;
            None
        }
        ended = &mut background => Some(match ended {
            Ok(Err(history_changed)) => history_changed.to_string(),
            _ => "the background tasks ended unexpectedly".to_owned(),
        }),
        _ = &mut watchdog => Some("the database watchdog ended unexpectedly".to_owned()),
        () = ended(embedded) => Some(
            "the embedded PostgreSQL ended unexpectedly; its log is in postgres/pgdata/log under DATA_DIR".to_owned(),
        ),
    };
    let failed = failed.filter(|_| !closing.is_cancelled());
    closing.cancel();
    if !served {
        serving.await;
    }
    operators_shutdown.close();
    let _ = operators.await;
    // Only now, because the changes of the last requests must still be announced to the other instances.
    stop_background.cancel();
    if !background.is_finished() {
        let _ = tokio::time::timeout(LAST_GRACE, background).await;
    }
    // A request that exceeded its time limit may still hold a connection.
    let _ = tokio::time::timeout(LAST_GRACE, database.close()).await;
    tracing::info!("stopped");
    failed.map_or(Ok(()), |failed| Err(failed.into()))
}

/// Removes what a killed restore left in the database. The server can work beside it, so an error is only logged.
async fn discard_killed_restore(direct: &PgConnectOptions) {
    match backup::discard_killed_restore(direct).await {
        Ok(true) => tracing::info!("removed the rows of a restore that was killed"),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(error = with_causes(&error), "the rows of a killed restore could not be removed");
        }
    }
}

/// Completes when the embedded PostgreSQL ends, if there is one.
async fn ended(embedded: Option<&mut EmbeddedPostgres>) {
    match embedded {
        Some(embedded) => {
            embedded.ended().await;
            // A service manager may signal both processes at the same time, and our signal may arrive later.
            tokio::time::sleep(SIGNAL_GRACE).await;
        }
        None => std::future::pending().await,
    }
}

/// Raises the limit of file descriptors as far as the system allows, and lowers the limit of connections to fit.
fn with_enough_descriptors(mut config: Config) -> Config {
    // If the system refuses, the limit stays as it is.
    let _ = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    let limit = getrlimit(Resource::RLIMIT_NOFILE).ok();
    let descriptors = limit.and_then(|(soft, _)| usize::try_from(soft).ok());
    let ours = usize::try_from(config.database.max_connections).unwrap_or(usize::MAX).saturating_add(OWN_DESCRIPTORS);
    let left = descriptors.map_or(usize::MAX, |count| count.saturating_sub(ours)).max(1);
    if left < config.http.max_connections {
        tracing::info!(
            MAX_CONNECTIONS = config.http.max_connections,
            connections = left,
            "the limit of file descriptors (ulimit -Hn) allows fewer connections than MAX_CONNECTIONS"
        );
        config.http.max_connections = left;
    }
    config
}

/// Binds `address`, the value of `setting`, without listening on it yet.
pub(super) fn bind(address: SocketAddr, setting: &str) -> Result<TcpSocket, CliError> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Closed connections of the previous server may still be in TIME_WAIT.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    };
    bind().map_err(|error| cannot_listen(address, setting, &error))
}

pub(super) fn cannot_listen(address: SocketAddr, setting: &str, error: &io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{address} is in use by another program; stop it, or set {setting} to another port").into()
        }
        _ => format!("cannot listen on {address}: {error}").into(),
    }
}

/// The signals that stop the server: SIGTERM and Ctrl-C.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The first signal starts the drain, and after it the shutdown. A further signal ends the drain early; one more ends the
/// process at once.
fn stop_on_signal(shutdown: Shutdown, drain: Duration) -> io::Result<impl Future<Output = ()>> {
    let mut signals =
        StopSignals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
    Ok(async move {
        signals.next().await;
        shutdown.drain();
        if !drain.is_zero() {
            tracing::info!(seconds = drain.as_secs(), "draining");
            let _ = tokio::time::timeout(drain, signals.next()).await;
        }
        tracing::info!("stopping");
        shutdown.close();
        signals.next().await;
        std::process::exit(1);
    })
}
