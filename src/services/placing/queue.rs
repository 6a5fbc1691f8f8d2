//! Orders of one store are written one batch after the other: whoever arrives while a batch is on its way goes with
//! the next. A lone order waits for nobody; in a rush, many share a transaction and its flush to disk, each judged
//! alone and acknowledged only once it is durable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::database::{Database, retrying};
use crate::error::{AppError, ErrorCode, Result};
use crate::events::{Hub, Recorded, new_order_tail};
use crate::models::{
    BusinessCalendar, ItemId, NewEvent, Order, OrderId, OrderItem, OrderNumber, OrderStatus, PlacedAs, Placement,
    PricedLine, StoreId,
};
use crate::repositories::placement;
use crate::telemetry::request::count_query;

/// Orders written together at most.
const MAX_BATCH: usize = 32;

/// What became of an order.
#[derive(Debug)]
pub(super) enum Written {
    /// It is durable, and its event on its way.
    Order(Box<Order>),
    /// The stay has ended.
    SessionEnded,
    /// The session has an order with this key.
    KeyUsed,
    /// The menu is another by now.
    MenuChanged,
}

/// An order, and who waits for it.
#[derive(Debug)]
struct Waiting {
    placement: Placement,
    since: Instant,
    answer: oneshot::Sender<Result<Written>>,
}

/// Writes orders. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::services) struct PlacingQueue {
    database: Database,
    hub: Hub,
    clock: Clock,
    /// The stores a batch of which is on its way, with those who go with the next.
    stores: Arc<Mutex<HashMap<StoreId, Vec<Waiting>>>>,
    placed: Counter,
    batches: Counter,
}

impl PlacingQueue {
    pub(in crate::services) fn new(database: Database, hub: Hub, clock: Clock) -> Self {
        Self { database, hub, clock, stores: Arc::default(), placed: Counter::default(), batches: Counter::default() }
    }

    /// Adds what is counted here to `registry`.
    pub(in crate::services) fn register(&self, registry: &mut Registry) {
        registry.register("orders_placed", "Orders that were placed, retries not counted", self.placed.clone());
        registry.register("order_batches", "Transactions in which orders were placed", self.batches.clone());
    }

    /// Writes an order. Once begun, it goes on even if nobody waits any more.
    ///
    /// # Errors
    /// Of the database; then the order is not written, unless its connection was lost meanwhile.
    pub(super) async fn write(
        &self,
        store: StoreId,
        calendar: BusinessCalendar,
        placement: Placement,
    ) -> Result<Written> {
        count_query();
        let (answer, written) = oneshot::channel();
        let waiting = Waiting { placement, since: Instant::now(), answer };
        if let Some(first) = self.join(store, waiting) {
            tokio::spawn(self.clone().work(store, calendar, first));
        }
        written.await.map_err(AppError::internal)?
    }

    /// Puts an order into the store's next batch; gives it back where none is on its way.
    fn join(&self, store: StoreId, waiting: Waiting) -> Option<Waiting> {
        let mut stores = self.stores();
        if let Some(next) = stores.get_mut(&store) {
            next.push(waiting);
            return None;
        }
        stores.insert(store, Vec::new());
        Some(waiting)
    }

    async fn work(self, store: StoreId, calendar: BusinessCalendar, first: Waiting) {
        let turn = Turn { queue: &self, store };
        let mut batch = vec![first];
        while !batch.is_empty() {
            self.write_batch(store, calendar, batch).await;
            batch = turn.next();
        }
    }

