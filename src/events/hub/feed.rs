//! A store's feed: its events, in the order of their numbers, to whoever listens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use tokio::sync::{broadcast, watch};

use crate::clock::Clock;
use crate::events::counts::EventCounts;
use crate::events::cursor::{Cursor, Scope};
use crate::models::Event;

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
    pub(in crate::events) fn new(event: Event) -> Arc<Self> {
        Arc::new(Self { event, staff_frame: OnceLock::new() })
    }

    /// The event as it goes over the wire, on a stream of `scope` whose cursors look like `cursor`.
    pub(in crate::events) fn frame(&self, cursor: &Cursor, scope: Scope) -> Bytes {
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

/// A store's events, in seq order.
#[derive(Debug)]
pub(super) struct Feed {
    sender: broadcast::Sender<Arc<LiveEvent>>,
    order: Mutex<Order>,
    /// The store's access version; when it moves, every stream looks whether its token still counts.
    access: watch::Sender<i64>,
    counts: Arc<EventCounts>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Order {
    /// The seq up to which everything was sent; unknown until the first stream has read the head.
    sent: Option<i64>,
    /// Events that came before their turn.
    early: BTreeMap<i64, Arc<LiveEvent>>,
}

impl Feed {
    pub(super) fn new(counts: Arc<EventCounts>, clock: Clock) -> Self {
        Self {
            sender: broadcast::Sender::new(FEED_CAPACITY),
            order: Mutex::default(),
            access: watch::Sender::new(0),
            counts,
            clock,
        }
    }

    /// Takes an event in, and sends what is now in turn. `Some` is the newest that others must come before.
    pub(super) fn offer(&self, event: Arc<LiveEvent>) -> Option<i64> {
        let mut order = lock(&self.order);
        order.early.insert(event.event.seq, event);
        self.send_in_turn(&mut order)
    }

    /// A stream has read the head: from here on the order is known. As [`offer`](Self::offer) otherwise.
    pub(super) fn start_at(&self, head: i64) -> Option<i64> {
        let mut order = lock(&self.order);
        if order.sent.is_some() {
            return None;
        }
        order.sent = Some(head);
        self.send_in_turn(&mut order)
    }

    /// Goes on after `seq`: what was before has been pruned. Streams notice the hole and are broken off.
    pub(super) fn jump(&self, seq: i64) {
        let mut order = lock(&self.order);
        order.sent = order.sent.map(|sent| sent.max(seq));
    }

    fn send_in_turn(&self, order: &mut Order) -> Option<i64> {
        let mut sent = order.sent?;
        while let Some(entry) = order.early.first_entry() {
            let seq = *entry.key();
            if seq > sent + 1 {
                break;
            }
            let event = entry.remove();
            if seq == sent + 1 {
                sent = seq;
                self.counts.sent(event.event.created_at, self.clock.now());
                // Nobody listening is no error.
                let _ = self.sender.send(event);
            }
        }
        order.sent = Some(sent);
        order.early.last_key_value().map(|(seq, _)| *seq)
    }

    pub(super) fn see_access(&self, version: i64) {
        self.access.send_if_modified(|seen| {
            let moved = version > *seen;
            *seen = version.max(*seen);
            moved
        });
    }

    pub(super) fn sent(&self) -> Option<i64> {
        lock(&self.order).sent
    }

    /// How many listen.
    pub(super) fn listeners(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Events that wait for those before them.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.order).early.len()
    }

    /// Events from here on, and the store's access version.
    pub(super) fn listen(&self) -> (broadcast::Receiver<Arc<LiveEvent>>, watch::Receiver<i64>) {
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
    fn events_handed_over_out_of_order_are_sent_in_order_and_once() {
        let feed = Feed::new(Arc::new(EventCounts::new()), Clock::system());
        let mut receiver = feed.listen().0;
        assert_eq!(feed.offer(event(11)), None, "before the head is known nothing is missing");
        feed.start_at(10);
        assert_eq!(feed.offer(event(14)), Some(14));
        assert_eq!(feed.offer(event(13)), Some(14));
        assert_eq!(received(&mut receiver), [11]);
        assert_eq!([feed.offer(event(12)), feed.offer(event(12)), feed.offer(event(5))], [None; 3]);
        assert_eq!(received(&mut receiver), [12, 13, 14]);
        assert_eq!(feed.sent(), Some(14));
    }
}
