//! Changes of orders by users: status, cancellation, restoration.

use chrono::{DateTime, Utc};
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::OrderService;
use crate::database::Connection;
use crate::error::{AppError, ErrorCode, Result};
use crate::events::append;
use crate::models::{
    Actor, AuditAction, Cancellation, NewAuditEntry, NewEvent, Order, OrderId, OrderStatus, Session, StatusChange,
    StoreId,
};
use crate::repositories::{order, session};
use crate::services::audit;

impl OrderService {
    /// Cancels a live order: removes it from every list and total, and keeps it with the author, time and reason.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `SESSION_ENDED` if the order is not live.
    pub async fn cancel(&self, store: StoreId, by: &Actor, id: OrderId, reason: Option<&str>) -> Result<()> {
        let since = self.carried_over_since(store).await?;
        let cancelled = self.database.transaction(store, |tx| {
            async move {
                let LockedOrder { session, .. } = lock_live(tx, store, id, since).await?;
                let order = order::get(tx, store, id).await?;
                let now = self.clock.now();
                order::cancel(tx, store, id, Cancellation { by: &by.name, reason }, now).await?;
                let after = json!({"reason": reason, "is_after_completion": session.is_completed()});
                let entry = NewAuditEntry::new(AuditAction::OrderDeleted, id.0).before(&order).after(after);
                audit::record(tx, store, by, &entry, now).await?;
                append(tx, store, NewEvent::order_deleted(&order), now).await
            }
            .scope_boxed()
        });
        self.hub.publish(cancelled.await?);
        Ok(())
    }

    /// Restores a cancelled order of a running session, or one that was cancelled after its session's completion and would
    /// still be live. Does not change an order that is not cancelled.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `SESSION_ENDED`.
    pub async fn restore(&self, store: StoreId, by: &Actor, id: OrderId) -> Result<Order> {
        let since = self.carried_over_since(store).await?;
        let restored = self.database.transaction(store, |tx| {
            async move {
                let (session, _) = order::find_cancellation(tx, store, id).await?;
                let session = session::lock_shared(tx, store, session).await?;
                // Read after the lock, because a completion before it makes the bill final.
                let (_, cancelled_at) = order::find_cancellation(tx, store, id).await?;
                let now = self.clock.now();
                let was_cancelled = order::restore(tx, store, id, now).await?;
                let order = order::get(tx, store, id).await?;
                // The bill of a completed session is final: an order that was cancelled before is not added to it.
                if cancelled_at.is_some_and(|at| session.completed_at.is_some_and(|completed_at| at < completed_at)) {
                    return Err(ErrorCode::SessionEnded.into());
                }
                check_live(&session, order.status, since)?;
                if !was_cancelled {
                    return Ok((order, None));
                }
                let entry = NewAuditEntry::new(AuditAction::OrderRestored, id.0).after(&order);
                audit::record(tx, store, by, &entry, now).await?;
                let event = append(tx, store, NewEvent::order_restored(&order), now).await?;
                Ok((order, Some(event)))
            }
            .scope_boxed()
        });
        let (order, event) = restored.await?;
        if let Some(event) = event {
            self.hub.publish(event);
        }
        Ok(order)
    }

    /// Changes the status of a live order.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `SESSION_ENDED` if the order is not live, `INVALID_STATUS_TRANSITION`.
    pub async fn set_status(&self, store: StoreId, id: OrderId, to: OrderStatus) -> Result<Order> {
        let since = self.carried_over_since(store).await?;
        let updated = self.database.transaction(store, |tx| {
            async move {
                let LockedOrder { status: from, .. } = lock_live(tx, store, id, since).await?;
                let change = from
                    .change_to(to)
                    .map_err(|invalid| AppError::caused_by(ErrorCode::InvalidStatusTransition, invalid))?;
                if change == StatusChange::Unchanged {
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

/// A live order that other transactions cannot change.
struct LockedOrder {
    session: Session,
    status: OrderStatus,
}

/// Locks an order against other changes, and its session against completion and reopening. Live orders are the orders
/// of running sessions and the unfinished orders of sessions that were completed at `carried_over_since` or later.
///
/// # Errors
/// `ORDER_NOT_FOUND`, `SESSION_ENDED` if the order is not live.
async fn lock_live(
    tx: &mut Connection,
    store: StoreId,
    id: OrderId,
    carried_over_since: DateTime<Utc>,
) -> Result<LockedOrder> {
    let session = order::session_of(tx, store, id).await?;
    let session = session::lock_shared(tx, store, session).await?;
    let status = order::lock_status(tx, store, id).await?;
    check_live(&session, status, carried_over_since)?;
    Ok(LockedOrder { session, status })
}

/// Checks that an order of `session` with this status is live.
///
/// # Errors
/// `SESSION_ENDED`.
fn check_live(session: &Session, status: OrderStatus, carried_over_since: DateTime<Utc>) -> Result<()> {
    let is_carried_over = |completed_at| completed_at >= carried_over_since && status != OrderStatus::Completed;
    if session.completed_at.is_none_or(is_carried_over) { Ok(()) } else { Err(ErrorCode::SessionEnded.into()) }
}
