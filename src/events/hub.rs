//! The hub: one channel for each store that has open streams.

mod open_streams;
mod store_channel;
mod subscription;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::open_streams::check_all;
pub use self::open_streams::{StreamAccount, StreamLogin, StreamOwner};
use self::store_channel::{StoreChannel, lock};
use self::subscription::Place;
use super::cursor::{Cursor, Scope};
use super::metrics::EventMetrics;
use super::{AppendedEvent, PendingPositions};
use crate::clock::Clock;
use crate::config::StreamLimits;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{Event, StoreId, StorePosition};
use crate::repositories::event;
use crate::telemetry::metrics::gauge;

pub use self::store_channel::LiveEvent;
pub(super) use self::subscription::Next;
pub use self::subscription::Subscription;

/// How long a store that is behind is left alone: events that arrived too early usually wait for one that is about to
/// be handed over.
const CATCH_UP_DELAY: Duration = Duration::from_millis(2);

/// How long one round of catching up may take; the next poll starts another.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// Events read at a time to catch up.
const CATCH_UP_PAGE: i64 = 500;

/// Stores that catch up at the same time.
const CATCH_UP_STORES: usize = 4;

/// Hands events to streams. Clones share it.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    epoch: Uuid,
    channels: Mutex<HashMap<StoreId, Arc<StoreChannel>>>,
    /// Stores whose channels are behind the table.
    to_catch_up: PendingPositions,
    observer: Arc<dyn HubObserver>,
    open_streams: AtomicUsize,
    limits: StreamLimits,
    metrics: Arc<EventMetrics>,
    clock: Clock,
    closing: CancellationToken,
}

/// Receives what the rest of the server has to know of the events that pass the hub.
pub trait HubObserver: std::fmt::Debug + Send + Sync {
    /// This instance committed an event: other instances have to learn of it.
    fn committed(&self, position: StorePosition);

    /// A stream is about to be told of this menu version: its reader must not get an older menu from this instance.
    fn menu_changed(&self, store: StoreId, menu_version: i64);
}

