//! The poll: one statement a second that finds out what the wake-ups should have told.

use std::time::Duration;

use tokio::time::Instant;

use super::Hub;
use crate::error::{AppError, ErrorCode, Result};

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long one look may take before it is given up and tried again.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Polls until the server stops.
pub(super) async fn run(hub: &Hub) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = hub.closing() => return,
            _ = tick.tick() => {}
            () = hub.asked_to_poll() => {}
        }
        let look = hub.database().while_there(Box::pin(look(hub)));
        let look = tokio::time::timeout(TIMEOUT, look).await.map(Result::flatten);
        let elapsed = |error| Err(AppError::caused_by(ErrorCode::ServiceUnavailable, error));
        if let Err(error) = look.unwrap_or_else(elapsed) {
            tracing::warn!(%error, cause = error.cause, "the stores could not be polled; trying again");
        }
    }
}

async fn look(hub: &Hub) -> Result<()> {
    let stores = hub.stores();
    if stores.is_empty() {
        return Ok(());
    }
    let asked_at = Instant::now();
    for position in hub.positions(&stores).await? {
        hub.confirm(position, asked_at);
    }
    Ok(())
}
