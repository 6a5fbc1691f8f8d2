//! Deletes old events. They are kept for some days, so that clients can resume their streams.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use scoped_futures::ScopedFutureExt;

use crate::clock::Clock;
use crate::database::{Database, retention};
use crate::error::{AppError, Result};
use crate::models::StoreId;
use crate::repositories::{event, store};

/// Deletes events older than `kept` now and every hour; never returns.
pub async fn run(database: &Database, clock: &Clock, kept: Duration) {
    retention::run("events", || prune(database, clock.now(), kept)).await;
}

/// Deletes all stores' events older than `kept`. Returns the number of deleted events.
pub async fn prune(database: &Database, now: DateTime<Utc>, kept: Duration) -> Result<u64> {
    let kept = TimeDelta::from_std(kept).map_err(AppError::internal)?;
    let (before, ahead) = (now - kept, now + kept);
    let stores = database.read(|conn| store::ids(conn).scope_boxed()).await?;
    let mut pruned = 0;
    for store in stores {
        pruned += retention::in_batches(|| prune_batch(database, store, before, ahead)).await?;
    }
    Ok(pruned)
}

/// Marks the events as pruned in a separate statement before it deletes them: a stream that resumes in between is reset
/// instead of missing events, and no order waits for the deletion.
async fn prune_batch(database: &Database, store: StoreId, before: DateTime<Utc>, ahead: DateTime<Utc>) -> Result<u64> {
    let expired = database.read(|conn| event::last_expired(conn, store, before, ahead, retention::BATCH).scope_boxed());
    let Some(last) = expired.await? else { return Ok(0) };
    database.write(|conn| event::mark_pruned(conn, store, last).scope_boxed()).await?;
    database.write(|conn| event::delete_up_to(conn, store, last).scope_boxed()).await
}
