//! Deletes old rows in the background, in small batches, so that no other statement waits for long.

use std::time::Duration;

use crate::error::Result;

/// The interval at which old rows are deleted.
const INTERVAL: Duration = Duration::from_hours(1);

/// The largest number of rows that one statement deletes.
pub const BATCH: i64 = 1_000;

/// The pause between two batches, in which other statements can run.
const PAUSE: Duration = Duration::from_millis(20);

/// Deletes old rows now and every hour; never returns. `delete` returns the number of deleted rows; `rows` is their name
/// in the log.
pub async fn run<F: Future<Output = Result<u64>>>(rows: &str, mut delete: impl FnMut() -> F) {
    loop {
        match delete().await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "deleted old {rows}"),
            Err(error) => {
                tracing::warn!(%error, cause = error.cause, "old {rows} could not be deleted; trying again in an hour");
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Deletes batches until one is not full. Returns the number of deleted rows.
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
