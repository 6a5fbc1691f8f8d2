//! The hub: one broadcast channel for each store with open streams.

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
use self::subscription::StreamSlot;
use super::cursor::{Cursor, Scope};
use super::metrics::EventMetrics;
use super::{AppendedEvent, PendingPositions};
use crate::clock::Clock;
use crate::config::StreamLimits;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{DeviceId, Event, StoreId, StorePosition};
use crate::repositories::event;
use crate::telemetry::metrics::gauge;

pub use self::store_channel::LiveEvent;
pub(super) use self::subscription::Next;
pub use self::subscription::Subscription;

/// The pause before a store catches up from the table. Usually the missing event is published within this time.
const CATCH_UP_DELAY: Duration = Duration::from_millis(2);

/// Time limit for one round of catching up. The next poll starts another round.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of events that one catch-up query reads.
const CATCH_UP_PAGE: i64 = 500;

/// The number of stores that catch up at the same time.
const CATCH_UP_STORES: usize = 4;

/// Sends events to the open streams of this instance. Clones share one state.
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

/// Observes the events that pass through the hub, so that the hub does not depend on the cluster.
pub trait HubObserver: std::fmt::Debug + Send + Sync {
    /// This instance committed an event, which must be announced to the other instances.
    fn committed(&self, position: StorePosition);

    /// A stream is about to send this menu version. From now on this instance must not serve an older menu.
    fn menu_changed(&self, store: StoreId, menu_version: i64);
}

impl Hub {
    /// A hub for the database with this epoch. Cancelling `closing` aborts all streams.
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

    /// Sends a committed event to the store's streams, on this instance and, through the observer, on all others. It cannot
    /// fail and does not wait, because the event is already in the table.
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

    /// Must be called before an event is sent on a stream.
    fn observe(&self, store: StoreId, event: &Event) {
        if let Some(menu_version) = event.menu_version() {
            self.0.observer.menu_changed(store, menu_version);
        }
    }

    fn channel(&self, store: StoreId) -> Option<Arc<StoreChannel>> {
        lock(&self.0.channels).get(&store).cloned()
    }

    /// Makes the store's streams check their tokens.
    pub fn access_changed(&self, store: StoreId, access_version: i64) {
        if let Some(channel) = self.channel(store) {
            channel.access_changed(access_version);
        }
    }

    /// Records that the store is at `position` in the database. Its streams on this instance catch up if they are behind.
    pub fn position_moved(&self, position: StorePosition) {
        let Some(channel) = self.channel(position.store_id) else { return };
        channel.access_changed(position.access_version);
        if channel.sent_seq().is_some_and(|sent| sent < position.event_seq) {
            self.0.to_catch_up.put(position);
        }
    }

