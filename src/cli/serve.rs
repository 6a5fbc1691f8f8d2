//! `tableorder serve`: from settings to a server that answers, and back.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpSocket;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::connect::{configured, connect, direct, prepare_schema, token_secret};
use super::operators::{Operators, change_level_on_signal};
use super::{CliError, welcome};
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::database::embedded::{Durability, EmbeddedPostgres};
use crate::shutdown::Shutdown;
use crate::state::AppState;
use crate::telemetry::{logs, traces};
use crate::{app, events, server, services};

/// File descriptors for everything but clients and the pool: logs, listeners, who is turned away.
const OWN_DESCRIPTORS: usize = 256;

/// How many connections the system may have ready for us.
const BACKLOG: u32 = 1024;

/// How long to wait, after everything else, for the last connections to the database.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// How far behind the embedded PostgreSQL we may hear that everything is to stop.
const SIGNAL_GRACE: Duration = Duration::from_millis(500);

pub(super) async fn run(config: Config) -> Result<(), CliError> {
    let logs = logs::init(&config.log, Clock::system())?;
    tokio::spawn(change_level_on_signal(logs.level.clone())?);
    // Taken before anything that takes time, so a second server on the port is told at once.
    let socket = take_port(SocketAddr::new(config.http.host, config.http.port), "PORT")?;
    let operators = Operators::take(config.http.private_address, logs.level.clone())?;
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
    operators: Operators,
) -> Result<(), CliError> {
    let clock = Clock::system();
    let direct = direct(config, &options)?;
    let database = connect(options, &config.database).await?;
    prepare_schema(&config.database, &direct).await?;
    if config.seed_demo && services::seed_demo(&database, &clock).await? {
        tracing::info!("the database was empty: it now has the demo restaurant");
    }
    let state = AppState::new(config, secret, database.clone(), clock.clone()).await?;
    let shutdown = state.shutdown().clone();
    let closing = shutdown.closing().clone();
    tokio::spawn(stop_on_signal(shutdown.clone(), config.http.shutdown_drain)?);

    let address = socket.local_addr()?;
    // From here on it can answer; a proxy that came earlier was refused, and took another instance.
    let listener = socket.listen(BACKLOG).map_err(|error| cannot_listen(address, "PORT", &error))?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serving");
    welcome::print(address.port(), config, services::has_demo(&database).await?);
    let mut events = tokio::spawn(events::run(state.hub().clone(), direct, clock, config.events));
    tokio::spawn(state.throttle().clone().run_cleanup(closing.clone()));
    tokio::spawn(state.audit().clone().run_retention(closing.clone()));
    let mut watchdog = tokio::spawn(database.clone().watch());
    let app = app(state.clone(), &config.http);
    // Operators are answered until the last request is, so that they can watch the server stop.
    let operators_shutdown = Shutdown::default();
    let operators = tokio::spawn(operators.serve(state, &config.http, operators_shutdown.clone())?);
    let serving = server::serve(listener, app, shutdown, &config.http);
    tokio::pin!(serving);

    // What must not end before the server: if it does, stop and say so, and let whoever keeps us start anew.
    let mut served = false;
    let failed: Option<String> = tokio::select! {
        () = &mut serving => {
            served = true;
            None
        }
        ended = &mut events, if !closing.is_cancelled() => Some(match ended {
            Ok(Err(other_epoch)) => other_epoch.to_string(),
            _ => "the tasks that carry events ended unexpectedly".to_owned(),
        }),
        _ = &mut watchdog => Some("the task that watches over the database ended unexpectedly".to_owned()),
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
    // A request that outlived its time may hold a connection still.
    let _ = tokio::time::timeout(LAST_GRACE, database.close()).await;
    tracing::info!("stopped");
    failed.map_or(Ok(()), |failed| Err(failed.into()))
}

/// Completes when the embedded PostgreSQL ends, if there is one.
async fn ended(embedded: Option<&mut EmbeddedPostgres>) {
    match embedded {
        Some(embedded) => {
            embedded.ended().await;
            // A service manager may have told it and us to stop at the same moment: ours is a moment behind.
            tokio::time::sleep(SIGNAL_GRACE).await;
        }
        None => std::future::pending().await,
    }
}

/// Takes as many file descriptors as the system gives, and no more connections than these allow.
fn with_enough_descriptors(mut config: Config) -> Config {
    let limit = getrlimit(Resource::Nofile);
    // Where it is refused, what there is must do.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let descriptors = getrlimit(Resource::Nofile).current.and_then(|count| usize::try_from(count).ok());
    let ours = usize::try_from(config.database.max_connections).unwrap_or(usize::MAX).saturating_add(OWN_DESCRIPTORS);
    let left = descriptors.map_or(usize::MAX, |count| count.saturating_sub(ours)).max(1);
    if left < config.http.max_connections {
        tracing::info!(
            MAX_CONNECTIONS = config.http.max_connections,
            connections = left,
            "the limit of file descriptors (ulimit -Hn) allows fewer connections"
        );
        config.http.max_connections = left;
    }
    config
}

/// Takes the port that `setting` says, without listening on it yet.
pub(super) fn take_port(address: SocketAddr, setting: &str) -> Result<TcpSocket, CliError> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Connections of the server before us may linger.
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

/// Begins the stop on a signal, after a drain. Whoever sends another cannot wait: for the end of the drain, then for
/// the stop.
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
