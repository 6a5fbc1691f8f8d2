//! The channel of one store: its events, in the order of their seq, to its open streams.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use tokio::sync::{broadcast, watch};

use super::open_streams::OpenStreams;
use crate::clock::Clock;
use crate::events::cursor::{Cursor, Scope};
use crate::events::metrics::EventMetrics;
use crate::models::Event;

/// How many events a stream may be behind before it reads the table instead.
const CHANNEL_CAPACITY: usize = 256;

/// An event that is sent to streams. Its bytes are made once and shared.
#[derive(Debug)]
pub struct LiveEvent {
    /// The event.
    pub event: Event,
    staff_frame: OnceLock<Bytes>,
}

impl LiveEvent {
    pub(in crate::events) fn new(event: Event) -> Arc<Self> {
        Arc::new(Self { event, staff_frame: OnceLock::new() })
    }

    /// The event as it is written to a stream of `scope`, whose cursors are like `cursor`.
    pub(in crate::events) fn frame(&self, cursor: &Cursor, scope: Scope) -> Bytes {
        let make = || {
            let Event { seq, kind, data, .. } = &self.event;
            Bytes::from(format!("id: {}\nevent: {kind}\ndata: {data}\n\n", cursor.at(*seq)))
        };
        match scope {
            // All dashboards of a store have the same cursors.
            Scope::Staff => self.staff_frame.get_or_init(make).clone(),
            Scope::Session(_) => make(),
        }
    }
}

/// A store's events, in seq order.
#[derive(Debug)]
pub(super) struct StoreChannel {
    sender: broadcast::Sender<Arc<LiveEvent>>,
    pub(super) streams: Mutex<OpenStreams>,
    order: Mutex<Order>,
    /// The store's access version; when it changes, every stream checks its token again.
    access: watch::Sender<i64>,
    metrics: Arc<EventMetrics>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Order {
    /// The seq of the last event that was sent; unknown until the first stream has read the head.
    sent: Option<i64>,
    /// Events that wait for earlier ones.
    waiting: BTreeMap<i64, Arc<LiveEvent>>,
}

impl StoreChannel {
    pub(super) fn new(metrics: Arc<EventMetrics>, clock: Clock) -> Self {
        Self {
            sender: broadcast::Sender::new(CHANNEL_CAPACITY),
            streams: Mutex::default(),
            order: Mutex::default(),
            access: watch::Sender::new(0),
            metrics,
            clock,
        }
    }

    /// Takes an event and sends what is next in order. Returns the seq of the newest event that waits for earlier ones.
    pub(super) fn push(&self, event: Arc<LiveEvent>) -> Option<i64> {
        let mut order = lock(&self.order);
        order.waiting.insert(event.event.seq, event);
        self.send_in_turn(&mut order)
    }

    /// Sets the seq after which events are sent, unless it is known already. Returns the same as [`push`](Self::push).
    pub(super) fn set_head(&self, head: i64) -> Option<i64> {
        let mut order = lock(&self.order);
        if order.sent.is_some() {
            return None;
        }
        order.sent = Some(head);
        self.send_in_turn(&mut order)
    }

    /// Continues after `seq`: earlier events have been pruned. Streams see the gap and are aborted.
    pub(super) fn skip_to(&self, seq: i64) {
        let mut order = lock(&self.order);
        order.sent = order.sent.map(|sent| sent.max(seq));
    }

    fn send_in_turn(&self, order: &mut Order) -> Option<i64> {
        let mut sent = order.sent?;
        while let Some(entry) = order.waiting.first_entry() {
            let seq = *entry.key();
            if seq > sent + 1 {
                break;
            }
            let event = entry.remove();
            if seq == sent + 1 {
                sent = seq;
                self.metrics.observe_delivery(event.event.created_at, self.clock.now());
                // Without a receiver nothing is lost: it is in the table.
                let _ = self.sender.send(event);
            }
        }
        order.sent = Some(sent);
        order.waiting.last_key_value().map(|(seq, _)| *seq)
    }

    pub(super) fn access_changed(&self, version: i64) {
        self.access.send_if_modified(|seen| {
            let moved = version > *seen;
            *seen = version.max(*seen);
            moved
        });
    }

    pub(super) fn sent(&self) -> Option<i64> {
        lock(&self.order).sent
    }

    /// The number of open streams.
    pub(super) fn subscribers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Events that wait for those before them.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.order).waiting.len()
    }

    /// Events from here on, and the store's access version.
    pub(super) fn subscribe(&self) -> (broadcast::Receiver<Arc<LiveEvent>>, watch::Receiver<i64>) {
        (self.sender.subscribe(), self.access.subscribe())
    }
}

/// Every lock here is held for a few instructions and never across an await; a panic between them leaves
/// the maps as they were.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::models::Audience;

    pub(in crate::events::hub) fn event(seq: i64) -> Arc<LiveEvent> {
        LiveEvent::new(Event {
            seq,
            kind: "new_order".to_owned(),
            audience: Audience::Staff,
            session_id: None,
            data: "{}".to_owned(),
            created_at: Clock::system().now(),
        })
    }

    pub(in crate::events::hub) fn received(receiver: &mut broadcast::Receiver<Arc<LiveEvent>>) -> Vec<i64> {
        std::iter::from_fn(|| receiver.try_recv().ok()).map(|event| event.event.seq).collect()
    }

    #[test]
    fn events_out_of_order_are_sent_in_order_and_once() {
        let channel = StoreChannel::new(Arc::new(EventMetrics::new()), Clock::system());
        let mut receiver = channel.subscribe().0;
        assert_eq!(channel.push(event(11)), None, "before the head is known nothing is missing");
        channel.set_head(10);
        assert_eq!(channel.push(event(14)), Some(14));
        assert_eq!(channel.push(event(13)), Some(14));
        assert_eq!(received(&mut receiver), [11]);
        assert_eq!([channel.push(event(12)), channel.push(event(12)), channel.push(event(5))], [None; 3]);
        assert_eq!(received(&mut receiver), [12, 13, 14]);
        assert_eq!(channel.sent(), Some(14));
    }
}
