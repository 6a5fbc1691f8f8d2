//! Orders: placing them, reading them, moving them along.

use std::collections::HashMap;

use serde_json::json;

use crate::clock::Clock;
use crate::database::{Database, Transaction, retrying};
use crate::error::{AppError, ErrorCode, FieldError, Reason, Result};
use crate::events::{Hub, record};
use crate::models::{
    Actor, AuditAction, Cancellation, DayRange, IdempotencyKey, LiveFilter, Menu, MenuId, Money, NewAuditEntry,
    NewEvent, Order, OrderId, OrderLine, OrderNumber, OrderStatus, Page, PastOrder, Quantity, SessionId, StatusChange,
    StoreId, TableId, content_digest,
};
use crate::repositories::order::NewOrder;
use crate::repositories::{menu, order, session, table};
use crate::services::{StoreService, audit};

/// Orders. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OrderService {
    database: Database,
    stores: StoreService,
    hub: Hub,
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
    /// Orders kept in `database` and told to `hub`.
    #[must_use]
    pub fn new(database: Database, stores: StoreService, hub: Hub, clock: Clock) -> Self {
        Self { database, stores, hub, clock }
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
        let refused = match retrying(|| self.try_place(store, table, session, request)).await {
            Ok(order) => return Ok(Placed { order, is_replayed: false }),
            Err(refused) => refused,
        };
        // Only a refusal is worth the look: is it the retry of an order that was placed? (Where the database is
        // away, the client tries again anyway.)
        let key = request.key.as_ref().filter(|_| refused.code != ErrorCode::ServiceUnavailable);
        let Some(key) = key else { return Err(refused) };
        let mut connection = self.database.acquire().await?;
        let Some(order) = order::find_by_key(connection.conn(), store, session, key).await? else {
            return Err(refused);
        };
        let digest = order::content_digest(connection.conn(), store, order.id).await?;
        if digest.as_deref() != Some(&content_digest(&request.lines, request.note)) {
            return Err(ErrorCode::IdempotencyMismatch.into());
        }
        // As it was answered then.
        let order = Order { status: OrderStatus::Pending, updated_at: order.created_at, ..order };
        Ok(Placed { order, is_replayed: true })
    }

    /// Locks the session against being completed, so the order is on that stay's bill or refused, and takes the
    /// day's number and the event's seq last, since the store's other orders wait for those.
    async fn try_place(
        &self,
        store: StoreId,
        table: TableId,
        session: SessionId,
        request: &OrderRequest<'_>,
    ) -> Result<Order> {
        let calendar = self.stores.get(store).await?.calendar;
        let mut tx = self.database.begin().await?;
        // A session that is gone was removed with its table.
        let session = session::lock_to_order(tx.conn(), store, session).await?.ok_or(ErrorCode::SessionEnded)?;
        if session.completed_at.is_some() || session.table_id != table {
            return Err(ErrorCode::SessionEnded.into());
        }
        let now = self.clock.now();
        if session.started_at.is_none() {
            session::start(tx.conn(), store, session.id, now).await?;
        }
        let menus = menus_of(&mut tx, store, &request.lines).await?;
        let lines = priced(&request.lines, &menus)?;
        let total_amount: Money = lines.iter().map(|(menu, quantity)| Money::of_line(menu.price, *quantity)).sum();

        let number = order::next_number(tx.conn(), store, calendar.day_of(now)).await?;
        let digest = request.key.as_ref().map(|key| (key, content_digest(&request.lines, request.note)));
        let new = NewOrder {
            number,
            session_id: session.id,
            table_id: table,
            total_amount,
            note: request.note,
            idempotency: digest.as_ref().map(|(key, digest)| (*key, digest.as_slice())),
        };
        let id = order::insert(tx.conn(), store, &new, now).await?;
        let items = order::insert_items(tx.conn(), store, id, &lines).await?;
        let order = Order {
            id,
            number,
            session_id: session.id,
            table_id: table,
            table_number: session.table_number,
            status: OrderStatus::Pending,
            total_amount,
            note: request.note.map(str::to_owned),
            created_at: now,
            updated_at: now,
            items,
        };
        let recorded = record(&mut tx, store, NewEvent::new_order(&order), now).await?;
        tx.commit().await?;
        self.hub.publish(recorded);
        Ok(order)
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
        order::list_by_session(connection.conn(), store, session).await
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
        let orders = order::list_live(self.database.acquire().await?.conn(), store, filter, page).await?;
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

async fn menus_of(tx: &mut Transaction, store: StoreId, lines: &[OrderLine]) -> Result<HashMap<MenuId, Menu>> {
    let mut ids: Vec<MenuId> = lines.iter().map(|line| line.menu_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let menus = menu::find_many(tx.conn(), store, &ids).await?;
    Ok(menus.into_iter().map(|menu| (menu.id, menu)).collect())
}

/// Each line with its dish, or the error that names every line at fault.
fn priced<'m>(lines: &[OrderLine], menus: &'m HashMap<MenuId, Menu>) -> Result<Vec<(&'m Menu, Quantity)>> {
    let at_fault = |code: ErrorCode, reason: Reason, is_fine: fn(Option<&Menu>) -> bool| {
        let details: Vec<_> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| !is_fine(menus.get(&line.menu_id)))
            .map(|(index, _)| FieldError { field: format!("items[{index}].menu_id"), reason: reason.clone() })
            .collect();
        if details.is_empty() { Ok(()) } else { Err(AppError { details, ..code.into() }) }
    };
    at_fault(ErrorCode::MenuNotFound, Reason::Unknown, |menu| menu.is_some())?;
    at_fault(ErrorCode::MenuUnavailable, Reason::SoldOut, |menu| menu.is_some_and(|menu| menu.is_available))?;
    Ok(lines.iter().filter_map(|line| Some((menus.get(&line.menu_id)?, line.quantity))).collect())
}
