//! The hub: one feed a store that somebody listens to.

mod feed;
mod subscription;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::feed::{Feed, lock};
use super::AppendedEvent;
use super::counts::EventCounts;
use super::cursor::{Cursor, Scope};
use super::mailbox::Mailbox;
use super::telling::Telling;
use super::versions::{KnownVersions, StoreVersions};
use super::word::{Heard, Word};
use crate::clock::Clock;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{Event, StoreId};
use crate::repositories::event::{self, Position, StreamHead};

pub use self::feed::LiveEvent;
pub(super) use self::subscription::Next;
pub use self::subscription::Subscription;

/// Hands events to streams. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    deployment: Uuid,
    feeds: Mutex<HashMap<StoreId, Arc<Feed>>>,
    /// Stores whose feeds are behind, for the follower.
    inbox: Mailbox,
    /// Stores where this instance committed something, for the other instances.
    outbox: Mailbox,
    /// Rung when wake-ups may have been lost.
    poll: Notify,
    versions: KnownVersions,
    telling: Telling,
    open_streams: AtomicUsize,
    limits: StreamLimits,
    counts: Arc<EventCounts>,
    clock: Clock,
    closing: CancellationToken,
}

/// How the hub is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubState {
    /// Stores that somebody listens to.
    pub stores: usize,
    /// Events that wait for those before them.
    pub events_waiting: usize,
    /// Whether every change elsewhere is heard of, by a wake-up or, where there are none, by the poll.
    pub is_listening: bool,
}

/// How many streams may be open.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Of one store.
    pub per_store: usize,
    /// In all, on this instance.
    pub in_all: usize,
}

