//! Orders: placing them, reading them, moving them along.

use prometheus_client::registry::Registry;
use serde_json::json;

use crate::clock::Clock;
use crate::database::{Database, Transaction, retrying};
use crate::error::{AppError, ErrorCode, Result};
use crate::events::{Hub, record};
use crate::models::{
    Actor, AuditAction, Cancellation, DayRange, IdempotencyKey, LiveFilter, NewAuditEntry, NewEvent, Order, OrderId,
    OrderLine, OrderNumber, OrderStatus, Page, PastOrder, SessionId, StatusChange, StoreId, TableId, content_digest,
};
use crate::repositories::{order, session, table};
use crate::security::rush::Rush;
use crate::services::placing::{Placing, PlacingQueue};
use crate::services::{MenuService, StoreService, audit};

/// Orders. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OrderService {
    database: Database,
    placing: Placing,
    hub: Hub,
    rush: Rush,
    clock: Clock,
}

/// What a guest asks for.
#[derive(Debug)]
pub struct OrderRequest<'a> {
    /// The lines.
    pub lines: Vec<OrderLine>,
    /// A wish.
    pub note: Option<&'a str>,
    /// The key that makes a retry the same order.
    pub key: Option<IdempotencyKey>,
}

/// An order that was placed.
#[derive(Debug)]
pub struct Placed {
    /// The order, as it was placed.
    pub order: Order,
    /// Whether it was placed by an earlier request with the same key.
    pub is_replayed: bool,
}

/// A page of orders.
#[derive(Debug)]
pub struct OrderPage<T> {
    /// The orders.
    pub orders: Vec<T>,
    /// Where the next page goes on, if there is one.
    pub next: Option<OrderNumber>,
}

impl<T> OrderPage<T> {
    /// Cuts off the one more that was asked for to see whether there is any.
    fn cut(mut orders: Vec<T>, page: Page, number: impl Fn(&T) -> OrderNumber) -> Self {
        let has_more = orders.len() > page.limit.get();
        orders.truncate(page.limit.get());
        Self { next: orders.last().filter(|_| has_more).map(number), orders }
    }
}

impl OrderService {
    /// Orders kept in `database` and told to `hub`, and each to `rush` when it comes in.
    #[must_use]
    pub fn new(
        database: Database,
        stores: StoreService,
        menus: MenuService,
        hub: Hub,
        rush: Rush,
        clock: Clock,
    ) -> Self {
        let queue = PlacingQueue::new(database.clone(), hub.clone(), clock.clone());
        Self { placing: Placing::new(menus, stores, queue), database, hub, rush, clock }
    }

