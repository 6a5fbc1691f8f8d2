//! Orders: placing, reading, changing their status, cancelling and restoring them.

mod batcher;
mod changes;
mod place;
mod pricing;
mod session_limits;
mod writer;

use chrono::{DateTime, Utc};
use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;

use self::batcher::Batcher;
use self::session_limits::SessionLimiter;
use self::writer::OrderWriter;
use crate::clock::Clock;
use crate::config::SessionLimits;
use crate::database::{Connection, Database};
use crate::error::{ErrorCode, Result};
use crate::events::Hub;
use crate::models::{
    DayRange, DeviceId, IdempotencyKey, LiveFilter, Money, Order, OrderId, OrderLine, OrderNumber, Page, PageLimit,
    PastOrder, SessionId, SessionPage, StoreId, TableId,
};
use crate::repositories::{order, session, table};
use crate::services::{MenuService, StoreService};

/// Places, reads and changes orders.
#[derive(Clone)]
pub struct OrderService {
    database: Database,
    stores: StoreService,
    menus: MenuService,
    writer: Batcher<OrderWriter>,
    limiter: SessionLimiter,
    hub: Hub,
    clock: Clock,
}

/// An order that a guest wants to place.
#[derive(Debug)]
pub struct OrderRequest<'a> {
    /// The lines.
    pub lines: Vec<OrderLine>,
    /// The guest's note.
    pub note: Option<&'a str>,
    /// The key that identifies retries of the order.
    pub key: Option<IdempotencyKey>,
    /// The session that the guest ordered for, if the client names it.
    pub session: Option<SessionId>,
    /// The version of the menu that the guest saw.
    pub menu_version: Option<i64>,
    /// The latest time at which the order may be placed.
    pub not_after: Option<DateTime<Utc>>,
}

/// The origin of an order, from the table's token.
#[derive(Debug, Clone, Copy)]
pub struct OrderOrigin {
    /// The store.
    pub store: StoreId,
    /// The table.
    pub table: TableId,
    /// The session.
    pub session: SessionId,
    /// The tablet, if its token names one.
    pub device: Option<DeviceId>,
}

/// An order that was placed.
#[derive(Debug)]
pub struct Placed {
    /// The order as it was when it was placed.
    pub order: Order,
    /// Whether an earlier request with the same key placed it.
    pub is_replayed: bool,
}

/// A page of orders.
#[derive(Debug)]
pub struct OrderPage<T> {
    /// The orders.
    pub orders: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub next: Option<OrderNumber>,
}

/// A session's orders, or a page of them.
#[derive(Debug, Default)]
pub struct SessionOrders {
    /// The orders.
    pub orders: Vec<Order>,
    /// The sum of all orders of the session.
    pub total_amount: Money,
    /// The cursor of the next page, if there is one.
    pub next: Option<OrderNumber>,
}

impl<T> OrderPage<T> {
    /// Makes a page of the rows that were read: one more than `limit`, which shows whether there is a next page.
    fn from_rows(mut orders: Vec<T>, limit: usize, number: impl Fn(&T) -> OrderNumber) -> Self {
        let has_more = orders.len() > limit;
        orders.truncate(limit);
        Self { next: orders.last().filter(|_| has_more).map(number), orders }
    }
}

impl OrderService {
    /// The service for `database`. Changes are published to `hub`.
    #[must_use]
    pub fn new(
        database: Database,
        stores: StoreService,
        menus: MenuService,
        hub: Hub,
        limits: SessionLimits,
        clock: Clock,
    ) -> Self {
        let writer = OrderWriter::new(database.clone(), stores.clone(), hub.clone(), clock.clone(), limits);
        Self { database, stores, menus, writer, limiter: SessionLimiter::new(limits), hub, clock }
    }

    /// Adds the metrics of orders to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.writer.register(registry);
    }

    /// The orders of a table's session, newest first; empty once the session has ended.
    pub async fn list_for_guests(
        &self,
        store: StoreId,
        session: SessionId,
        page: SessionPage,
    ) -> Result<SessionOrders> {
        let orders = self.database.read(|conn| {
            async move {
                match session::find(conn, store, session).await? {
                    Some(found) if !found.is_completed() => self.read_session(conn, store, session, page).await,
                    _ => Ok(SessionOrders::default()),
                }
            }
            .scope_boxed()
        });
        orders.await
    }

    /// The orders of a session, running or past, newest first.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`.
    pub async fn list_by_session(
        &self,
        store: StoreId,
        session: SessionId,
        page: SessionPage,
    ) -> Result<SessionOrders> {
        let orders = self.database.read(|conn| {
            async move {
                session::find(conn, store, session).await?.ok_or(ErrorCode::SessionNotFound)?;
                self.read_session(conn, store, session, page).await
            }
            .scope_boxed()
        });
        orders.await
    }

    async fn read_session(
        &self,
        conn: &mut Connection,
        store: StoreId,
        session: SessionId,
        page: SessionPage,
    ) -> Result<SessionOrders> {
        let limit = page.limit.map_or(self.limiter.max_orders(), PageLimit::get);
        let one_more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let orders = order::list_by_session(conn, store, session, page.below, one_more).await?;
        let OrderPage { orders, next } = OrderPage::from_rows(orders, limit, |order| order.number);
        let total_amount = if page.below.is_none() && next.is_none() {
            orders.iter().map(|order| order.total_amount).sum()
        } else {
            order::totals(conn, store, session).await?.total_amount
        };
        Ok(SessionOrders { orders, total_amount, next })
    }

    /// A page of the store's live orders, newest first: the orders of running sessions, and the unfinished orders of
    /// sessions that were completed in this business day or the one before.
    pub async fn list_live(&self, store: StoreId, filter: LiveFilter, page: Page) -> Result<OrderPage<Order>> {
        let since = self.carried_over_since(store).await?;
        let orders =
            self.database.read(|conn| order::list_live(conn, store, filter, since, page).scope_boxed()).await?;
        Ok(OrderPage::from_rows(orders, page.limit.get(), |order| order.number))
    }

    async fn carried_over_since(&self, store: StoreId) -> Result<DateTime<Utc>> {
        Ok(self.stores.get(store).await?.calendar.carried_over_since(self.clock.now()))
    }

    /// A page of the orders of a table's completed sessions, newest first.
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
        let past = self.database.read(|conn| {
            async move {
                table::find(conn, store, table).await?.ok_or(ErrorCode::TableNotFound)?;
                let orders = order::list_past(conn, store, table, days, page).await?;
                let mut sessions: Vec<SessionId> = orders.iter().map(|order| order.session_id).collect();
                sessions.dedup();
                let completed = session::completion_times(conn, store, &sessions).await?;
                Ok((orders, completed))
            }
            .scope_boxed()
        });
        let (orders, completed) = past.await?;
        let OrderPage { orders, next } = OrderPage::from_rows(orders, page.limit.get(), |order: &Order| order.number);
        // A session that was reopened between the two statements has no time of completion.
        let orders = orders.into_iter().filter_map(|order| {
            let completed_at = *completed.get(&order.session_id)?;
            Some(PastOrder { order, completed_at })
        });
        Ok(OrderPage { orders: orders.collect(), next })
    }

    /// One order, live or past.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: OrderId) -> Result<Order> {
        self.database.read(|conn| order::get(conn, store, id).scope_boxed()).await
    }
}
