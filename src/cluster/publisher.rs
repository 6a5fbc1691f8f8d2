//! Announces what this instance committed: "store S is at seq N, access version A, menu version M", gathered for a few
//! milliseconds and sent as one `NOTIFY`, outside the transactions of requests. (Inside, it would take a lock of the
//! whole database until the commit is flushed.)

use std::time::Duration;

use scoped_futures::ScopedFutureExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Cluster, message};
use crate::repositories::event;

/// The channel of the announcements.
pub(super) const CHANNEL: &str = "tableorder_events";

/// How long commits are gathered.
const GATHER: Duration = Duration::from_millis(3);

/// How often an instance announces nothing, so that every listener knows that its connection works.
const PING_INTERVAL: Duration = Duration::from_secs(3);

/// How long one announcement may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// Announces until `stop`, and then the last ones.
pub(super) async fn run(cluster: &Cluster, stop: &CancellationToken) {
    let pending = &cluster.0.to_announce;
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = pending.changed() => sleep(GATHER).await,
            () = sleep(PING_INTERVAL) => {}
        }
        for payload in message::encode(pending.take()) {
            let sent = cluster.0.database.write(|conn| event::notify(conn, CHANNEL, &payload).scope_boxed());
            if !matches!(timeout(SEND_TIMEOUT, sent).await, Ok(Ok(()))) {
                tracing::debug!("an announcement failed; the other instances find the change by polling");
            }
        }
    }
}
