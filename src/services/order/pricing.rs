//! Checks an order against the menu and prices it.

use super::{OrderOrigin, OrderRequest};
use crate::error::{AppError, ErrorCode, FieldError, Reason, Result};
use crate::models::{Money, OrderLine, PricedLine, PricedOrder, content_digest};
use crate::services::MenuSnapshot;

/// The order at the prices of `menu`.
///
/// # Errors
/// `MENU_NOT_FOUND`, `MENU_UNAVAILABLE`, each naming every line at fault.
pub(super) fn price(origin: OrderOrigin, request: &OrderRequest<'_>, menu: &MenuSnapshot) -> Result<PricedOrder> {
    let lines = price_lines(&request.lines, menu)?;
    Ok(PricedOrder {
        session_id: origin.session,
        table_id: origin.table,
        menu_version: menu.version,
        total_amount: lines.iter().map(PricedLine::subtotal).sum::<Money>(),
        lines,
        note: request.note.map(str::to_owned),
        idempotency: request.key.clone().map(|key| (key, content_digest(&request.lines, request.note))),
    })
}

fn price_lines(lines: &[OrderLine], menu: &MenuSnapshot) -> Result<Vec<PricedLine>> {
    let check = |code: ErrorCode, reason: Reason, is_valid: &dyn Fn(&OrderLine) -> bool| {
        let details: Vec<_> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| !is_valid(line))
            .map(|(index, _)| FieldError { field: format!("items[{index}].menu_id"), reason: reason.clone() })
            .collect();
        if details.is_empty() { Ok(()) } else { Err(AppError { details, ..code.into() }) }
    };
    check(ErrorCode::MenuNotFound, Reason::Unknown, &|line| menu.item(line.menu_id).is_some())?;
    check(ErrorCode::MenuUnavailable, Reason::SoldOut, &|line| {
        menu.item(line.menu_id).is_some_and(|item| item.details.is_available)
    })?;
    let line = |line: &OrderLine| {
        let item = menu.item(line.menu_id)?;
        Some(PricedLine {
            menu_id: item.id,
            menu_name: item.details.name.clone(),
            unit_price: item.details.price,
            quantity: line.quantity,
        })
    };
    Ok(lines.iter().filter_map(line).collect())
}