    async fn write_batch(&self, store: StoreId, calendar: BusinessCalendar, mut batch: Vec<Waiting>) {
        batch.sort_by_key(|waiting| waiting.placement.session_id);
        let orders: Vec<&Placement> = batch.iter().map(|waiting| &waiting.placement).collect();
        // Whoever waited for the batch before has waited for the same connections as that did.
        let since = batch.iter().map(|waiting| waiting.since).min().unwrap_or_else(Instant::now);
        match self.write_orders(store, calendar, &orders, since).await {
            Ok(written) => {
                for (waiting, written) in batch.into_iter().zip(written) {
                    // Whoever gave up is not told; the order is placed all the same.
                    let _ = waiting.answer.send(Ok(written));
                }
            }
            Err(error) if batch.len() > 1 && error.code != ErrorCode::ServiceUnavailable => {
                // One of them is at fault: each alone.
                for waiting in batch {
                    let written = self.write_orders(store, calendar, &[&waiting.placement], since).await;
                    let _ = waiting.answer.send(written.and_then(|mut written| {
                        written.pop().ok_or_else(|| AppError::internal("an order was neither placed nor refused"))
                    }));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for waiting in batch {
                    let _ = waiting.answer.send(Err(AppError::caused_by(error.code, Arc::clone(&error))));
                }
            }
        }
    }

    async fn write_orders(
        &self,
        store: StoreId,
        calendar: BusinessCalendar,
        orders: &[&Placement],
        since: Instant,
    ) -> Result<Vec<Written>> {
        let attempt = async || {
            let now = self.clock.now();
            let mut connection = self.database.acquire_since(since).await?;
            let day = calendar.day_of(now);
            let tails: Vec<String> = orders.iter().map(|order| new_order_tail(order, now)).collect();
            let placed = placement::place(connection.conn(), store, day, now, orders, &tails).await?;
            connection.done();
            Ok((now, placed))
        };
        // A batch that hangs would hold up its store's next ones.
        let (now, placed) = self.database.while_there(retrying(attempt)).await??;
        let business_day = calendar.day_of(now);
        let (mut written, mut told) = (Vec::with_capacity(placed.len()), Vec::with_capacity(placed.len()));
        for (placement, placed) in orders.iter().zip(placed) {
            written.push(match placed {
                PlacedAs::SessionEnded => Written::SessionEnded,
                PlacedAs::KeyUsed => Written::KeyUsed,
                PlacedAs::MenuChanged => Written::MenuChanged,
                PlacedAs::Order { id, day_number, event_seq, table_number, item_ids } => {
                    let number = OrderNumber { business_day, day_number };
                    let order = order(placement, id, number, table_number, item_ids, now);
                    told.push(Recorded::new(store, event_seq, NewEvent::new_order(&order), now));
                    Written::Order(Box::new(order))
                }
            });
        }
        self.batches.inc_by(u64::from(!told.is_empty()));
        self.placed.inc_by(u64::try_from(told.len()).unwrap_or_default());
        for recorded in told {
            self.hub.publish(recorded);
        }
        Ok(written)
    }

    fn stores(&self) -> MutexGuard<'_, HashMap<StoreId, Vec<Waiting>>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store's turn to write: ends when nobody is left to go next, and in any case when it is dropped, so that a
/// fault here makes those who wait fail instead of waiting for ever.
struct Turn<'a> {
    queue: &'a PlacingQueue,
    store: StoreId,
}

impl Turn<'_> {
    /// Those who arrived meanwhile; with none, the store is free again.
    fn next(&self) -> Vec<Waiting> {
        let mut stores = self.queue.stores();
        let Some(arrived) = stores.get_mut(&self.store) else { return Vec::new() };
        let next: Vec<_> = arrived.drain(..arrived.len().min(MAX_BATCH)).collect();
        if next.is_empty() {
            stores.remove(&self.store);
        }
        next
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.queue.stores().remove(&self.store);
        }
    }
}

/// The order as it stands in the database now.
fn order(
    placement: &Placement,
    id: OrderId,
    number: OrderNumber,
    table_number: i32,
    item_ids: Vec<ItemId>,
    now: DateTime<Utc>,
) -> Order {
    let item = |(line, id): (&PricedLine, ItemId)| OrderItem {
        id,
        menu_name: line.menu_name.clone(),
        unit_price: line.unit_price,
        quantity: line.quantity,
    };
    Order {
        id,
        number,
        session_id: placement.session_id,
        table_id: placement.table_id,
        table_number,
        status: OrderStatus::Pending,
        total_amount: placement.total_amount,
        note: placement.note.clone(),
        created_at: now,
        updated_at: now,
        items: placement.lines.iter().zip(item_ids).map(item).collect(),
    }
}
