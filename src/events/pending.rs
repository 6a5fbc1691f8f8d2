//! A set of positions that one task adds and another task takes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::models::{StoreId, StorePosition};

/// The newest position of each store that is waiting for a task. Several positions of a store are merged into one.
#[derive(Debug, Default)]
pub struct PendingPositions {
    positions: Mutex<HashMap<StoreId, StorePosition>>,
    changed: Notify,
}

impl PendingPositions {
    /// Adds a position.
    pub fn put(&self, position: StorePosition) {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = positions.entry(position.store_id).or_insert(position);
        pending.event_seq = pending.event_seq.max(position.event_seq);
        pending.access_version = pending.access_version.max(position.access_version);
        pending.menu_version = pending.menu_version.max(position.menu_version);
        drop(positions);
        self.changed.notify_one();
    }

    /// Completes when a position was added since the last call.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes all positions.
    pub fn take(&self) -> Vec<StorePosition> {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions.drain().map(|(_, position)| position).collect()
    }
}
