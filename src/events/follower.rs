//! The follower: one task an instance that reads from the table what the hub was not handed.

use std::time::Duration;

use super::Hub;
use crate::models::StoreId;

/// How often the heads of the stores somebody listens to are compared with what was sent.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long an event that came early waits for those before it: they are committed, and a moment away.
const PATIENCE: Duration = Duration::from_millis(10);

/// Events read at a time.
const PAGE: i64 = 500;

/// Follows the table until the server closes its streams.
pub async fn run(hub: Hub) {
    let mut tick = tokio::time::interval(POLL_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = hub.closing() => return,
            _ = tick.tick() => {}
            () = hub.gap() => tokio::time::sleep(PATIENCE).await,
        }
        let stores = hub.stores();
        if !stores.is_empty()
            && let Err(error) = follow(&hub, &stores).await
        {
            tracing::warn!(%error, cause = error.cause, "events could not be read; trying again");
        }
    }
}

async fn follow(hub: &Hub, stores: &[StoreId]) -> crate::error::Result<()> {
    for head in hub.heads(stores).await? {
        hub.catch_up(head, PAGE).await?;
    }
    Ok(())
}