    /// Adds what is counted of orders to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.placing.register(registry);
    }

    /// Places an order at the prices of this moment. The same key with the same content again gives the first
    /// answer again, at any later time, whatever became of the order or the stay since.
    ///
    /// # Errors
    /// `SESSION_ENDED`, `MENU_NOT_FOUND`, `MENU_UNAVAILABLE`, `IDEMPOTENCY_MISMATCH` for a key that was used for
    /// other content.
    pub async fn place(
        &self,
        store: StoreId,
        table: TableId,
        session: SessionId,
        request: &OrderRequest<'_>,
    ) -> Result<Placed> {
        self.rush.order();
        let refused = match self.placing.place(store, table, session, request).await {
            Ok(order) => return Ok(Placed { order, is_replayed: false }),
            Err(refused) => refused,
        };
        // Only a refusal is worth the look: is it the retry of an order that was placed? (Where the database is
        // away, the client tries again anyway.)
        if refused.code == ErrorCode::ServiceUnavailable {
            return Err(refused);
        }
        let mut connection = self.database.acquire().await?;
        let placed = match &request.key {
            Some(key) => order::find_by_key(connection.conn(), store, session, key).await?,
            None => None,
        };
        let Some(order) = placed else {
            // Whatever else is wrong with it, that the stay is over comes first.
            let stay = session::find(connection.conn(), store, session).await?;
            let goes_on = stay.is_some_and(|stay| stay.completed_at.is_none() && stay.table_id == table);
            return Err(if goes_on { refused } else { ErrorCode::SessionEnded.into() });
        };
        let digest = order::content_digest(connection.conn(), store, order.id).await?;
        if digest.as_deref() != Some(&content_digest(&request.lines, request.note)) {
            return Err(ErrorCode::IdempotencyMismatch.into());
        }
        // As it was answered then.
        let order = Order { status: OrderStatus::Pending, updated_at: order.created_at, ..order };
        Ok(Placed { order, is_replayed: true })
    }

    /// The orders of the stay a tablet is on, newest first; none once it has ended.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list_for_guests(&self, store: StoreId, session: SessionId) -> Result<Vec<Order>> {
        let mut connection = self.database.acquire().await?;
        match session::find(connection.conn(), store, session).await? {
            Some(session) if session.completed_at.is_none() => {}
            _ => return Ok(Vec::new()),
        }
        let orders = order::list_by_session(connection.conn(), store, session).await?;
        connection.done();
        Ok(orders)
    }

    /// The orders of a session, running or past, newest first.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`.
    pub async fn list_by_session(&self, store: StoreId, session: SessionId) -> Result<Vec<Order>> {
        let mut connection = self.database.acquire().await?;
        let session = session::find(connection.conn(), store, session).await?.ok_or(ErrorCode::SessionNotFound)?;
        order::list_by_session(connection.conn(), store, session.id).await
    }

    /// The orders of the store's running stays, newest first, and whether there are more.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list_live(&self, store: StoreId, filter: LiveFilter, page: Page) -> Result<OrderPage<Order>> {
        let mut connection = self.database.acquire().await?;
        let orders = order::list_live(connection.conn(), store, filter, page).await?;
        connection.done();
        Ok(OrderPage::cut(orders, page, |order| order.number))
    }

    /// The orders of a table's completed stays, newest first, and whether there are more.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`.
    pub async fn history(
        &self,
        store: StoreId,
        table: TableId,
        days: DayRange,
        page: Page,
    ) -> Result<OrderPage<PastOrder>> {
        let mut connection = self.database.acquire().await?;
        table::find(connection.conn(), store, table).await?.ok_or(ErrorCode::TableNotFound)?;
        let orders = order::list_past(connection.conn(), store, table, days, page).await?;
        let mut sessions: Vec<SessionId> = orders.iter().map(|order| order.session_id).collect();
        sessions.dedup();
        let completed = session::completion_times(connection.conn(), store, &sessions).await?;
        let past = orders.into_iter().filter_map(|order| {
            let completed_at = *completed.get(&order.session_id)?;
            Some(PastOrder { order, completed_at })
        });
        Ok(OrderPage::cut(past.collect(), page, |past| past.order.number))
    }

    /// One order, live or past.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: OrderId) -> Result<Order> {
        order::get(self.database.acquire().await?.conn(), store, id).await
    }

    /// Cancels an order: gone from every list and total, kept with who, when and why.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `SESSION_ENDED` for an order that is history.
    pub async fn cancel(&self, store: StoreId, by: &Actor, id: OrderId, reason: Option<&str>) -> Result<()> {
        retrying(|| self.try_cancel(store, by, id, reason)).await
    }

    async fn try_cancel(&self, store: StoreId, by: &Actor, id: OrderId, reason: Option<&str>) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let (session, table) = lock_live(&mut tx, store, id).await?;
        let order = order::get(tx.conn(), store, id).await?;
        let now = self.clock.now();
        order::cancel(tx.conn(), store, id, Cancellation { by: &by.name, reason }, now).await?;
        let entry = NewAuditEntry::new(AuditAction::OrderDeleted, id.0).before(&order).after(json!({"reason": reason}));
        audit::record(&mut tx, store, by, &entry, now).await?;
        let recorded = record(&mut tx, store, NewEvent::order_deleted(id, table, session), now).await?;
        tx.commit().await?;
        self.hub.publish(recorded);
        Ok(())
    }

    /// Moves an order along.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `SESSION_ENDED` for an order that is history, `INVALID_STATUS_TRANSITION`.
    pub async fn set_status(&self, store: StoreId, id: OrderId, to: OrderStatus) -> Result<Order> {
        retrying(|| self.try_set_status(store, id, to)).await
    }

    async fn try_set_status(&self, store: StoreId, id: OrderId, to: OrderStatus) -> Result<Order> {
        let mut tx = self.database.begin().await?;
        lock_live(&mut tx, store, id).await?;
        let from = order::lock_status(tx.conn(), store, id).await?;
        let change =
            from.change_to(to).map_err(|invalid| AppError::caused_by(ErrorCode::InvalidStatusTransition, invalid))?;
        if change == StatusChange::AlreadyThere {
            return order::get(tx.conn(), store, id).await;
        }
        let now = self.clock.now();
        order::set_status(tx.conn(), store, id, to, now).await?;
        let order = order::get(tx.conn(), store, id).await?;
        let recorded = record(&mut tx, store, NewEvent::order_updated(&order), now).await?;
        tx.commit().await?;
        self.hub.publish(recorded);
        Ok(order)
    }
}

/// Locks the order's session against being completed, session before order as everywhere.
async fn lock_live(tx: &mut Transaction, store: StoreId, id: OrderId) -> Result<(SessionId, TableId)> {
    let (session, table) = order::place_of(tx.conn(), store, id).await?;
    match session::lock_open(tx.conn(), store, session).await? {
        Some(_) => Err(ErrorCode::SessionEnded.into()),
        None => Ok((session, table)),
    }
}
