//! Deletes old rows in the background, in small batches, so that no other statement waits for long.

use std::time::Duration;

use crate::error::Result;

/// How often old rows are searched for.
const INTERVAL: Duration = Duration::from_hours(1);

/// How many rows one statement deletes at most.
pub const BATCH: i64 = 1_000;

/// The pause between two batches, for other statements.
const PAUSE: Duration = Duration::from_millis(20);

/// Deletes old rows now and every hour, without end; `delete` returns how many there were. `rows` is their name in the
/// log.
pub async fn run<F: Future<Output = Result<u64>>>(rows: &str, mut delete: impl FnMut() -> F) {
    loop {
        match delete().await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "old {rows} were deleted"),
            Err(error) => tracing::warn!(%error, cause = error.cause, "old {rows} could not be deleted; trying again"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Deletes batch after batch until one is not full, and returns how many rows there were.
pub async fn in_batches<F: Future<Output = Result<u64>>>(mut delete_batch: impl FnMut() -> F) -> Result<u64> {
    let mut deleted = 0;
    loop {
        let batch = delete_batch().await?;
        deleted += batch;
        if batch < BATCH.unsigned_abs() {
            return Ok(deleted);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
