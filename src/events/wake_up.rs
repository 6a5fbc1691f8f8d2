//! Wake-ups between instances: "store S is at seq N", gathered for a few milliseconds and sent as one
//! `NOTIFY`, outside every request's transaction. (Inside, it would take one lock for the whole database
//! until the commit is flushed.) They are hints: one that is lost delays an event until the next poll.

use std::time::Duration;

use scoped_futures::ScopedFutureExt;
use sqlx::Acquire;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use super::Hub;
use super::word::{Word, payloads, words};
use crate::repositories::event;

/// The channel instances talk on.
const CHANNEL: &str = "tableorder_events";

/// What the listener's connection is called, so that an operator can tell it from the others.
pub const LISTENER_NAME: &str = "tableorder-listener";

/// How long commits are gathered before they are announced together.
const GATHER: Duration = Duration::from_millis(3);

/// How often an instance says that it is there, which is also how each hears itself.
const PING_INTERVAL: Duration = Duration::from_secs(3);

/// A listener that has heard nothing for so long, not even itself, is on a dead connection.
const SILENCE: Duration = Duration::from_secs(8);

/// How long to wait before a failed listener is opened again.
const REOPEN: Duration = Duration::from_millis(500);

/// How long opening a connection or sending a notification may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Announces what this instance committed and what it has heard, until the server stops.
pub(super) async fn announce(hub: &Hub) {
    loop {
        tokio::select! {
            () = hub.closing() => return,
            () = hub.outbox().rung() => tokio::time::sleep(GATHER).await,
            // Somebody waits for it.
            () = hub.telling().rung() => {}
            () = tokio::time::sleep(PING_INTERVAL) => {}
        }
        let positions = hub.outbox().take().into_iter().map(Word::At);
        let answers = hub.telling().take();
        for payload in payloads(positions.chain(answers)) {
            let sent = tokio::time::timeout(PATIENCE, send(hub, &payload)).await;
            if !matches!(sent, Ok(Ok(()))) {
                tracing::debug!("a wake-up could not be sent; the other instances find out by polling");
            }
        }
    }
}

async fn send(hub: &Hub, payload: &str) -> crate::error::Result<()> {
    hub.database().write(|conn| event::notify(conn, CHANNEL, payload).scope_boxed()).await
}

/// Listens to the announcements of all instances, until the server stops. A lost connection is opened again,
/// and whatever was said meanwhile is found by a poll.
pub(super) async fn listen(hub: &Hub, options: PgConnectOptions) {
    let options = options.application_name(LISTENER_NAME);
    loop {
        tokio::select! {
            () = hub.closing() => return,
            error = listen_once(hub, &options) => {
                hub.not_listening();
                tracing::warn!(error, "the listener lost its connection; opening it again");
            }
        }
        tokio::time::sleep(REOPEN).await;
    }
}

/// Listens until the connection fails, and says how.
async fn listen_once(hub: &Hub, options: &PgConnectOptions) -> String {
    // A pool of its own for each try: a connection that is dead but not closed would keep the only place.
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).connect_lazy_with(options.clone());
    let open = async {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        let process = event::own_process(listener.acquire().await?).await?;
        Ok::<_, crate::error::AppError>((listener, process))
    };
    let (mut listener, process) = match tokio::time::timeout(PATIENCE, open).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return error.cause.map_or_else(|| error.code.to_string(), |cause| cause.to_string()),
        Err(_) => return "PostgreSQL does not answer".to_owned(),
    };
    hub.listening(process);
    loop {
        match tokio::time::timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => words(notification.payload()).for_each(|word| hub.heard(word)),
            Ok(Ok(None)) => return "the connection was closed".to_owned(),
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return "it has been silent for too long".to_owned(),
        }
    }
}