impl Hub {
    /// A hub for the deployment whose epoch is `deployment`. Streams are broken off once `closing` is cancelled.
    #[must_use]
    pub fn new(
        database: Database,
        deployment: Uuid,
        limits: StreamLimits,
        clock: Clock,
        closing: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            versions: KnownVersions::new(database.clone()),
            telling: Telling::new(),
            database,
            deployment,
            feeds: Mutex::default(),
            inbox: Mailbox::default(),
            outbox: Mailbox::default(),
            poll: Notify::new(),
            open_streams: AtomicUsize::new(0),
            limits,
            counts: Arc::new(EventCounts::new()),
            clock,
            closing,
        }))
    }

    /// Adds what is counted here to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.0.counts.register(registry);
    }

    /// How it is at this moment.
    #[must_use]
    pub fn state(&self) -> HubState {
        let feeds: Vec<_> = lock(&self.0.feeds).values().cloned().collect();
        HubState {
            stores: feeds.len(),
            events_waiting: feeds.iter().map(|feed| feed.waiting()).sum(),
            is_listening: self.0.versions.is_hearing(),
        }
    }

    /// Hands a committed event to the store's streams, here and on every other instance. Never fails and
    /// never waits: it is in the table already.
    pub fn publish(&self, appended: AppendedEvent) {
        let AppendedEvent { store, event, .. } = appended;
        self.0.counts.written.inc();
        self.0.outbox.put(Position { event_seq: event.seq, ..Position::unmoved(store) });
        self.offer(store, event);
    }

    fn offer(&self, store: StoreId, event: Event) {
        let feed = lock(&self.0.feeds).get(&store).cloned();
        if let Some(event_seq) = feed.and_then(|feed| feed.offer(LiveEvent::new(event))) {
            self.0.inbox.put(Position { event_seq, ..Position::unmoved(store) });
        }
    }

    /// As [`publish`](Self::publish), for an event that made remembered menus old: the other instances are told
    /// before anybody's stream is, since a tablet that hears of it reads the menu at once, from any instance.
    pub async fn publish_menu_change(&self, appended: AppendedEvent) {
        if let Some(menu_version) = appended.menu_version {
            self.tell(Position { menu_version, ..Position::unmoved(appended.store) }).await;
        }
        self.publish(appended);
    }

    /// Lets the store's streams look whether their tokens still count, here and on every other instance.
    pub async fn access_changed(&self, store: StoreId, access_version: i64) {
        if let Some(feed) = lock(&self.0.feeds).get(&store) {
            feed.see_access(access_version);
        }
        self.tell(Position { access_version, ..Position::unmoved(store) }).await;
    }

    /// Makes what is remembered of the store old: here at once, elsewhere by the time this is done.
    async fn tell(&self, position: Position) {
        self.0.versions.raise(&position);
        self.0.telling.tell(&self.0.database, position, |position| self.0.outbox.put(position)).await;
    }

    /// The store's versions, never older than the last change this instance made or heard of; from memory where
    /// that can be believed.
    ///
    /// # Errors
    /// `STORE_NOT_FOUND`.
    pub async fn versions(&self, store: StoreId) -> Result<StoreVersions> {
        self.0.versions.of(store).await
    }

    /// The store's menu was seen at this version in the database.
    pub fn saw_menu(&self, store: StoreId, menu_version: i64) {
        self.0.versions.raise(&Position { menu_version, ..Position::unmoved(store) });
    }

    /// How many streams are open on this instance.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.0.open_streams.load(Ordering::Relaxed)
    }

    /// Listens to a store: subscribes first and reads the head after, so nothing falls in between.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when as many streams are open as may be.
    pub async fn subscribe(&self, store: StoreId) -> Result<Subscription> {
        let mut subscription = self.take_place(store)?;
        // If this fails, the drop of the subscription tidies up.
        subscription.head = self.0.database.read(|conn| event::head(conn, store).scope_boxed()).await?;
        if let Some(event_seq) = subscription.feed.start_at(subscription.head.event_seq) {
            self.0.inbox.put(Position { event_seq, ..Position::unmoved(store) });
        }
        subscription.feed.see_access(subscription.head.access_version);
        Ok(subscription)
    }

    fn take_place(&self, store: StoreId) -> Result<Subscription> {
        let mut feeds = lock(&self.0.feeds);
        let listeners = feeds.get(&store).map_or(0, |feed| feed.listeners());
        if listeners >= self.0.limits.per_store || self.open_streams() >= self.0.limits.in_all {
            return Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "as many streams are open as may be"));
        }
        self.0.open_streams.fetch_add(1, Ordering::Relaxed);
        self.0.counts.opened.inc();
        let new = || Arc::new(Feed::new(Arc::clone(&self.0.counts), self.0.clock.clone()));
        let feed = Arc::clone(feeds.entry(store).or_insert_with(new));
        let (receiver, mut access) = feed.listen();
        // See `Next::Access`.
        access.mark_changed();
        let head = StreamHead { event_seq: 0, pruned_seq: 0, access_version: 0 };
        Ok(Subscription { hub: self.clone(), store, feed, receiver: Some(receiver), access, head })
    }

    /// The cursor of a stream of `scope` at `seq`.
    #[must_use]
    pub fn cursor(&self, store: StoreId, scope: Scope, seq: i64) -> Cursor {
        Cursor::new(self.0.deployment, store, scope, seq)
    }

    /// The epoch of the deployment that this hub is for.
    pub(super) fn deployment(&self) -> Uuid {
        self.0.deployment
    }

    pub(super) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(super) fn inbox(&self) -> &Mailbox {
        &self.0.inbox
    }

    pub(super) fn outbox(&self) -> &Mailbox {
        &self.0.outbox
    }

    pub(super) fn telling(&self) -> &Telling {
        &self.0.telling
    }

    /// An instance, maybe this one, says something.
    pub(super) fn heard(&self, word: Word) {
        match word {
            Word::Heard(Heard { listener, .. }) | Word::Connected { listener } => {
                self.0.telling.answered(listener, word);
            }
            Word::At(position) => {
                self.0.versions.raise(&position);
                if position.menu_version > 0 || position.access_version > 0 {
                    self.0.telling.heard(position);
                }
                self.want(position);
            }
        }
    }

    /// The database, asked at `asked_at`, says that a store is at `position`.
    pub(super) fn confirm(&self, position: Position, asked_at: Instant) {
        self.0.versions.confirm(&position, asked_at);
        self.want(position);
    }

    /// The follower looks, if somebody here listens to the store and does not know it yet.
    fn want(&self, position: Position) {
        let feed = lock(&self.0.feeds).get(&position.store_id).cloned();
        let Some(feed) = feed else { return };
        feed.see_access(position.access_version);
        if feed.sent().is_some_and(|sent| sent < position.event_seq) {
            self.0.inbox.put(position);
        }
    }

    /// The listener is there, served by this process. Whatever was said before this moment was not heard.
    pub(super) fn listening(&self, process: i32) {
        self.0.versions.hear(Instant::now());
        self.0.telling.listen_as(Some(process));
        self.0.poll.notify_one();
    }

    /// The listener is not there.
    pub(super) fn not_listening(&self) {
        self.0.versions.go_deaf();
        self.0.telling.listen_as(None);
    }

    /// There will be no listener: the poll has to do.
    pub(super) fn rely_on_polling(&self) {
        self.0.versions.hear(Instant::now());
    }

    /// Completes when wake-ups may have been lost.
    pub(super) async fn asked_to_poll(&self) {
        self.0.poll.notified().await;
    }

    /// Completes when the server closes its streams.
    pub(super) async fn closing(&self) {
        self.0.closing.cancelled().await;
    }

    /// The stores somebody listens to, and those of which something is remembered.
    pub(super) fn stores(&self) -> Vec<StoreId> {
        let mut stores: HashSet<StoreId> = self.0.versions.stores(Instant::now()).into_iter().collect();
        stores.extend(lock(&self.0.feeds).keys());
        stores.into_iter().collect()
    }

    /// Brings the feed of a store up to `head` from the table.
    pub(super) async fn catch_up(&self, head: Position, page: i64) -> Result<()> {
        let Some(feed) = lock(&self.0.feeds).get(&head.store_id).cloned() else { return Ok(()) };
        while let Some(sent) = feed.sent().filter(|sent| *sent < head.event_seq) {
            let events =
                self.0.database.read(|conn| event::after(conn, head.store_id, sent, page).scope_boxed()).await?;
            match events.first() {
                Some(first) if first.seq > sent + 1 => feed.jump(first.seq - 1),
                Some(_) => {}
                None => break,
            }
            for event in events {
                feed.offer(LiveEvent::new(event));
            }
        }
        Ok(())
    }

    /// How far each of `stores` is.
    pub(super) async fn positions(&self, stores: &[StoreId]) -> Result<Vec<Position>> {
        self.0.database.read(|conn| event::positions(conn, stores).scope_boxed()).await
    }
}

