//! Orders: placing them, reading them, moving them along.

mod batcher;
mod changes;
mod pricing;
mod writer;

use chrono::{DateTime, TimeDelta, Utc};
use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;

use self::batcher::Batcher;
use self::pricing::price;
use self::writer::OrderWriter;
use crate::clock::Clock;
use crate::database::{Connection, Database};
use crate::error::{AppError, ErrorCode, Result};
use crate::events::Hub;
use crate::models::{
    DayRange, IdempotencyKey, LiveFilter, Order, OrderId, OrderLine, OrderNumber, OrderStatus, Page, PastOrder,
    PlacementOutcome, SessionId, StoreId, TableId, content_digest,
};
use crate::repositories::{event, order, session, table};
use crate::services::{MenuService, StoreService};

/// How long after its order a key is known at the table, in whichever session. (As `place_orders_v3` has it.)
const RETRIED_WITHIN: TimeDelta = TimeDelta::hours(24);

/// Orders.
#[derive(Clone)]
pub struct OrderService {
    database: Database,
    stores: StoreService,
    menus: MenuService,
    writer: Batcher<OrderWriter>,
    hub: Hub,
    clock: Clock,
}

/// What a guest asks for.
#[derive(Debug)]
pub struct OrderRequest<'a> {
    /// The lines.
    pub lines: Vec<OrderLine>,
    /// The guest's note.
    pub note: Option<&'a str>,
    /// The key that makes a retry the same order.
    pub key: Option<IdempotencyKey>,
}

/// The session an order is for, as the table's token names it.
#[derive(Debug, Clone, Copy)]
pub struct OrderOrigin {
    /// The store.
    pub store: StoreId,
    /// The table.
    pub table: TableId,
    /// The session.
    pub session: SessionId,
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

/// The facts that decide how a refused order is answered.
struct Refusal {
    is_session_running: bool,
    menu_version: i64,
    /// The order that an earlier request with the same key placed, and the digest of its content.
    placed: Option<(Order, Option<Vec<u8>>)>,
}

impl OrderService {
    /// Orders stored in `database` and published to `hub`.
    #[must_use]
    pub fn new(database: Database, stores: StoreService, menus: MenuService, hub: Hub, clock: Clock) -> Self {
        let writer = OrderWriter::new(database.clone(), stores.clone(), hub.clone(), clock.clone());
        Self { database, stores, menus, writer, hub, clock }
    }

    /// Adds the metrics of orders to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.writer.register(registry);
    }

    /// Places an order at the current prices. The same key with the same content again gives the first answer again,
    /// whatever became of the order or the session since: at any later time in the session, and within 24 hours at the
    /// table, where the tablet may have logged in again.
    ///
    /// # Errors
    /// `SESSION_ENDED`, `MENU_NOT_FOUND`, `MENU_UNAVAILABLE`, `IDEMPOTENCY_MISMATCH` for a key that was used for
    /// other content.
    pub async fn place(&self, origin: OrderOrigin, request: &OrderRequest<'_>) -> Result<Placed> {
        // Each attempt can only lose to a menu change that happens at the same moment.
        const ATTEMPTS: usize = 10;
        let OrderOrigin { store, .. } = origin;
        let mut menu = self.menus.current(store).await?;
        for _ in 0..ATTEMPTS {
            let refused = match price(origin, request, &menu) {
                Ok(priced) => match self.writer.place(store, priced).await? {
                    PlacementOutcome::Placed(order) => return Ok(Placed { order: *order, is_replayed: false }),
                    PlacementOutcome::SessionEnded => ErrorCode::SessionEnded.into(),
                    PlacementOutcome::KeyUsed => ErrorCode::Duplicate.into(),
                    PlacementOutcome::MenuChanged { menu_version } => {
                        menu = self.menus.at_least(store, menu_version).await?;
                        continue;
                    }
                },
                Err(refused) => refused,
            };
            let Refusal { is_session_running, menu_version, placed } = self.examine(origin, request).await?;
            if let Some((order, digest)) = placed {
                return replayed(order, digest.as_deref(), request);
            }
            // Whatever else is wrong with the order, the end of the session comes first.
            if !is_session_running {
                return Err(ErrorCode::SessionEnded.into());
            }
            if menu_version <= menu.version {
                return Err(refused);
            }
            menu = self.menus.at_least(store, menu_version).await?;
        }
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the menu keeps changing"))
    }

