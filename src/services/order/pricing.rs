//! Validates an order with the menu and sets its prices.

use super::{OrderOrigin, OrderRequest};
use crate::error::{AppError, ChangedLine, ErrorCode, ErrorData, FieldError, Reason, Result};
use crate::models::{MenuItemDetails, Money, OrderLine, PricedLine, PricedOrder, content_digest};
use crate::services::MenuSnapshot;

/// Prices the order with `menu`.
///
/// # Errors
/// `MENU_NOT_FOUND`, `MENU_UNAVAILABLE` and `MENU_CHANGED`, each with all lines concerned.
pub(super) fn price(origin: OrderOrigin, request: &OrderRequest<'_>, menu: &MenuSnapshot) -> Result<PricedOrder> {
    let lines = price_lines(&request.lines, menu)?;
    if let Some(seen) = request.menu_version {
        check_terms(&request.lines, seen, menu)?;
    }
    Ok(PricedOrder {
        session_id: origin.session,
        is_session_named: request.session.is_some(),
        table_id: origin.table,
        device_id: origin.device,
        menu_version: menu.version,
        not_after: request.not_after,
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

/// Checks that no name or price has changed since the guest saw version `seen` of the menu.
fn check_terms(lines: &[OrderLine], seen: i64, menu: &MenuSnapshot) -> Result<()> {
    let changed: Vec<_> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| {
            let item = menu.item(line.menu_id).filter(|item| item.terms_version > seen)?;
            let MenuItemDetails { name, price, .. } = &item.details;
            Some(ChangedLine { index, menu_name: name.clone(), unit_price: price.get() })
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let data = ErrorData::MenuChanged { menu_version: menu.version, changed };
    Err(AppError { data: Some(data), ..ErrorCode::MenuChanged.into() })
}
