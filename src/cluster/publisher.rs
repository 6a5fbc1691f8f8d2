//! Announces the commits of this instance: "store S is at seq N, access version A, menu version M". Announcements are
//! collected for a few milliseconds and sent as one `NOTIFY`, outside the transactions of requests: inside, `NOTIFY` holds
//! a lock on the whole database until the commit is flushed.

use std::time::Duration;

use scoped_futures::ScopedFutureExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Cluster, message};
use crate::repositories::event;

/// The `NOTIFY` channel.
pub(super) const CHANNEL: &str = "tableorder_events";

/// How long positions are collected before they are sent.
const COLLECT_INTERVAL: Duration = Duration::from_millis(3);

/// The interval of pings, by which every listener checks that its connection works.
const PING_INTERVAL: Duration = Duration::from_secs(3);

/// Time limit for one announcement.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// Announces positions until `stop` is cancelled, and then the last ones.
pub(super) async fn run(cluster: &Cluster, stop: &CancellationToken) {
    let pending = &cluster.0.to_announce;
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = pending.changed() => sleep(COLLECT_INTERVAL).await,
            () = sleep(PING_INTERVAL) => {}
        }
        for payload in message::encode(pending.take()) {
            let sent = cluster.0.database.write(|conn| event::notify(conn, CHANNEL, &payload).scope_boxed());
            if !matches!(timeout(SEND_TIMEOUT, sent).await, Ok(Ok(()))) {
                tracing::debug!("an announcement failed; the other instances will poll the change");
            }
        }
    }
}
