//! The poll: once a second it finds out what the wake-ups should have told, and whether the database is still the one
//! it was.

use std::time::Duration;

use scoped_futures::ScopedFutureExt;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Hub, OtherEpoch};
use crate::error::{AppError, ErrorCode, Result};
use crate::repositories::event;

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long one look may take before it is given up and tried again.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Polls until the server stops.
///
/// # Errors
/// When the database is no longer the one that the server knows.
pub(super) async fn run(hub: &Hub) -> Result<(), OtherEpoch> {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = hub.closing() => return Ok(()),
            _ = tick.tick() => {}
            () = hub.asked_to_poll() => {}
        }
        let look = tokio::time::timeout(TIMEOUT, look(hub)).await;
        let elapsed = |error| Err(AppError::caused_by(ErrorCode::ServiceUnavailable, error));
        match look.unwrap_or_else(elapsed) {
            Ok(epoch) if epoch == hub.deployment() => {}
            Ok(_) => return Err(OtherEpoch),
            Err(error) => {
                tracing::warn!(%error, cause = error.cause, "the stores could not be polled; trying again");
            }
        }
    }
}

/// The deployment's epoch as it is now. Read last: what was confirmed before an epoch that is still the same one is
/// of that epoch.
async fn look(hub: &Hub) -> Result<Uuid> {
    let stores = hub.stores();
    if !stores.is_empty() {
        let asked_at = Instant::now();
        for position in hub.positions(&stores).await? {
            hub.confirm(position, asked_at);
        }
    }
    hub.database().read(|conn| event::epoch(conn).scope_boxed()).await
}
