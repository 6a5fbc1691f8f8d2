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

/// What a stream waits for.
#[derive(Debug)]
pub(in crate::events) enum Next {
    /// The next event; `Lagged` when some were missed and must be read from the table.
    Event(Result<Arc<LiveEvent>, broadcast::error::RecvError>),
    /// A token of the store may have been revoked. Returned once at the beginning, too: it may have been revoked between
    /// its check and the subscription.
    Access,
    /// The stream is closed: the server stops, or its login opened another one.
    Closed,
    /// The deadline passed.
    Deadline,
}

/// One of the streams that may be open.
#[derive(Debug)]
pub(super) struct Place {
    hub: Hub,
    store: StoreId,
    pub(super) channel: Arc<StoreChannel>,
    /// Taken out on drop, before the channel's subscribers are counted.
    pub(super) receiver: Option<broadcast::Receiver<Arc<LiveEvent>>>,
    access: watch::Receiver<i64>,
    id: u64,
    closed: CancellationToken,
}

impl Place {
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

impl Drop for Place {
    fn drop(&mut self) {
        self.receiver = None;
        lock(&self.channel.streams).remove(self.id);
        self.hub.0.open_streams.fetch_sub(1, Ordering::Relaxed);
        let mut channels = lock(&self.hub.0.channels);
        // The store may have another channel by now, made after the last subscriber of this one had left.
        let is_current = channels.get(&self.store).is_some_and(|channel| Arc::ptr_eq(channel, &self.channel));
        if is_current && self.channel.subscribers() == 0 {
            channels.remove(&self.store);
        }
    }
}

/// A subscription to the events of a store.
#[derive(Debug)]
pub struct Subscription {
    pub(super) place: Place,
    /// The end of the store's events, read after the subscription began.
    pub head: StreamHead,
}

impl Subscription {
    /// Waits for whatever comes first. A token that may have been revoked comes before the next event.
    pub(in crate::events) async fn next(&mut self, deadline: Instant) -> Next {
        let Place { receiver: Some(receiver), access, closed, .. } = &mut self.place else { return Next::Closed };
        tokio::select! {
            biased;
            () = closed.cancelled() => Next::Closed,
            // The change stays marked until `has_access_changed` is called.
            Ok(()) = wait_for_change(access) => Next::Access,
            () = tokio::time::sleep_until(deadline) => Next::Deadline,
            event = receiver.recv() => Next::Event(event),
        }
    }

    /// Why the stream is closed, if it is.
    pub(in crate::events) fn closed(&self) -> Option<&'static str> {
        let Place { hub, closed, .. } = &self.place;
        match (closed.is_cancelled(), hub.0.closing.is_cancelled()) {
            (true, true) => Some("the server is stopping"),
            (true, false) => Some("its login has opened another one"),
            (false, _) => None,
        }
    }

    /// Whether a token of the store may have been revoked since the last call.
    pub(in crate::events) fn has_access_changed(&mut self) -> bool {
        let access = &mut self.place.access;
        let changed = access.has_changed().unwrap_or(false);
        if changed {
            // A change between the two lines is covered by the check that follows; one after a `false` must stay marked.
            access.mark_unchanged();
        }
        changed
    }

    /// The seq up to which the channel has sent every event.
    pub(in crate::events) fn sent(&self) -> i64 {
        self.place.channel.sent().unwrap_or(self.head.event_seq)
    }

    pub(in crate::events) fn metrics(&self) -> &EventMetrics {
        &self.place.hub.0.metrics
    }

    /// A page of the store's events after `seq`, from the table, to be put on the stream.
    pub(in crate::events) async fn read_after(&self, seq: i64, limit: i64) -> Result<Vec<Event>> {
        let Place { hub, store, .. } = &self.place;
        let read = hub.0.database.read(|conn| event::after(conn, *store, seq, limit).scope_boxed());
        // Boxed: every open stream would have the size of this future.
        let events = Box::pin(read).await?;
        for event in &events {
            hub.observe(*store, event);
        }
        Ok(events)
    }

    /// The store's cursor for `scope`, at `seq`.
    pub(in crate::events) fn cursor(&self, scope: Scope, seq: i64) -> Cursor {
        self.place.hub.cursor(self.place.store, scope, seq)
    }
}

/// Completes when the value has changed, and leaves it marked as changed.
async fn wait_for_change(access: &mut watch::Receiver<i64>) -> std::result::Result<(), watch::error::RecvError> {
    access.changed().await?;
    access.mark_changed();
    Ok(())
}