impl Hub {
    /// A hub for the database with this epoch. Streams are aborted once `closing` is cancelled.
    #[must_use]
    pub fn new(
        database: Database,
        epoch: Uuid,
        observer: Arc<dyn HubObserver>,
        limits: StreamLimits,
        clock: Clock,
        closing: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            database,
            epoch,
            channels: Mutex::default(),
            to_catch_up: PendingPositions::default(),
            observer,
            open_streams: AtomicUsize::new(0),
            limits,
            metrics: Arc::new(EventMetrics::new()),
            clock,
            closing,
        }))
    }

    /// Adds the metrics of events and streams to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.0.metrics.register(registry);
        registry.register_collector(Box::new(self.clone()));
    }

    /// Hands a committed event to the store's streams, here and on every other instance. Never fails and never waits:
    /// the event is in the table already.
    pub fn publish(&self, appended: AppendedEvent) {
        let AppendedEvent { store, event } = appended;
        self.0.metrics.written.inc();
        let menu_version = event.menu_version().unwrap_or_default();
        let position = StorePosition { event_seq: event.seq, menu_version, ..StorePosition::zero(store) };
        self.observe(store, &event);
        self.0.observer.committed(position);
        if let Some(event_seq) = self.channel(store).and_then(|channel| channel.push(LiveEvent::new(event))) {
            self.0.to_catch_up.put(StorePosition { event_seq, ..StorePosition::zero(store) });
        }
    }

    /// Must be called before an event is put on a stream.
    fn observe(&self, store: StoreId, event: &Event) {
        if let Some(menu_version) = event.menu_version() {
            self.0.observer.menu_changed(store, menu_version);
        }
    }

    fn channel(&self, store: StoreId) -> Option<Arc<StoreChannel>> {
        lock(&self.0.channels).get(&store).cloned()
    }

    /// Makes the store's streams check their tokens again.
    pub fn access_changed(&self, store: StoreId, access_version: i64) {
        if let Some(channel) = self.channel(store) {
            channel.access_changed(access_version);
        }
    }

    /// The store is at `position` in the database: its streams here catch up.
    pub fn position_moved(&self, position: StorePosition) {
        let Some(channel) = self.channel(position.store_id) else { return };
        channel.access_changed(position.access_version);
        if channel.sent().is_some_and(|sent| sent < position.event_seq) {
            self.0.to_catch_up.put(position);
        }
    }

    /// How many streams are open on this instance.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.0.open_streams.load(Ordering::Relaxed)
    }

    /// The stores with open streams on this instance.
    #[must_use]
    pub fn stores(&self) -> Vec<StoreId> {
        lock(&self.0.channels).keys().copied().collect()
    }

    /// Subscribes to a store. The head is read afterwards, so that no event is missed in between.
    ///
    /// # Errors
    /// `LIMIT_REACHED` when the table or account has as many streams as it may have; `SERVICE_UNAVAILABLE` when the store
    /// or this instance has.
    pub async fn subscribe(&self, store: StoreId, owner: StreamOwner) -> Result<Subscription> {
        let place = self.take_place(store, owner)?;
        let head = self.0.database.read(|conn| event::head(conn, store).scope_boxed()).await?;
        self.0.observer.menu_changed(store, head.menu_version);
        if let Some(event_seq) = place.channel.set_head(head.event_seq) {
            self.0.to_catch_up.put(StorePosition { event_seq, ..StorePosition::zero(store) });
        }
        place.channel.access_changed(head.access_version);
        Ok(Subscription { place, head })
    }

    fn take_place(&self, store: StoreId, owner: StreamOwner) -> Result<Place> {
        let Inner { limits, metrics, clock, closing, .. } = &*self.0;
        check_all(limits, owner, self.open_streams())?;
        let mut channels = lock(&self.0.channels);
        let new = || Arc::new(StoreChannel::new(Arc::clone(metrics), clock.clone()));
        // Put into the map only once it has a stream.
        let channel = channels.get(&store).cloned().unwrap_or_else(new);
        let closed = closing.child_token();
        let (id, replaced) = lock(&channel.streams).add(owner, limits, closed.clone())?;
        channels.insert(store, Arc::clone(&channel));
        self.0.open_streams.fetch_add(1, Ordering::Relaxed);
        metrics.opened.inc();
        metrics.replaced.inc_by(replaced as u64);
        Ok(Place::new(self.clone(), store, channel, id, closed))
    }

    /// The cursor of a stream of `scope` at `seq`.
    #[must_use]
    pub fn cursor(&self, store: StoreId, scope: Scope, seq: i64) -> Cursor {
        Cursor::new(self.0.epoch, store, scope, seq)
    }

    /// The epoch of the database that this hub is for.
    #[must_use]
    pub fn epoch(&self) -> Uuid {
        self.0.epoch
    }

    /// Reads from the table what the channels were not handed; it does not end.
    pub async fn run_catch_up(&self) {
        loop {
            self.0.to_catch_up.changed().await;
            tokio::time::sleep(CATCH_UP_DELAY).await;
            let caught_up = tokio::time::timeout(CATCH_UP_TIMEOUT, self.catch_up_pending()).await;
            let elapsed = |elapsed| Err(AppError::caused_by(ErrorCode::ServiceUnavailable, elapsed));
            if let Err(error) = caught_up.unwrap_or_else(elapsed) {
                tracing::warn!(%error, cause = error.cause, "events could not be read; trying again");
            }
        }
    }

    async fn catch_up_pending(&self) -> Result<()> {
        let pending = stream::iter(self.0.to_catch_up.take());
        let mut caught_up = pending.map(|position| self.catch_up(position)).buffer_unordered(CATCH_UP_STORES);
        let mut result = Ok(());
        while let Some(one) = caught_up.next().await {
            result = result.and(one);
        }
        result
    }

    async fn catch_up(&self, head: StorePosition) -> Result<()> {
        let store = head.store_id;
        let Some(channel) = self.channel(store) else { return Ok(()) };
        while let Some(sent) = channel.sent().filter(|sent| *sent < head.event_seq) {
            let read = self.0.database.read(|conn| event::after(conn, store, sent, CATCH_UP_PAGE).scope_boxed());
            let events = read.await?;
            match events.first() {
                Some(first) if first.seq > sent + 1 => channel.skip_to(first.seq - 1),
                Some(_) => {}
                None => break,
            }
            for event in events {
                self.observe(store, &event);
                channel.push(LiveEvent::new(event));
            }
        }
        Ok(())
    }
}

