//! `tableorder serve`: from settings to a server that answers, and back.

use std::io;
use std::net::SocketAddr;

use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::connect::{configured, connect, token_secret};
use super::{CliError, welcome};
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::database::embedded::{Durability, EmbeddedPostgres};
use crate::state::AppState;
use crate::telemetry::logs;
use crate::{app, events, server, services};

pub(super) async fn run(config: Config) -> Result<(), CliError> {
    let _logs = logs::init(&config.log)?;
    // Taken before anything that takes time, so a second server on the port is told at once.
    let listener = listen(&config).await?;
    let secret = token_secret(&config)?;
    let (embedded, options) = if let Some(options) = configured(&config)? {
        (None, options)
    } else {
        let embedded = EmbeddedPostgres::start(&config.data_dir, Durability::Durable).await?;
        let options = embedded.connect_options();
        (Some(embedded), options)
    };

    let result = serve(&config, &secret, options, listener).await;
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    result
}

async fn serve(
    config: &Config,
    secret: &Secret,
    options: PgConnectOptions,
    listener: TcpListener,
) -> Result<(), CliError> {
    let clock = Clock::system();
    let database = connect(options.clone(), &config.database).await?;
    database.migrate().await?;
    if config.seed_demo && services::seed_demo(&database, &clock).await? {
        tracing::info!("the database was empty: it now has the demo restaurant");
    }
    let state = AppState::new(config, secret, database.clone(), clock.clone()).await?;
    let closing = state.closing().clone();
    let events = tokio::spawn(events::run(state.hub().clone(), options, clock, config.events));
    tokio::spawn(stop_on_signal(closing.clone())?);

    let address = listener.local_addr()?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serving");
    welcome::print(address.port(), config);
    let router = app(state, &config.http);
    server::serve(listener, router, closing, &config.http).await;
    events.await?;
    database.close().await;
    tracing::info!("stopped");
    Ok(())
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

/// Begins the stop on SIGTERM or Ctrl-C.
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
    })
}
