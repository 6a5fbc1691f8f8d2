//! The hub: one feed a store that somebody listens to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Recorded;
use super::cursor::{Cursor, Scope};
use crate::database::Database;
use crate::error::Result;
use crate::models::{Event, StoreId};
use crate::repositories::event::{self, PolledHead, StreamHead};

/// Events a stream may be behind before it has to reread the table.
const FEED_CAPACITY: usize = 256;

/// An event on its way to the streams; its bytes are made once and shared.
#[derive(Debug)]
pub struct LiveEvent {
    /// The event.
    pub event: Event,
    staff_frame: OnceLock<Bytes>,
}

impl LiveEvent {
    pub(super) fn new(event: Event) -> Arc<Self> {
        Arc::new(Self { event, staff_frame: OnceLock::new() })
    }

    /// The event as it goes over the wire, on a stream of `scope` whose cursors look like `cursor`.
    pub(super) fn frame(&self, cursor: &Cursor, scope: Scope) -> Bytes {
        let make = || {
            let Event { seq, kind, data, .. } = &self.event;
            Bytes::from(format!("id: {}\nevent: {kind}\ndata: {data}\n\n", cursor.at(*seq)))
        };
        match scope {
            // Every dashboard of a store sees the same cursor.
            Scope::Staff => self.staff_frame.get_or_init(make).clone(),
            Scope::Session(_) => make(),
        }
    }
}

/// Hands events to streams. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    deployment: Uuid,
    feeds: Mutex<HashMap<StoreId, Arc<Feed>>>,
    /// Rung when a feed was handed an event that others must come before.
    gap: Notify,
    closing: CancellationToken,
}

/// A store's events, in seq order.
#[derive(Debug)]
struct Feed {
    sender: broadcast::Sender<Arc<LiveEvent>>,
    order: Mutex<Order>,
    /// The store's access version; when it moves, every stream looks whether its token still counts.
    access: watch::Sender<i64>,
}

#[derive(Debug, Default)]
struct Order {
    /// The seq up to which everything was sent; unknown until the first stream has read the head.
    sent: Option<i64>,
    /// Events that came before their turn.
    early: BTreeMap<i64, Arc<LiveEvent>>,
}

impl Feed {
    fn new() -> Self {
        Self { sender: broadcast::Sender::new(FEED_CAPACITY), order: Mutex::default(), access: watch::Sender::new(0) }
    }

    /// Takes an event in, and sends what is now in turn. `false` where others must come first.
    fn offer(&self, event: Arc<LiveEvent>) -> bool {
        let mut order = lock(&self.order);
        order.early.insert(event.event.seq, event);
        self.send_in_turn(&mut order)
    }

    /// A stream has read the head: from here on the order is known.
    fn start_at(&self, head: i64) {
        let mut order = lock(&self.order);
        if order.sent.is_none() {
            order.sent = Some(head);
            self.send_in_turn(&mut order);
        }
    }

    fn send_in_turn(&self, order: &mut Order) -> bool {
        let Some(mut sent) = order.sent else { return true };
        while let Some(entry) = order.early.first_entry() {
            let seq = *entry.key();
            if seq > sent + 1 {
                break;
            }
            let event = entry.remove();
            if seq == sent + 1 {
                sent = seq;
                // Nobody listening is no error.
                let _ = self.sender.send(event);
            }
        }
        order.sent = Some(sent);
        order.early.is_empty()
    }

    fn see_access(&self, version: i64) {
        self.access.send_if_modified(|seen| {
            let moved = version > *seen;
            *seen = version.max(*seen);
            moved
        });
    }

    fn sent(&self) -> Option<i64> {
        lock(&self.order).sent
    }
}

/// What a stream waits for.
#[derive(Debug)]
pub(super) enum Next {
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
    hub: Hub,
    store: StoreId,
    feed: Arc<Feed>,
    /// Taken out on drop, before the feed's listeners are counted.
    receiver: Option<broadcast::Receiver<Arc<LiveEvent>>>,
    access: watch::Receiver<i64>,
    /// The head of the store's events, read after the subscription began.
    pub head: StreamHead,
}

impl Subscription {
    /// Waits for whatever comes first. A token that may have ended goes before the next event.
    pub(super) async fn next(&mut self, deadline: Instant) -> Next {
        let Some(receiver) = &mut self.receiver else { return Next::Closing };
        tokio::select! {
            biased;
            () = self.hub.0.closing.cancelled() => Next::Closing,
            Ok(()) = self.access.changed() => Next::Access,
            event = receiver.recv() => Next::Event(event),
            () = tokio::time::sleep_until(deadline) => Next::Deadline,
        }
    }

    /// The seq up to which the feed has sent everything.
    pub(super) fn sent(&self) -> i64 {
        self.feed.sent().unwrap_or(self.head.event_seq)
    }

    /// A page of the store's events after `seq`, from the table.
    pub(super) async fn read_after(&self, seq: i64, limit: i64) -> Result<Vec<Event>> {
        let mut connection = self.hub.0.database.acquire().await?;
        event::after(connection.conn(), self.store, seq, limit).await
    }

