//! Reads once a second the positions of the stores that this instance serves, and checks that the database still has
//! everything that this instance has seen in it.

use std::collections::HashMap;
use std::time::Duration;

use scoped_futures::ScopedFutureExt;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Cluster;
use crate::error::{AppError, ErrorCode, Result};
use crate::events::Hub;
use crate::models::{StoreId, StorePosition};
use crate::repositories::event;

const INTERVAL: Duration = Duration::from_secs(1);

/// Time limit for one poll.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The database was restored, or recovered to an earlier time, while the server ran, or a failover led to a replica that
/// lacks the last commits. The server's caches and the sent events do not match the database any more: numbers of events
/// and menu versions are used a second time.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database was restored or recovered while this server ran, or a failover lost its last changes; \
     restart the server"
)]
pub struct HistoryChanged;

/// Polls until `stop` is cancelled.
pub(super) async fn run(cluster: &Cluster, hub: &Hub, stop: &CancellationToken) -> Result<(), HistoryChanged> {
    let mut tick = interval(INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = tick.tick() => {}
            () = cluster.0.poll_now.notified() => {}
        }
        let polled = timeout(TIMEOUT, poll(cluster, hub)).await;
        match polled.unwrap_or_else(|elapsed| Err(AppError::caused_by(ErrorCode::ServiceUnavailable, elapsed))) {
            Ok(Some(epoch)) if epoch == hub.epoch() => {}
            Ok(_) => return Err(HistoryChanged),
            Err(error) => {
                tracing::warn!(%error, cause = error.cause, "the positions of the stores could not be polled; trying again");
            }
        }
    }
}

/// Polls once, and returns the epoch of the database, or `None` if a store is at an earlier position than this instance has
/// seen. The epoch is read last: if it has not changed, the positions read before belong to it.
async fn poll(cluster: &Cluster, hub: &Hub) -> Result<Option<Uuid>> {
    let cached = cluster.0.versions.entries();
    let sent = hub.sent_seqs();
    let mut stores: Vec<StoreId> = cached.keys().chain(sent.keys()).copied().collect();
    stores.sort_unstable();
    stores.dedup();
    if !stores.is_empty() {
        let asked_at = Instant::now();
        // Both were committed before the query, so it must find them.
        let seen = stores.iter().map(|store| {
            let menu_version = cached.get(store).map_or(0, |cached| cached.versions().menu);
            (*store, (sent.get(store).copied().unwrap_or(0), menu_version))
        });
        let seen: HashMap<StoreId, (i64, i64)> = seen.collect();
        let read = cluster.0.database.read(|conn| event::positions(conn, &stores).scope_boxed());
        let positions = read.await?;
        // The tokens of a removed store are invalid: its streams and cached tokens must be checked again.
        let is_gone = |store: &StoreId| !positions.iter().any(|position| position.store_id == *store);
        for store in stores.iter().copied().filter(is_gone) {
            cluster.position_announced(hub, StorePosition { access_version: i64::MAX, ..StorePosition::zero(store) });
        }
        let is_earlier = |position: &StorePosition| {
            let (event_seq, menu_version) = seen.get(&position.store_id).copied().unwrap_or_default();
            position.event_seq < event_seq || position.menu_version < menu_version
        };
        if positions.iter().any(is_earlier) {
            return Ok(None);
        }
        for position in positions {
            if let Some(cached) = cached.get(&position.store_id) {
                cluster.0.versions.confirm(cached, &position, asked_at);
            }
            hub.position_moved(position);
        }
    }
    cluster.0.database.read(|conn| event::epoch(conn).scope_boxed()).await.map(Some)
}
