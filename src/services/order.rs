//! Orders: placing them, reading them, moving them along.

mod batcher;
mod pricing;
mod writer;

use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use self::batcher::Batcher;
use self::pricing::price;
use self::writer::OrderWriter;
use crate::clock::Clock;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::events::{Hub, append};
use crate::models::{
    Actor, AuditAction, Cancellation, DayRange, IdempotencyKey, LiveFilter, NewAuditEntry, NewEvent, Order, OrderId,
    OrderLine, OrderNumber, OrderStatus, Page, PastOrder, PlacementOutcome, SessionId, StatusChange, StoreId, TableId,
    content_digest,
};
use crate::repositories::{event, order, session, table};
use crate::services::session::lock_running;
use crate::services::{MenuService, StoreService, audit};

/// Orders.
#[derive(Clone)]
pub struct OrderService {
    database: Database,
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
        let writer = OrderWriter::new(database.clone(), stores, hub.clone(), clock.clone());
        Self { database, menus, writer, hub, clock }
    }

    /// Adds the metrics of orders to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.writer.register(registry);
    }

    /// Places an order at the current prices. The same key with the same content again gives the first answer again,
    /// at any later time, whatever became of the order or the session since.
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
                    Some(key) => order::find_by_key(conn, store, session, key).await?,
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

    /// The orders of the store's running sessions, newest first, and whether there are more.
    pub async fn list_live(&self, store: StoreId, filter: LiveFilter, page: Page) -> Result<OrderPage<Order>> {
        let orders = self.database.read(|conn| order::list_live(conn, store, filter, page).scope_boxed()).await?;
        Ok(OrderPage::cut(orders, page, |order| order.number))
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

    /// Cancels an order: it leaves every list and total, and is kept with who, when and why.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `SESSION_ENDED` for an order that is history.
    pub async fn cancel(&self, store: StoreId, by: &Actor, id: OrderId, reason: Option<&str>) -> Result<()> {
        let cancelled = self.database.transaction(store, |tx| {
            async move {
                let session = order::session_of(tx, store, id).await?;
                lock_running(tx, store, session).await?;
                let order = order::get(tx, store, id).await?;
                let now = self.clock.now();
                order::cancel(tx, store, id, Cancellation { by: &by.name, reason }, now).await?;
                let entry =
                    NewAuditEntry::new(AuditAction::OrderDeleted, id.0).before(&order).after(json!({"reason": reason}));
                audit::record(tx, store, by, &entry, now).await?;
                append(tx, store, NewEvent::order_deleted(&order), now).await
            }
            .scope_boxed()
        });
        self.hub.publish(cancelled.await?);
        Ok(())
    }

    /// Moves an order along.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `SESSION_ENDED` for an order that is history, `INVALID_STATUS_TRANSITION`.
    pub async fn set_status(&self, store: StoreId, id: OrderId, to: OrderStatus) -> Result<Order> {
        let updated = self.database.transaction(store, |tx| {
            async move {
                let session = order::session_of(tx, store, id).await?;
                lock_running(tx, store, session).await?;
                let from = order::lock_status(tx, store, id).await?;
                let change = from
                    .change_to(to)
                    .map_err(|invalid| AppError::caused_by(ErrorCode::InvalidStatusTransition, invalid))?;
                if change == StatusChange::AlreadyThere {
                    return Ok((order::get(tx, store, id).await?, None));
                }
                let now = self.clock.now();
                order::set_status(tx, store, id, to, now).await?;
                let order = order::get(tx, store, id).await?;
                let event = append(tx, store, NewEvent::order_updated(&order), now).await?;
                Ok((order, Some(event)))
            }
            .scope_boxed()
        });
        let (order, event) = updated.await?;
        if let Some(event) = event {
            self.hub.publish(event);
        }
        Ok(order)
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