    /// Reads why an order is refused, or that it is the retry of one that was placed.
    async fn examine(&self, origin: OrderOrigin, request: &OrderRequest<'_>) -> Result<Refusal> {
        let OrderOrigin { store, table, session } = origin;
        let refusal = self.database.read(|conn| {
            async move {
                let found = session::find(conn, store, session).await?;
                let placed = match &request.key {
                    Some(key) => self.find_placed(conn, origin, key, request).await?,
                    None => None,
                };
                Ok(Refusal {
                    is_session_running: found.is_some_and(|found| !found.is_completed() && found.table_id == table),
                    menu_version: event::menu_version(conn, store).await?,
                    placed,
                })
            }
            .scope_boxed()
        });
        refusal.await
    }

    /// The order that an earlier request with this key placed, and the digest of its content: in the session, or with the
    /// same content at the table.
    async fn find_placed(
        &self,
        conn: &mut Connection,
        origin: OrderOrigin,
        key: &IdempotencyKey,
        request: &OrderRequest<'_>,
    ) -> Result<Option<(Order, Option<Vec<u8>>)>> {
        let OrderOrigin { store, table, session } = origin;
        if let Some(placed) = order::find_by_key(conn, store, session, key).await? {
            return Ok(Some(placed));
        }
        let digest = content_digest(&request.lines, request.note);
        let since = self.clock.now() - RETRIED_WITHIN;
        let retried = order::find_retried(conn, store, table, key, &digest, since).await?;
        Ok(retried.map(|order| (order, Some(digest.to_vec()))))
    }

    /// The orders of a table's session, newest first; none once it has ended.
    pub async fn list_for_guests(&self, store: StoreId, session: SessionId) -> Result<Vec<Order>> {
        let orders = self.database.read(|conn| {
            async move {
                match session::find(conn, store, session).await? {
                    Some(found) if !found.is_completed() => order::list_by_session(conn, store, session).await,
                    _ => Ok(Vec::new()),
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
    pub async fn list_by_session(&self, store: StoreId, session: SessionId) -> Result<Vec<Order>> {
        let orders = self.database.read(|conn| {
            async move {
                session::find(conn, store, session).await?.ok_or(ErrorCode::SessionNotFound)?;
                order::list_by_session(conn, store, session).await
            }
            .scope_boxed()
        });
        orders.await
    }

    /// The store's live orders, newest first, and whether there are more: those of running sessions, and the unfinished
    /// ones of sessions that were completed in this business day or the one before.
    pub async fn list_live(&self, store: StoreId, filter: LiveFilter, page: Page) -> Result<OrderPage<Order>> {
        let since = self.carried_over_since(store).await?;
        let orders =
            self.database.read(|conn| order::list_live(conn, store, filter, since, page).scope_boxed()).await?;
        Ok(OrderPage::cut(orders, page, |order| order.number))
    }

    async fn carried_over_since(&self, store: StoreId) -> Result<DateTime<Utc>> {
        Ok(self.stores.get(store).await?.calendar.carried_over_since(self.clock.now()))
    }

    /// The orders of a table's completed sessions, newest first, and whether there are more.
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
                let past = orders.into_iter().filter_map(|order| {
                    let completed_at = *completed.get(&order.session_id)?;
                    Some(PastOrder { order, completed_at })
                });
                Ok(past.collect())
            }
            .scope_boxed()
        });
        Ok(OrderPage::cut(past.await?, page, |past: &PastOrder| past.order.number))
    }

    /// One order, live or past.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: OrderId) -> Result<Order> {
        self.database.read(|conn| order::get(conn, store, id).scope_boxed()).await
    }
}

/// The answer to the retry of `order`, whose content had this digest: the order as it was answered first.
fn replayed(order: Order, digest: Option<&[u8]>, request: &OrderRequest<'_>) -> Result<Placed> {
    if digest != Some(&content_digest(&request.lines, request.note)) {
        return Err(ErrorCode::IdempotencyMismatch.into());
    }
    let order = Order { status: OrderStatus::Pending, updated_at: order.created_at, ..order };
    Ok(Placed { order, is_replayed: true })
}
