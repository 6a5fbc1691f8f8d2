//! Receives the announcements of all instances, including this one.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::publisher::CHANNEL;
use super::{Cluster, message};
use crate::events::Hub;

/// The name of the listener's connection in `pg_stat_activity`.
pub const LISTENER_NAME: &str = "tableorder-listener";

/// A connection without any notification for this time is dead, because this instance's own ping arrives every 3 s.
const SILENCE: Duration = Duration::from_secs(8);

/// The pause before a lost connection is opened again.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(500);

/// Time limit for opening the connection.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);

/// Listens until `stop` is cancelled. Opens a lost connection again, and then polls for the missed announcements.
pub(super) async fn run(cluster: &Cluster, hub: &Hub, options: PgConnectOptions, stop: &CancellationToken) {
    let options = options.application_name(LISTENER_NAME);
    let listen = async {
        loop {
            let error = listen(cluster, hub, &options).await;
            cluster.0.is_listening.store(false, Ordering::Relaxed);
            tracing::warn!(error, "the listener lost its connection; reconnecting");
            sleep(RECONNECT_INTERVAL).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = listen => {}
    }
}

/// Listens until the connection fails, and returns the cause.
async fn listen(cluster: &Cluster, hub: &Hub, options: &PgConnectOptions) -> String {
    // A new pool for each attempt: a connection that is dead but not closed would occupy the only slot of the old pool.
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(OPEN_TIMEOUT).connect_lazy_with(options.clone());
    let open = async {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    let mut listener = match timeout(OPEN_TIMEOUT, open).await {
        Ok(Ok(listener)) => listener,
        Ok(Err(error)) => return error.to_string(),
        Err(_) => return "PostgreSQL does not answer".to_owned(),
    };
    cluster.0.is_listening.store(true, Ordering::Relaxed);
    cluster.0.poll_now.notify_one();
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                for position in message::decode(notification.payload()) {
                    cluster.position_announced(hub, position);
                }
            }
            Ok(Ok(None)) => return "the connection was closed".to_owned(),
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return "no notification arrived, not even this instance's ping".to_owned(),
        }
    }
}
