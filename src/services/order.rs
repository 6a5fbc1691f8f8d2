//! Orders: placing them, reading them, moving them along.

use std::collections::HashMap;

use crate::clock::Clock;
use crate::database::{Database, Transaction};
use crate::error::{AppError, ErrorCode, FieldError, Reason, Result};
use crate::events::{Hub, record};
use crate::models::{
    Menu, MenuId, Money, NewEvent, Order, OrderId, OrderLine, OrderStatus, Quantity, SessionId, StatusChange, StoreId,
    TableId,
};
use crate::repositories::order::NewOrder;
use crate::repositories::{menu, order, session};
use crate::services::StoreService;

/// Orders. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OrderService {
    database: Database,
    stores: StoreService,
    hub: Hub,
    clock: Clock,
}

impl OrderService {
    /// Orders kept in `database` and told to `hub`.
    #[must_use]
    pub fn new(database: Database, stores: StoreService, hub: Hub, clock: Clock) -> Self {
        Self { database, stores, hub, clock }
    }

    /// Places an order at the prices of this moment.
    ///
    /// It locks the session against being completed, so it is on that stay's bill or refused, and takes the
    /// day's number and the event's seq last, since the store's other orders wait for those.
    ///
    /// # Errors
    /// `SESSION_ENDED`, `MENU_NOT_FOUND`, `MENU_UNAVAILABLE`.
    pub async fn place(
        &self,
        store: StoreId,
        table: TableId,
        session: SessionId,
        lines: &[OrderLine],
        note: Option<&str>,
    ) -> Result<Order> {
        let calendar = self.stores.get(store).await?.calendar;
        let mut tx = self.database.begin().await?;
        let session = session::lock_to_order(tx.conn(), store, session).await?;
        if session.completed_at.is_some() || session.table_id != table {
            return Err(ErrorCode::SessionEnded.into());
        }
        let now = self.clock.now();
        if session.started_at.is_none() {
            session::start(tx.conn(), store, session.id, now).await?;
        }
        let menus = menus_of(&mut tx, store, lines).await?;
        let lines = priced(lines, &menus)?;
        let total_amount: Money = lines.iter().map(|(menu, quantity)| Money::of_line(menu.price, *quantity)).sum();

        let number = order::next_number(tx.conn(), store, calendar.day_of(now)).await?;
        let new = NewOrder { number, session_id: session.id, table_id: table, total_amount, note };
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
            note: note.map(str::to_owned),
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
        if session::get(connection.conn(), store, session).await?.completed_at.is_some() {
            return Ok(Vec::new());
        }
        order::list_by_session(connection.conn(), store, session).await
    }

    /// The orders of a session, running or past, newest first.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`.
    pub async fn list_by_session(&self, store: StoreId, session: SessionId) -> Result<Vec<Order>> {
        let mut connection = self.database.acquire().await?;
        let session = session::get(connection.conn(), store, session).await?;
        order::list_by_session(connection.conn(), store, session.id).await
    }

    /// Moves an order along.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `SESSION_ENDED` for an order that is history, `INVALID_STATUS_TRANSITION`.
    pub async fn set_status(&self, store: StoreId, id: OrderId, to: OrderStatus) -> Result<Order> {
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
async fn lock_live(tx: &mut Transaction, store: StoreId, id: OrderId) -> Result<()> {
    let session = order::session_of(tx.conn(), store, id).await?;
    match session::lock_open(tx.conn(), store, session).await? {
        Some(_) => Err(ErrorCode::SessionEnded.into()),
        None => Ok(()),
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
