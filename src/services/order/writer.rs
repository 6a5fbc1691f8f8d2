//! Stores orders in batches per store, and publishes their events.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;

use super::batcher::{BatchWriter, Batcher};
use crate::clock::Clock;
use crate::config::SessionLimits;
use crate::database::{Database, NoConnection};
use crate::error::{AppError, ErrorCode, Result};
use crate::events::{AppendedEvent, Hub};
use crate::models::{NewEvent, PlacementOutcome, PricedOrder, StoreId};
use crate::repositories::placement;
use crate::request_context::count_query;
use crate::services::StoreService;

/// Stores batches of orders.
#[derive(Clone)]
pub(super) struct OrderWriter {
    database: Database,
    stores: StoreService,
    hub: Hub,
    clock: Clock,
    limits: SessionLimits,
    placed: Counter,
    batches: Counter,
}

impl OrderWriter {
    pub(super) fn new(
        database: Database,
        stores: StoreService,
        hub: Hub,
        clock: Clock,
        limits: SessionLimits,
    ) -> Batcher<Self> {
        let (placed, batches) = (Counter::default(), Counter::default());
        Batcher::new(Self { database, stores, hub, clock, limits, placed, batches })
    }

    /// Stores `orders` in one transaction and publishes the events of those that were placed.
    async fn write_batch(&self, store: StoreId, orders: &[PricedOrder]) -> Result<Vec<PlacementOutcome>> {
        let calendar = self.stores.get(store).await?.calendar;
        let placed = self.database.write(|conn| {
            async move {
                let now = self.clock.now();
                let with_events = orders.iter().map(|order| (order, NewEvent::new_order(order, now))).collect();
                placement::place_all(conn, store, calendar.day_of(now), now, self.limits, with_events).await
            }
            .scope_boxed()
        });
        let (outcomes, events) = placed.await?;
        self.batches.inc_by(u64::from(!events.is_empty()));
        self.placed.inc_by(events.len() as u64);
        for event in events {
            self.hub.publish(AppendedEvent { store, event });
        }
        Ok(outcomes)
    }
}

impl OrderWriter {
    /// Stores each order in its own transaction, until PostgreSQL is unavailable.
    async fn write_each(&self, store: StoreId, orders: &[PricedOrder]) -> Vec<Result<PlacementOutcome>> {
        let mut outcomes = Vec::with_capacity(orders.len());
        let mut unavailable: Option<Arc<AppError>> = None;
        for order in orders {
            let outcome = match &unavailable {
                Some(error) => Err(shared(error)),
                None => self.write_batch(store, std::slice::from_ref(order)).await,
            };
            outcomes.push(match outcome {
                Ok(mut outcome) => outcome.pop().ok_or_else(without_outcome),
                Err(error) if error.code == ErrorCode::ServiceUnavailable => {
                    let error = unavailable.get_or_insert_with(|| Arc::new(error));
                    Err(shared(error))
                }
                Err(error) => Err(error),
            });
        }
        outcomes
    }
}

impl BatchWriter for OrderWriter {
    type Key = StoreId;
    type Item = PricedOrder;
    type Outcome = Result<PlacementOutcome>;
    type Unavailable = Arc<AppError>;

    fn sort_key(order: &PricedOrder) -> impl Ord {
        order.session_id
    }

    async fn write(
        &self,
        store: StoreId,
        orders: Vec<PricedOrder>,
    ) -> Result<Vec<Result<PlacementOutcome>>, Arc<AppError>> {
        Ok(match self.write_batch(store, &orders).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(error) if error.is_caused_by::<NoConnection>() => return Err(Arc::new(error)),
            Err(error) if orders.len() > 1 && was_refused(&error) => self.write_each(store, &orders).await,
            Err(error) => {
                let error = Arc::new(error);
                orders.iter().map(|_| Err(shared(&error))).collect()
            }
        })
    }
}

impl Batcher<OrderWriter> {
    /// Stores an order. Once its batch has begun, the order is stored even if the caller is cancelled.
    ///
    /// # Errors
    /// A database error. Then the order is not stored, unless the connection was lost during the statement.
    pub(super) async fn place_in_batch(&self, store: StoreId, order: PricedOrder) -> Result<PlacementOutcome> {
        // The statement runs in another task, which does not have the context of this request.
        count_query();
        let reply = self.submit(store, order).await.ok_or_else(without_outcome)?;
        reply.unwrap_or_else(|unavailable| Err(shared(&unavailable)))
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let OrderWriter { placed, batches, .. } = self.writer();
        registry.register("orders_placed", "Orders that were placed, without retries", placed.clone());
        registry.register("order_batches", "Transactions in which orders were placed", batches.clone());
    }
}

/// Whether PostgreSQL refused a batch because of one of its orders. Then it stored none of them.
fn was_refused(error: &AppError) -> bool {
    let is_response = matches!(error.database_cause(), Some(sqlx::Error::Database(_)));
    is_response && error.code != ErrorCode::ServiceUnavailable
}

fn without_outcome() -> AppError {
    AppError::internal("an order was neither placed nor refused")
}

/// A copy of an error that several orders share.
fn shared(error: &Arc<AppError>) -> AppError {
    AppError::caused_by(error.code, Arc::clone(error))
}
