//! `tableorder serve`: from settings to a server that answers, and back.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::connect::{configured, connect, token_secret};
use super::operators::{Operators, change_level_on_signal};
use super::{CliError, welcome};
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::database::embedded::{Durability, EmbeddedPostgres};
use crate::state::AppState;
use crate::telemetry::{logs, traces};
use crate::{app, events, server, services};

/// File descriptors for everything but clients and the pool: logs, listeners, who is turned away.
const OWN_DESCRIPTORS: usize = 256;

/// How long to wait, after everything else, for the last connections to the database.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// How far behind the embedded PostgreSQL we may hear that everything is to stop.
const SIGNAL_GRACE: Duration = Duration::from_millis(500);

pub(super) async fn run(config: Config) -> Result<(), CliError> {
    let logs = logs::init(&config.log, Clock::system())?;
    tokio::spawn(change_level_on_signal(logs.level.clone())?);
    // Taken before anything that takes time, so a second server on the port is told at once.
    let listener = listen(&config).await?;
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

    let result = serve(&config, &secret, options, embedded.as_mut(), listener, operators).await;
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
    listener: TcpListener,
    operators: Operators,
) -> Result<(), CliError> {
    let clock = Clock::system();
    let database = connect(options.clone(), &config.database).await?;
    database.migrate().await?;
    if config.seed_demo && services::seed_demo(&database, &clock).await? {
        tracing::info!("the database was empty: it now has the demo restaurant");
    }
    let state = AppState::new(config, secret, database.clone(), clock.clone()).await?;
    let closing = state.closing().clone();
    tokio::spawn(stop_on_signal(closing.clone())?);

    let address = listener.local_addr()?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serving");
    welcome::print(address.port(), config, services::has_demo(&database).await?);
    let mut events = tokio::spawn(events::run(state.hub().clone(), options, clock, config.events));
    tokio::spawn(state.throttle().clone().keep_tidy(closing.clone()));
    let mut watchdog = tokio::spawn(database.clone().watch());
    let router = app(state.clone(), &config.http);
    // Operators are answered until the last request is, so that they can watch the server stop.
    let operators_closing = CancellationToken::new();
    let operators = tokio::spawn(operators.serve(state, &config.http, operators_closing.clone())?);
    let serving = server::serve(listener, router, closing.clone(), &config.http);
    tokio::pin!(serving);

    // What must not end before the server: if it does, stop and say so, and let whoever keeps us start anew.
    let mut served = false;
    let failed = tokio::select! {
        () = &mut serving => {
            served = true;
            None
        }
        _ = &mut events, if !closing.is_cancelled() => Some("the tasks that carry events ended unexpectedly"),
        _ = &mut watchdog => Some("the task that watches over the database ended unexpectedly"),
        () = ended(embedded) => Some("the embedded PostgreSQL ended unexpectedly; its log is in postgres/pgdata/log under DATA_DIR"),
    };
    let failed = failed.filter(|_| !closing.is_cancelled());
    closing.cancel();
    if !served {
        serving.await;
    }
    operators_closing.cancel();
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

async fn listen(config: &Config) -> Result<TcpListener, CliError> {
    let address = SocketAddr::new(config.http.host, config.http.port);
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{address} is in use by another program; stop it, or set PORT to another port").into()
        }
        _ => format!("cannot listen on {address}: {error}").into(),
    })
}

/// Begins the stop on SIGTERM or Ctrl-C; the second one no longer waits for it.
fn stop_on_signal(closing: CancellationToken) -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        closing.cancel();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    })
}