#[cfg(test)]
mod tests {
    use super::feed::tests::{event, received};
    use super::*;
    use crate::events::{EventStream, StreamOptions};

    const STORE: StoreId = StoreId(1);

    fn hub() -> Hub {
        let limits = StreamLimits { per_store: 10, in_all: 10 };
        Hub::new(Database::unconnected(), Uuid::nil(), limits, Clock::system(), CancellationToken::new())
    }

    #[tokio::test]
    async fn a_listener_that_leaves_takes_no_feed_with_it_but_its_own() {
        let hub = hub();
        let (mut first, mut second) = (hub.take_place(STORE).unwrap(), hub.take_place(STORE).unwrap());
        // Both stop listening before either tidies up: the first removes the feed, and a third makes another.
        (first.receiver, second.receiver) = (None, None);
        drop(first);
        let third = hub.take_place(STORE).unwrap();
        drop(second);
        assert_eq!((hub.stores(), hub.open_streams()), (vec![STORE], 1));
        drop(third);
        assert_eq!((hub.stores(), hub.open_streams()), (vec![], 0));
    }

    #[tokio::test]
    async fn a_stream_whose_head_is_older_than_the_feed_reads_what_lies_between_from_the_table() {
        let hub = hub();
        let (mut slow, quick) = (hub.take_place(STORE).unwrap(), hub.take_place(STORE).unwrap());
        slow.head.event_seq = 10;
        slow.feed.offer(event(11));
        slow.feed.offer(event(12));
        // The quick one read the head after those two were committed, and was first to say so.
        quick.feed.start_at(12);
        slow.feed.start_at(10);
        assert_eq!((slow.sent(), received(slow.receiver.as_mut().unwrap())), (12, vec![]));
        let options = StreamOptions {
            scope: Scope::Staff,
            resume_from: None,
            lifetime: std::time::Duration::from_hours(1),
            heartbeat: std::time::Duration::from_secs(15),
            guard: Box::new(|| Box::pin(async { true })),
        };
        assert_eq!(EventStream::open(slow, options).yet_to_read(), 11..=12);
    }
}
