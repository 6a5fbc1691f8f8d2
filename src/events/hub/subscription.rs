//! A stream's place at the hub.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use scoped_futures::ScopedFutureExt;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::Hub;
use super::feed::{Feed, LiveEvent, lock};
use crate::error::Result;
use crate::events::counts::EventCounts;
use crate::events::cursor::{Cursor, Scope};
use crate::models::{Event, StoreId};
use crate::repositories::event::{self, StreamHead};

/// What a stream waits for.
#[derive(Debug)]
pub(in crate::events) enum Next {
    /// The next event; `Lagged` when some were missed and must be read from the table.
    Event(Result<Arc<LiveEvent>, broadcast::error::RecvError>),
    /// A token of the store may have stopped counting. Said once at the beginning, too: it may have done so
    /// between its check and the subscription.
    Access,
    /// The server closes its streams.
    Closing,
    /// The deadline passed.
    Deadline,
}

/// A stream's place at a feed.
#[derive(Debug)]
pub struct Subscription {
    pub(super) hub: Hub,
    pub(super) store: StoreId,
    pub(super) feed: Arc<Feed>,
    /// Taken out on drop, before the feed's listeners are counted.
    pub(super) receiver: Option<broadcast::Receiver<Arc<LiveEvent>>>,
    pub(super) access: watch::Receiver<i64>,
    /// The head of the store's events, read after the subscription began.
    pub head: StreamHead,
}

impl Subscription {
    /// Waits for whatever comes first. A token that may have ended goes before the next event.
    pub(in crate::events) async fn next(&mut self, deadline: Instant) -> Next {
        let Some(receiver) = &mut self.receiver else { return Next::Closing };
        tokio::select! {
            biased;
            () = self.hub.0.closing.cancelled() => Next::Closing,
            // Only seen, not taken: whoever asks `has_access_changed` takes it.
            Ok(()) = wait_for_change(&mut self.access) => Next::Access,
            () = tokio::time::sleep_until(deadline) => Next::Deadline,
            event = receiver.recv() => Next::Event(event),
        }
    }

    /// Whether the server closes its streams.
    pub(in crate::events) fn is_closing(&self) -> bool {
        self.hub.0.closing.is_cancelled()
    }

    /// Whether a token of the store may have stopped counting since the last time.
    pub(in crate::events) fn has_access_changed(&mut self) -> bool {
        let changed = self.access.has_changed().unwrap_or(false);
        if changed {
            // One more change between the two lines is covered by the look that follows; one after a `false`
            // must stay marked.
            self.access.mark_unchanged();
        }
        changed
    }

    /// The seq up to which the feed has sent everything.
    pub(in crate::events) fn sent(&self) -> i64 {
        self.feed.sent().unwrap_or(self.head.event_seq)
    }

    pub(in crate::events) fn counts(&self) -> &EventCounts {
        &self.hub.0.counts
    }

    /// A page of the store's events after `seq`, from the table.
    pub(in crate::events) async fn read_after(&self, seq: i64, limit: i64) -> Result<Vec<Event>> {
        let read = self.hub.0.database.read(|conn| event::after(conn, self.store, seq, limit).scope_boxed());
        // Boxed: unboxed, it would take its space in every open stream.
        Box::pin(read).await
    }

    /// The store's cursor for `scope`, at `seq`.
    pub(in crate::events) fn cursor(&self, scope: Scope, seq: i64) -> Cursor {
        self.hub.cursor(self.store, scope, seq)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.receiver = None;
        self.hub.0.open_streams.fetch_sub(1, Ordering::Relaxed);
        let mut feeds = lock(&self.hub.0.feeds);
        // The store may have another feed by now, made after the last listener of this one had left.
        let is_current = feeds.get(&self.store).is_some_and(|feed| Arc::ptr_eq(feed, &self.feed));
        if is_current && self.feed.listeners() == 0 {
            feeds.remove(&self.store);
        }
    }
}

/// Completes when the value has changed, and leaves it marked as changed.
async fn wait_for_change(access: &mut watch::Receiver<i64>) -> std::result::Result<(), watch::error::RecvError> {
    access.changed().await?;
    access.mark_changed();
    Ok(())
}
