//! A stream's subscription to the channel of its store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use scoped_futures::ScopedFutureExt;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Hub;
use super::store_channel::{LiveEvent, StoreChannel, lock};
use crate::error::Result;
use crate::events::cursor::{Cursor, Scope};
use crate::events::metrics::EventMetrics;
use crate::models::{Event, StoreId, StreamHead};
use crate::repositories::event;

/// The next thing that happens to a stream.
#[derive(Debug)]
pub(in crate::events) enum Next {
    /// The next event; `Lagged` if some were missed and must be read from the table.
    Event(Result<Arc<LiveEvent>, broadcast::error::RecvError>),
    /// A token of the store may have been revoked. It is also returned once at the beginning, because the token may have
    /// been revoked between its check and the subscription.
    Access,
    /// The stream is closed, because the server stops or the same login opened another stream.
    Closed,
    /// The deadline passed.
    Deadline,
}

/// The slot of one open stream. Dropping it frees the slot.
#[derive(Debug)]
pub(super) struct StreamSlot {
    hub: Hub,
    store: StoreId,
    pub(super) channel: Arc<StoreChannel>,
    /// Dropped first in `drop`, before the channel's subscribers are counted.
    pub(super) receiver: Option<broadcast::Receiver<Arc<LiveEvent>>>,
    access: watch::Receiver<i64>,
    id: u64,
    closed: CancellationToken,
}

impl StreamSlot {
    pub(super) fn new(
        hub: Hub,
        store: StoreId,
        channel: Arc<StoreChannel>,
        id: u64,
        closed: CancellationToken,
    ) -> Self {
        let (receiver, mut access) = channel.subscribe();
        // See `Next::Access`.
        access.mark_changed();
        Self { hub, store, channel, receiver: Some(receiver), access, id, closed }
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        self.receiver = None;
        lock(&self.channel.streams).remove(self.id);
        self.hub.0.open_streams.fetch_sub(1, Ordering::Relaxed);
        let mut channels = lock(&self.hub.0.channels);
        // The store may already have a new channel, created after the last subscriber of this one left.
        let is_current = channels.get(&self.store).is_some_and(|channel| Arc::ptr_eq(channel, &self.channel));
        if is_current && self.channel.subscribers() == 0 {
            channels.remove(&self.store);
        }
    }
}

/// A subscription to the events of a store.
#[derive(Debug)]
pub struct Subscription {
    pub(super) slot: StreamSlot,
    /// The end of the store's events, read after the subscription began.
    pub head: StreamHead,
}

impl Subscription {
    /// Waits for the next thing that happens. A possible revocation has priority over the next event.
    pub(in crate::events) async fn next(&mut self, deadline: Instant) -> Next {
        let StreamSlot { receiver: Some(receiver), access, closed, .. } = &mut self.slot else { return Next::Closed };
        tokio::select! {
            biased;
            () = closed.cancelled() => Next::Closed,
            // The change stays marked until `has_access_changed` is called.
            Ok(()) = wait_for_change(access) => Next::Access,
            () = tokio::time::sleep_until(deadline) => Next::Deadline,
            event = receiver.recv() => Next::Event(event),
        }
    }

    /// The reason why the stream is closed; `None` while it is open.
    pub(in crate::events) fn closed(&self) -> Option<&'static str> {
        let StreamSlot { hub, closed, .. } = &self.slot;
        match (closed.is_cancelled(), hub.0.closing.is_cancelled()) {
            (true, true) => Some("the server is stopping"),
            (true, false) => Some("the same login opened another stream"),
            (false, _) => None,
        }
    }

    /// Whether a token of the store may have been revoked since the last call.
    pub(in crate::events) fn has_access_changed(&mut self) -> bool {
        let access = &mut self.slot.access;
        let changed = access.has_changed().unwrap_or(false);
        if changed {
            // The caller checks the token next, which covers a change between the two lines. After `false`, a change must
            // stay marked.
            access.mark_unchanged();
        }
        changed
    }

    /// The seq up to which the channel has sent every event.
    pub(in crate::events) fn sent_seq(&self) -> i64 {
        self.slot.channel.sent_seq().unwrap_or(self.head.event_seq)
    }

    pub(in crate::events) fn metrics(&self) -> &EventMetrics {
        &self.slot.hub.0.metrics
    }

    /// Reads a page of the store's events after `seq` from the table, to be sent on the stream.
    pub(in crate::events) async fn read_after(&self, seq: i64, limit: i64) -> Result<Vec<Event>> {
        let StreamSlot { hub, store, .. } = &self.slot;
        let read = hub.0.database.read(|conn| event::after(conn, *store, seq, limit).scope_boxed());
        // Boxed, because otherwise every open stream would contain this large future.
        let events = Box::pin(read).await?;
        for event in &events {
            hub.observe(*store, event);
        }
        Ok(events)
    }

    /// The store's cursor for `scope`, at `seq`.
    pub(in crate::events) fn cursor(&self, scope: Scope, seq: i64) -> Cursor {
        self.slot.hub.cursor(self.slot.store, scope, seq)
    }
}

/// Completes when the value has changed, and leaves it marked as changed.
async fn wait_for_change(access: &mut watch::Receiver<i64>) -> std::result::Result<(), watch::error::RecvError> {
    access.changed().await?;
    access.mark_changed();
    Ok(())
}
