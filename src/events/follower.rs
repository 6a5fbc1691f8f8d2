//! The follower: one task an instance that reads from the table what the hub was not handed.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::Hub;
use crate::error::{AppError, ErrorCode, Result};
use crate::repositories::event::Position;

/// An event that came before its turn waits this long for those before it: they are committed, and a moment away.
const PATIENCE: Duration = Duration::from_millis(2);

/// How long one look at the table may take before it is given up; the next poll says again what is behind.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Events read at a time.
const PAGE: i64 = 500;

/// Stores read at a time.
const AT_ONCE: usize = 4;

/// Follows the table until the server stops.
pub(super) async fn run(hub: &Hub) {
    loop {
        tokio::select! {
            () = hub.closing() => return,
            () = hub.inbox().rung() => tokio::time::sleep(PATIENCE).await,
        }
        let look = tokio::time::timeout(LOOK_TIMEOUT, look(hub)).await;
        let elapsed = |error| Err(AppError::caused_by(ErrorCode::ServiceUnavailable, error));
        if let Err(error) = look.unwrap_or_else(elapsed) {
            tracing::warn!(%error, cause = error.cause, "events could not be read; trying again");
        }
    }
}

async fn look(hub: &Hub) -> Result<()> {
    let catch_up = |position: Position| async move { hub.catch_up(position, PAGE).await };
    let mut caught_up = stream::iter(hub.inbox().take()).map(catch_up).buffer_unordered(AT_ONCE);
    let mut failed = Ok(());
    while let Some(result) = caught_up.next().await {
        failed = failed.and(result);
    }
    failed
}