    /// The number of open streams on this instance.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.0.open_streams.load(Ordering::Relaxed)
    }

    /// The stores with open streams on this instance, each with the seq up to which every event was sent.
    #[must_use]
    pub fn sent_seqs(&self) -> HashMap<StoreId, i64> {
        let channels = lock(&self.0.channels).clone();
        channels.into_iter().map(|(store, channel)| (store, channel.sent_seq().unwrap_or(0))).collect()
    }

    /// The paired devices with an open stream on this instance, by store.
    #[must_use]
    pub fn devices(&self) -> Vec<(StoreId, Vec<DeviceId>)> {
        let channels = lock(&self.0.channels).clone();
        channels.into_iter().map(|(store, channel)| (store, lock(&channel.streams).devices())).collect()
    }

    /// Subscribes to a store. The head is read after the subscription, so that no event is missed in between.
    ///
    /// # Errors
    /// `LIMIT_REACHED` if the login, table or user has reached its limit of open streams; `SERVICE_UNAVAILABLE` if the
    /// store or this instance has.
    pub async fn subscribe(&self, store: StoreId, owner: StreamOwner) -> Result<Subscription> {
        let slot = self.reserve_slot(store, owner)?;
        let head = self.0.database.read(|conn| event::head(conn, store).scope_boxed()).await?;
        self.0.observer.menu_changed(store, head.menu_version);
        if let Some(event_seq) = slot.channel.set_head(head.event_seq) {
            self.0.to_catch_up.put(StorePosition { event_seq, ..StorePosition::zero(store) });
        }
        slot.channel.access_changed(head.access_version);
        Ok(Subscription { slot, head })
    }

    fn reserve_slot(&self, store: StoreId, owner: StreamOwner) -> Result<StreamSlot> {
        let Inner { limits, metrics, clock, closing, .. } = &*self.0;
        check_all(limits, owner, self.open_streams())?;
        let mut channels = lock(&self.0.channels);
        let new = || Arc::new(StoreChannel::new(Arc::clone(metrics), clock.clone()));
        // A new channel is inserted only after a stream was added, because a stream that ends removes it.
        let channel = channels.get(&store).cloned().unwrap_or_else(new);
        let closed = closing.child_token();
        let (id, is_replacing) = lock(&channel.streams).add(owner, limits, closed.clone())?;
        channels.insert(store, Arc::clone(&channel));
        self.0.open_streams.fetch_add(1, Ordering::Relaxed);
        metrics.opened.inc();
        metrics.replaced.inc_by(u64::from(is_replacing));
        Ok(StreamSlot::new(self.clone(), store, channel, id, closed))
    }

    /// The cursor of a stream of `scope` at `seq`.
    #[must_use]
    pub fn cursor(&self, store: StoreId, scope: Scope, seq: i64) -> Cursor {
        Cursor::new(self.0.epoch, store, scope, seq)
    }

    /// The epoch of the database.
    #[must_use]
    pub fn epoch(&self) -> Uuid {
        self.0.epoch
    }

    /// Reads events that the channels have missed from the table; never returns.
    pub async fn run_catch_up(&self) {
        loop {
            self.0.to_catch_up.changed().await;
            tokio::time::sleep(CATCH_UP_DELAY).await;
            let caught_up = tokio::time::timeout(CATCH_UP_TIMEOUT, self.catch_up_pending()).await;
            let elapsed = |elapsed| Err(AppError::caused_by(ErrorCode::ServiceUnavailable, elapsed));
            if let Err(error) = caught_up.unwrap_or_else(elapsed) {
                tracing::warn!(%error, cause = error.cause, "missed events could not be read; trying again");
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
        while let Some(sent) = channel.sent_seq().filter(|sent| *sent < head.event_seq) {
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
        gauge(to, "streams_open", "Open event streams", self.open_streams())?;
        gauge(to, "streams_limit", "The limit of open event streams (SSE_MAX_CONNECTIONS)", self.0.limits.in_all)?;
        gauge(to, "hub_stores", "Stores with open streams on this instance", channels.len())?;
        gauge(to, "hub_events_waiting", "Events that arrived out of order and wait for earlier ones", waiting)
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
    async fn the_last_stream_of_a_channel_removes_only_its_own_channel() {
        let hub = hub();
        let (mut first, mut second) =
            (hub.reserve_slot(STORE, OWNER).unwrap(), hub.reserve_slot(STORE, OWNER).unwrap());
        // Both stop receiving before either is removed: the first removes the channel, and the third creates another one.
        (first.receiver, second.receiver) = (None, None);
        drop(first);
        let third = hub.reserve_slot(STORE, OWNER).unwrap();
        drop(second);
        assert_eq!((hub.sent_seqs().into_keys().collect(), hub.open_streams()), (vec![STORE], 1));
        drop(third);
        assert_eq!((hub.sent_seqs().len(), hub.open_streams()), (0, 0));
    }

    #[tokio::test]
    async fn a_stream_with_an_older_head_than_its_channel_replays_the_gap() {
        let hub = hub();
        let (mut slow, quick) = (hub.reserve_slot(STORE, OWNER).unwrap(), hub.reserve_slot(STORE, OWNER).unwrap());
        slow.channel.push(event(11));
        slow.channel.push(event(12));
        // The quick stream read the head after these two commits, and set it before the slow one.
        quick.channel.set_head(12);
        slow.channel.set_head(10);
        assert!(received(slow.receiver.as_mut().unwrap()).is_empty());
        let head = StreamHead { event_seq: 10, pruned_seq: 0, access_version: 0, menu_version: 1 };
        let slow = Subscription { slot: slow, head };
        assert_eq!(slow.sent_seq(), 12);
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
