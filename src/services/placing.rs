//! Placing orders: judged by the menu in memory, written in one round trip, together with those of the same store
//! that arrive meanwhile.
//!
//! The database checks at the moment of writing that the menu is still the one an order was priced from, so memory
//! that is a moment behind costs another round and never a wrong price.

mod queue;

use prometheus_client::registry::Registry;

use crate::error::{AppError, ErrorCode, FieldError, Reason, Result};
use crate::models::{Money, Order, OrderLine, Placement, PricedLine, SessionId, StoreId, TableId, content_digest};
use crate::services::menu::{MenuService, MenuSnapshot};
use crate::services::{OrderRequest, StoreService};

pub(super) use queue::PlacingQueue;
use queue::Written;

/// Places orders. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Placing {
    menus: MenuService,
    stores: StoreService,
    queue: PlacingQueue,
}

impl Placing {
    pub(super) fn new(menus: MenuService, stores: StoreService, queue: PlacingQueue) -> Self {
        Self { menus, stores, queue }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        self.queue.register(registry);
    }

    /// Places an order at the prices of this moment.
    ///
    /// # Errors
    /// `SESSION_ENDED`, `MENU_NOT_FOUND`, `MENU_UNAVAILABLE`, `DUPLICATE` for a key the session has used.
    pub(super) async fn place(
        &self,
        store: StoreId,
        table: TableId,
        session: SessionId,
        request: &OrderRequest<'_>,
    ) -> Result<Order> {
        // Each round can only be lost to a change of the menu that happened meanwhile.
        const ROUNDS: usize = 10;
        let calendar = self.stores.get(store).await?.calendar;
        let mut menu = self.menus.current(store).await?;
        for _ in 0..ROUNDS {
            let lines = match priced(&request.lines, &menu) {
                Ok(lines) => lines,
                Err(refused) => {
                    let version = menu.version;
                    menu = self.menus.reload(store).await?;
                    if menu.version == version {
                        return Err(refused);
                    }
                    continue;
                }
            };
            let placement = Placement {
                session_id: session,
                table_id: table,
                menu_version: menu.version,
                total_amount: lines.iter().map(|line| Money::of_line(line.unit_price, line.quantity)).sum(),
                lines,
                note: request.note.map(str::to_owned),
                idempotency: request.key.clone().map(|key| (key, content_digest(&request.lines, request.note))),
            };
            match self.queue.write(store, calendar, placement).await? {
                Written::Order(order) => return Ok(*order),
                Written::SessionEnded => return Err(ErrorCode::SessionEnded.into()),
                Written::KeyUsed => return Err(ErrorCode::Duplicate.into()),
                Written::MenuChanged => menu = self.menus.reload(store).await?,
            }
        }
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the menu keeps changing"))
    }
}

/// Each line with its dish's name and price, or the error that names every line at fault.
fn priced(lines: &[OrderLine], menu: &MenuSnapshot) -> Result<Vec<PricedLine>> {
    let at_fault = |code: ErrorCode, reason: Reason, is_fine: &dyn Fn(&OrderLine) -> bool| {
        let details: Vec<_> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| !is_fine(line))
            .map(|(index, _)| FieldError { field: format!("items[{index}].menu_id"), reason: reason.clone() })
            .collect();
        if details.is_empty() { Ok(()) } else { Err(AppError { details, ..code.into() }) }
    };
    at_fault(ErrorCode::MenuNotFound, Reason::Unknown, &|line| menu.menu(line.menu_id).is_some())?;
    at_fault(ErrorCode::MenuUnavailable, Reason::SoldOut, &|line| {
        menu.menu(line.menu_id).is_some_and(|dish| dish.is_available)
    })?;
    let line = |line: &OrderLine| {
        let dish = menu.menu(line.menu_id)?;
        Some(PricedLine {
            menu_id: dish.id,
            menu_name: dish.name.clone(),
            unit_price: dish.price,
            quantity: line.quantity,
        })
    };
    Ok(lines.iter().filter_map(line).collect())
}
