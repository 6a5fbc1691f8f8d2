//! The channel of one store: sends its events to its open streams, in the order of their seq.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use tokio::sync::{broadcast, watch};

use super::open_streams::OpenStreams;
use crate::clock::Clock;
use crate::events::cursor::{Cursor, Scope};
use crate::events::metrics::EventMetrics;
use crate::models::Event;

/// A stream that is more events behind than this reads them from the table instead.
const CHANNEL_CAPACITY: usize = 256;

/// An event that is sent to streams. It is serialised once, and all dashboards share the bytes.
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

    /// The event as it is written to a stream of `scope`. `cursor` is any cursor of that stream.
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

/// A store's channel. It puts events into the order of their seq.
#[derive(Debug)]
pub(super) struct StoreChannel {
    sender: broadcast::Sender<Arc<LiveEvent>>,
    pub(super) streams: Mutex<OpenStreams>,
    order: Mutex<ReorderBuffer>,
    /// The store's access version; when it changes, every stream checks its token again.
    access: watch::Sender<i64>,
    metrics: Arc<EventMetrics>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct ReorderBuffer {
    /// The seq of the last event that was sent; `None` until the first stream has read the head.
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

    /// Adds an event, and sends all events that are next in order. Returns the seq of the newest event that still waits for
    /// earlier ones.
    pub(super) fn push(&self, event: Arc<LiveEvent>) -> Option<i64> {
        let mut order = lock(&self.order);
        order.waiting.insert(event.event.seq, event);
        self.send_in_turn(&mut order)
    }

    /// Sets the seq after which events are sent, unless it is already set. Returns the same as [`push`](Self::push).
    pub(super) fn set_head(&self, head: i64) -> Option<i64> {
        let mut order = lock(&self.order);
        if order.sent.is_some() {
            return None;
        }
        order.sent = Some(head);
        self.send_in_turn(&mut order)
    }

    /// Continues after `seq`, because earlier events were pruned. Streams detect the gap and are aborted.
    pub(super) fn skip_to(&self, seq: i64) {
        let mut order = lock(&self.order);
        order.sent = order.sent.map(|sent| sent.max(seq));
    }

    fn send_in_turn(&self, order: &mut ReorderBuffer) -> Option<i64> {
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
                // Without a receiver nothing is lost, because the event is in the table.
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

    pub(super) fn sent_seq(&self) -> Option<i64> {
        lock(&self.order).sent
    }

    /// The number of open streams.
    pub(super) fn subscribers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// The number of events that wait for earlier ones.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.order).waiting.len()
    }

    /// Receivers of all events from now on, and of the store's access version.
    pub(super) fn subscribe(&self) -> (broadcast::Receiver<Arc<LiveEvent>>, watch::Receiver<i64>) {
        (self.sender.subscribe(), self.access.subscribe())
    }
}

/// Locks a mutex and ignores poisoning: the locks here are held for a few instructions, and a panic leaves the data
/// consistent.
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
        assert_eq!(channel.push(event(11)), None, "without a head no event is missing");
        channel.set_head(10);
        assert_eq!(channel.push(event(14)), Some(14));
        assert_eq!(channel.push(event(13)), Some(14));
        assert_eq!(received(&mut receiver), [11]);
        assert_eq!([channel.push(event(12)), channel.push(event(12)), channel.push(event(5))], [None; 3]);
        assert_eq!(received(&mut receiver), [12, 13, 14]);
        assert_eq!(channel.sent_seq(), Some(14));
    }
}
