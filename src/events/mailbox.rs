//! Where one task leaves positions for another: many puts become one look.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::models::StoreId;
use crate::repositories::event::Position;

/// The newest position of each store that somebody should look at.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    positions: Mutex<HashMap<StoreId, Position>>,
    bell: Notify,
}

impl Mailbox {
    /// Leaves a position, unless a newer one lies there.
    pub(super) fn put(&self, position: Position) {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions
            .entry(position.store_id)
            .and_modify(|known| {
                known.event_seq = known.event_seq.max(position.event_seq);
                known.access_version = known.access_version.max(position.access_version);
                known.menu_version = known.menu_version.max(position.menu_version);
            })
            .or_insert(position);
        drop(positions);
        self.bell.notify_one();
    }

    /// Completes once something was put since the last time.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Takes everything that lies there.
    pub(super) fn take(&self) -> Vec<Position> {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions.drain().map(|(_, position)| position).collect()
    }
}