    /// The store's cursor for `scope`, at `seq`.
    pub(super) fn cursor(&self, scope: Scope, seq: i64) -> Cursor {
        self.hub.cursor(self.store, scope, seq)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.receiver = None;
        let mut feeds = lock(&self.hub.0.feeds);
        if self.feed.sender.receiver_count() == 0 {
            feeds.remove(&self.store);
        }
    }
}

impl Hub {
    /// A hub for the deployment whose epoch is `deployment`. Streams are broken off once `closing` is cancelled.
    #[must_use]
    pub fn new(database: Database, deployment: Uuid, closing: CancellationToken) -> Self {
        Self(Arc::new(Inner { database, deployment, feeds: Mutex::default(), gap: Notify::new(), closing }))
    }

    /// Hands a committed event to the store's streams. Never fails and never waits: it is in the table already.
    pub fn publish(&self, recorded: Recorded) {
        let Recorded { store, event } = recorded;
        let feed = lock(&self.0.feeds).get(&store).cloned();
        if let Some(feed) = feed
            && !feed.offer(LiveEvent::new(event))
        {
            self.0.gap.notify_one();
        }
    }

    /// Lets the store's streams look whether their tokens still count.
    pub fn access_changed(&self, store: StoreId) {
        if let Some(feed) = lock(&self.0.feeds).get(&store) {
            feed.access.send_modify(|_| {});
        }
    }

    /// Listens to a store: subscribes first and reads the head after, so nothing falls in between.
    ///
    /// # Errors
    /// Of the database.
    pub async fn subscribe(&self, store: StoreId) -> Result<Subscription> {
        let (feed, receiver) = {
            let mut feeds = lock(&self.0.feeds);
            let feed = Arc::clone(feeds.entry(store).or_insert_with(|| Arc::new(Feed::new())));
            let receiver = feed.sender.subscribe();
            (feed, receiver)
        };
        // Made before the head is read: if that fails, its drop tidies up.
        let head = StreamHead { event_seq: 0, pruned_seq: 0, access_version: 0 };
        let mut access = feed.access.subscribe();
        // See `Next::Access`.
        access.mark_changed();
        let mut subscription = Subscription { hub: self.clone(), store, feed, receiver: Some(receiver), access, head };
        let mut connection = self.0.database.acquire().await?;
        subscription.head = event::head(connection.conn(), store).await?;
        subscription.feed.start_at(subscription.head.event_seq);
        subscription.feed.see_access(subscription.head.access_version);
        Ok(subscription)
    }

    /// The cursor of a stream of `scope` at `seq`.
    #[must_use]
    pub fn cursor(&self, store: StoreId, scope: Scope, seq: i64) -> Cursor {
        Cursor::new(self.0.deployment, store, scope, seq)
    }

    /// Completes when a feed waits for events it was not handed.
    pub(super) async fn gap(&self) {
        self.0.gap.notified().await;
    }

    /// Completes when the server closes its streams.
    pub(super) async fn closing(&self) {
        self.0.closing.cancelled().await;
    }

    /// The stores somebody listens to.
    pub(super) fn stores(&self) -> Vec<StoreId> {
        lock(&self.0.feeds).keys().copied().collect()
    }

    /// Brings the feed of a store up to `head` from the table.
    pub(super) async fn catch_up(&self, head: PolledHead, page: i64) -> Result<()> {
        let Some(feed) = lock(&self.0.feeds).get(&head.store_id).cloned() else { return Ok(()) };
        feed.see_access(head.access_version);
        while let Some(sent) = feed.sent().filter(|sent| *sent < head.event_seq) {
            let mut connection = self.0.database.acquire().await?;
            let events = event::after(connection.conn(), head.store_id, sent, page).await?;
            if events.is_empty() {
                break;
            }
            for event in events {
                feed.offer(LiveEvent::new(event));
            }
        }
        Ok(())
    }

    /// How far each of `stores` is.
    pub(super) async fn heads(&self, stores: &[StoreId]) -> Result<Vec<PolledHead>> {
        let mut connection = self.0.database.acquire().await?;
        event::heads(connection.conn(), stores).await
    }
}

/// Every lock here is held for a few instructions and never across an await; a panic between them leaves
/// the maps as they were.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Audience;

    fn event(seq: i64) -> Arc<LiveEvent> {
        LiveEvent::new(Event {
            seq,
            kind: "new_order".to_owned(),
            audience: Audience::Staff,
            session_id: None,
            data: "{}".to_owned(),
        })
    }

    fn received(receiver: &mut broadcast::Receiver<Arc<LiveEvent>>) -> Vec<i64> {
        std::iter::from_fn(|| receiver.try_recv().ok()).map(|event| event.event.seq).collect()
    }

    #[test]
    fn events_handed_over_out_of_order_are_sent_in_order_and_once() {
        let feed = Feed::new();
        let mut receiver = feed.sender.subscribe();
        assert!(feed.offer(event(11)), "before the head is known nothing is missing");
        feed.start_at(10);
        assert!(!feed.offer(event(13)));
        assert_eq!(received(&mut receiver), [11]);
        assert!(feed.offer(event(12)));
        assert!(feed.offer(event(12)) && feed.offer(event(5)));
        assert_eq!(received(&mut receiver), [12, 13]);
        assert_eq!(feed.sent(), Some(13));
    }
}