impl Collector for Hub {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let to = &mut encoder;
        let channels: Vec<_> = lock(&self.0.channels).values().cloned().collect();
        let waiting = channels.iter().map(|channel| channel.waiting()).sum::<usize>();
        gauge(to, "streams_open", "Event streams that are open", self.open_streams())?;
        gauge(to, "streams_limit", "SSE_MAX_CONNECTIONS", self.0.limits.in_all)?;
        gauge(to, "hub_stores", "Stores with open streams on this instance", channels.len())?;
        gauge(to, "hub_events_waiting", "Events that arrived early and wait for those before them", waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::store_channel::tests::{event, received};
    use super::*;
    use crate::events::{EventStream, StreamOptions};
    use crate::models::{StreamHead, UserId};

    const STORE: StoreId = StoreId(1);

    #[derive(Debug)]
    struct NoObserver;

    impl HubObserver for NoObserver {
        fn committed(&self, _: StorePosition) {}
        fn menu_changed(&self, _: StoreId, _: i64) {}
    }

    fn hub() -> Hub {
        let limits =
            StreamLimits { per_login: 10, per_table: 10, per_user: 10, per_store: 10, in_all: 10, staff_percent: 0 };
        let (database, closing) = (Database::unconnected(), CancellationToken::new());
        Hub::new(database, Uuid::nil(), Arc::new(NoObserver), limits, Clock::system(), closing)
    }

    const OWNER: StreamOwner =
        StreamOwner { account: StreamAccount::User(UserId(1)), login: StreamLogin::Token(Uuid::nil()) };

    #[tokio::test]
    async fn the_last_stream_of_a_channel_removes_it_and_no_other() {
        let hub = hub();
        let (mut first, mut second) = (hub.take_place(STORE, OWNER).unwrap(), hub.take_place(STORE, OWNER).unwrap());
        // Both stop receiving before either is removed: the first removes the channel, and a third makes another.
        (first.receiver, second.receiver) = (None, None);
        drop(first);
        let third = hub.take_place(STORE, OWNER).unwrap();
        drop(second);
        assert_eq!((hub.stores(), hub.open_streams()), (vec![STORE], 1));
        drop(third);
        assert_eq!((hub.stores(), hub.open_streams()), (vec![], 0));
    }

    #[tokio::test]
    async fn a_stream_whose_head_is_older_than_the_channel_reads_the_gap_from_the_table() {
        let hub = hub();
        let (mut slow, quick) = (hub.take_place(STORE, OWNER).unwrap(), hub.take_place(STORE, OWNER).unwrap());
        slow.channel.push(event(11));
        slow.channel.push(event(12));
        // The quick one read the head after those two were committed, and was the first to set it.
        quick.channel.set_head(12);
        slow.channel.set_head(10);
        assert!(received(slow.receiver.as_mut().unwrap()).is_empty());
        let head = StreamHead { event_seq: 10, pruned_seq: 0, access_version: 0, menu_version: 1 };
        let slow = Subscription { place: slow, head };
        assert_eq!(slow.sent(), 12);
        let options = StreamOptions {
            scope: Scope::Staff,
            resume_from: None,
            lifetime: Duration::from_hours(1),
            heartbeat: Duration::from_secs(15),
            token_check: Box::new(|| Box::pin(async { true })),
        };
        assert_eq!(EventStream::open(slow, options).replay_range(), 11..=12);
    }
}
