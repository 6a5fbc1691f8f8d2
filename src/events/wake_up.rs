//! Wake-ups between instances: "store S is at seq N", gathered for a few milliseconds and sent as one
//! `NOTIFY`, outside every request's transaction. (Inside, it would take one lock for the whole database
//! until the commit is flushed.) They are hints: one that is lost delays an event until the next poll.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use super::Hub;
use crate::models::StoreId;
use crate::repositories::event::{self, Position};

/// The channel instances talk on.
const CHANNEL: &str = "tableorder_events";

/// What the listener's connection is called, so that an operator can tell it from the others.
pub const LISTENER_NAME: &str = "tableorder-listener";

/// How long commits are gathered before they are announced together.
const GATHER: Duration = Duration::from_millis(3);

/// The longest payload, in bytes; PostgreSQL takes less than 8000.
const MAX_PAYLOAD: usize = 7_900;

/// How often an instance says that it is there, which is also how each hears itself.
const PING_INTERVAL: Duration = Duration::from_secs(3);

/// A listener that has heard nothing for so long, not even itself, is on a dead connection.
const SILENCE: Duration = Duration::from_secs(8);

/// How long to wait before a failed listener is opened again.
const REOPEN: Duration = Duration::from_millis(500);

/// How long opening a connection or sending a notification may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Announces what this instance committed, until the server stops.
pub(super) async fn announce(hub: &Hub) {
    loop {
        tokio::select! {
            () = hub.closing() => return,
            () = hub.outbox().rung() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(PING_INTERVAL) => {}
        }
        for payload in payloads(&hub.outbox().take()) {
            let sent = tokio::time::timeout(PATIENCE, send(hub, &payload)).await;
            if !matches!(sent, Ok(Ok(()))) {
                tracing::debug!("a wake-up could not be sent; the other instances find out by polling");
            }
        }
    }
}

async fn send(hub: &Hub, payload: &str) -> crate::error::Result<()> {
    event::notify(hub.database().acquire().await?.conn(), CHANNEL, payload).await
}

/// Listens to the announcements of all instances, until the server stops. A lost connection is opened again,
/// and whatever was said meanwhile is found by a poll.
pub(super) async fn listen(hub: &Hub, options: PgConnectOptions) {
    let options = options.application_name(LISTENER_NAME);
    loop {
        tokio::select! {
            () = hub.closing() => return,
            error = listen_once(hub, &options) => {
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
        Ok::<_, sqlx::Error>(listener)
    };
    let mut listener = match tokio::time::timeout(PATIENCE, open).await {
        Ok(Ok(listener)) => listener,
        Ok(Err(error)) => return error.to_string(),
        Err(_) => return "PostgreSQL does not answer".to_owned(),
    };
    // Whatever was said before this moment was not heard.
    hub.poll_now();
    loop {
        match tokio::time::timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => positions(notification.payload()).for_each(|position| hub.want(position)),
            Ok(Ok(None)) => return "the connection was closed".to_owned(),
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return "it has been silent for too long".to_owned(),
        }
    }
}

/// `store:seq:access` for each position, as many to a payload as fit; an empty payload is a ping.
fn payloads(positions: &[Position]) -> Vec<String> {
    let mut payloads = vec![String::new()];
    for Position { store_id, event_seq, access_version } in positions {
        let entry = format!("{store_id}:{event_seq}:{access_version}");
        match payloads.last_mut() {
            Some(last) if last.is_empty() => last.push_str(&entry),
            Some(last) if last.len() + 1 + entry.len() <= MAX_PAYLOAD => {
                last.push(',');
                last.push_str(&entry);
            }
            _ => payloads.push(entry),
        }
    }
    payloads
}

/// The positions of a payload; what another version may add is passed over.
fn positions(payload: &str) -> impl Iterator<Item = Position> {
    payload.split(',').filter_map(|entry| {
        let mut numbers = entry.split(':').map(str::parse);
        Some(Position {
            store_id: StoreId(numbers.next()?.ok()?),
            event_seq: numbers.next()?.ok()?,
            access_version: numbers.next()?.ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_the_wire_in_payloads_that_postgresql_takes() {
        let sent: Vec<Position> = (1..=5_000)
            .map(|store| Position { store_id: StoreId(store), event_seq: i64::MAX - store, access_version: store })
            .collect();
        let payloads = payloads(&sent);
        assert!(payloads.iter().all(|payload| payload.len() < 8_000) && payloads.len() > 1);
        let received: Vec<Position> = payloads.iter().flat_map(|payload| positions(payload)).collect();
        assert_eq!(received, sent);
        assert_eq!(super::payloads(&[]), [""], "nothing to say is a ping");
        assert_eq!(positions("").count() + positions("x:1,2:y:3").count(), 0);
    }
}
