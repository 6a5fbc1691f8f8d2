//! Events are kept for some days, so that a client can be away that long; then they are pruned.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use scoped_futures::ScopedFutureExt;

use crate::clock::Clock;
use crate::database::Database;
use crate::error::{AppError, Result};
use crate::models::StoreId;
use crate::repositories::{event, store};

/// How often old events are looked for.
const INTERVAL: Duration = Duration::from_hours(1);

/// Events deleted at a time.
const BATCH: i64 = 1_000;

/// A rest between two batches, for everybody else.
const REST: Duration = Duration::from_millis(20);

/// Prunes now and every hour; it does not end.
pub async fn run(database: &Database, clock: &Clock, kept: Duration) {
    loop {
        match prune(database, clock.now(), kept).await {
            Ok(0) => {}
            Ok(pruned) => tracing::info!(pruned, "old events were pruned"),
            Err(error) => tracing::warn!(%error, cause = error.cause, "old events could not be pruned; trying again"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Prunes every store's events older than `kept`, and says how many there were.
pub async fn prune(database: &Database, now: DateTime<Utc>, kept: Duration) -> Result<u64> {
    let kept = TimeDelta::from_std(kept).map_err(AppError::internal)?;
    let (before, ahead) = (now - kept, now + kept);
    let stores = database.read(|conn| store::ids(conn).scope_boxed()).await?;
    let mut pruned = 0;
    for store in stores {
        while let Some(batch) = prune_batch(database, store, before, ahead).await? {
            pruned += batch;
            tokio::time::sleep(REST).await;
        }
    }
    Ok(pruned)
}

/// Marks the events as pruned, in a statement of its own, before it deletes them: a stream that resumes in between is
/// reset instead of missing some, and no order waits for a deletion.
async fn prune_batch(
    database: &Database,
    store: StoreId,
    before: DateTime<Utc>,
    ahead: DateTime<Utc>,
) -> Result<Option<u64>> {
    let last = database.read(|conn| event::last_expired(conn, store, before, ahead, BATCH).scope_boxed()).await?;
    let Some(last) = last else { return Ok(None) };
    database.write(|conn| event::mark_pruned(conn, store, last).scope_boxed()).await?;
    database.write(|conn| event::delete_up_to(conn, store, last).scope_boxed()).await.map(Some)
}
