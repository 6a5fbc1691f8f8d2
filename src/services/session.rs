//! Sessions: the time that one party spends at a table. This module opens, locks, completes and reopens them. Only the
//! start of a session, with its first order, is part of the statement that stores the order.

use scoped_futures::ScopedFutureExt;
use serde_json::json;

use crate::clock::Clock;
use crate::database::{Connection, Database};
use crate::error::{AppError, ErrorCode, ErrorData, Result};
use crate::events::{Hub, append};
use crate::models::{
    Actor, AuditAction, CompletedSession, IdempotencyKey, NewAuditEntry, NewEvent, ReopenedSession, Session, SessionId,
    StoreId, Table, TableId,
};
use crate::repositories::{event, order, session, table};
use crate::services::audit;
use crate::services::idempotency::{self, Claim, Replayable};

/// An attempt fails only if a login, a completion or a reopening happens at the same time.
const ATTEMPTS: usize = 10;

/// Opens, completes and reopens sessions.
#[derive(Debug, Clone)]
pub struct SessionService {
    database: Database,
    hub: Hub,
    clock: Clock,
}

impl SessionService {
    /// The service for `database`. Completions and reopenings are published to `hub`.
    #[must_use]
    pub fn new(database: Database, hub: Hub, clock: Clock) -> Self {
        Self { database, hub, clock }
    }

    /// The table's unfinished session. Opens one if the table has no unfinished session. `None` if the table was
    /// deleted.
    pub async fn open(&self, store: StoreId, table: TableId) -> Result<Option<SessionId>> {
        for _ in 0..ATTEMPTS {
            let found = self.database.read(|conn| session::find_unfinished(conn, store, table).scope_boxed()).await?;
            if let Some(found) = found {
                return Ok(Some(found.id));
            }
            let now = self.clock.now();
            let inserted = self.database.transaction(store, |tx| {
                async move {
                    // The lock prevents a deletion, so that no session is opened at a deleted table.
                    let table = table::lock_shared(tx, store, table).await?;
                    Ok(match table {
                        Some(table) => Some(session::insert_unfinished(tx, store, table.id, now).await?),
                        None => None,
                    })
                }
                .scope_boxed()
            });
            match inserted.await? {
                // Another login opened one first.
                Some(None) => {}
                Some(Some(session)) => return Ok(Some(session)),
                None => return Ok(None),
            }
        }
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the table's session changed during every attempt"))
    }

    /// Whether the session exists and has not been completed.
    pub async fn is_running(&self, store: StoreId, session: SessionId) -> Result<bool> {
        let found = self.database.read(|conn| session::find(conn, store, session).scope_boxed()).await?;
        Ok(found.is_some_and(|session| !session.is_completed()))
    }

    /// Whether the session is running, or was completed after the store's event `seq`.
    pub async fn runs_after(&self, store: StoreId, session: SessionId, seq: i64) -> Result<bool> {
        let runs = self.database.read(|conn| {
            async move {
                let found = session::find(conn, store, session).await?;
                let is_running = found.is_some_and(|session| !session.is_completed());
                Ok(is_running || event::is_session_completed_after(conn, store, session, seq).await?)
            }
            .scope_boxed()
        });
        runs.await
    }

    /// Completes the table's session (이용 완료). Its bill has every earlier order; every later order is refused.
    ///
    /// `expected` is the session to complete. If it is already completed, the first result is returned again: a
    /// repeated call never completes the next party's session. Neither does a retry with the same `key`.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`, `SESSION_NOT_FOUND` if no session has started, `SESSION_MISMATCH`, `IDEMPOTENCY_MISMATCH` if
    /// the key was used for another request.
    pub async fn complete(
        &self,
        store: StoreId,
        by: &Actor,
        table: TableId,
        expected: Option<SessionId>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Replayable<CompletedSession>> {
        let completed = self.database.transaction(store, |tx| {
            async move {
                let content = (AuditAction::SessionCompleted.as_str(), table, expected);
                let pending = match idempotency::claim(tx, store, by, key, &content, self.clock.now()).await? {
                    Claim::First(pending) => pending,
                    Claim::Replayed(result) => return Ok((Replayable { result, is_replayed: true }, None)),
                };
                let number = table::find(tx, store, table).await?.ok_or(ErrorCode::TableNotFound)?.table_number;
                let current = session::lock_unfinished(tx, store, table).await?;
                let current_id = current.as_ref().map(|session| session.id);
                if let Some(expected) = expected.filter(|expected| current_id != Some(*expected)) {
                    let completed = session::find_completed(tx, store, table, expected).await?;
                    let completed = completed.ok_or_else(|| mismatch(expected, current_id))?;
                    // A retry finds the same session, so the key need not be kept.
                    pending.discard(tx).await?;
                    return Ok((Replayable { result: completed, is_replayed: false }, None));
                }
                let id = current.filter(Session::has_started).ok_or(ErrorCode::SessionNotFound)?.id;
                // Read after the lock: an order that is not on the bill must have been cancelled before this time.
                let now = self.clock.now();
                let totals = order::totals(tx, store, id).await?;
                session::complete(tx, store, id, totals, now).await?;
                let entry = NewAuditEntry::new(AuditAction::SessionCompleted, id.0).after(json!({
                    "table_number": number,
                    "order_count": totals.order_count,
                    "total_amount": totals.total_amount.get(),
                    "unfinished_count": totals.unfinished_count,
                }));
                audit::record(tx, store, by, &entry, now).await?;
                let event = append(tx, store, NewEvent::session_completed(id, table), now).await?;
                let completed = CompletedSession { id, totals, completed_at: now };
                pending.store(tx, &completed).await?;
                Ok((Replayable { result: completed, is_replayed: false }, Some(event)))
            }
            .scope_boxed()
        });
        let (session, event) = completed.await?;
        if let Some(event) = event {
            self.hub.publish(event);
        }
        Ok(session)
    }

    /// Reopens a completed session, as long as no party has ordered at the table since. A newer session that has not
    /// started is removed; its tablet renews the token. A running session is not changed.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`, `TABLE_NOT_FOUND`, `TABLE_HAS_ACTIVE_SESSION` if the next party has ordered,
    /// `SESSION_ENDED` if the next party has already left.
    pub async fn reopen(&self, store: StoreId, by: &Actor, id: SessionId) -> Result<ReopenedSession> {
        for _ in 0..ATTEMPTS {
            let reopened = self.database.transaction(store, |tx| {
                async move {
                    // Locked before the table's newer session: sessions are locked in the order of their ids.
                    let session = session::lock(tx, store, id).await?;
                    let (table, event) = if session.is_completed() {
                        let Some(table) = vacate_table(tx, store, session.table_id).await? else { return Ok(None) };
                        if session::has_later(tx, store, &session).await? {
                            return Err(ErrorCode::SessionEnded.into());
                        }
                        session::reopen(tx, store, id).await?;
                        let now = self.clock.now();
                        let entry = NewAuditEntry::new(AuditAction::SessionReopened, id.0)
                            .before(json!({"completed_at": session.completed_at}))
                            .after(json!({"table_number": table.table_number}));
                        audit::record(tx, store, by, &entry, now).await?;
                        let event = NewEvent::session_reopened(id, table.id);
                        (table, Some(append(tx, store, event, now).await?))
                    } else {
                        let table = table::find(tx, store, session.table_id).await?;
                        (table.ok_or(ErrorCode::TableNotFound)?, None)
                    };
                    let totals = order::totals(tx, store, id).await?;
                    let Table { id: table_id, table_number, .. } = table;
                    Ok(Some((ReopenedSession { id, table_id, table_number, totals }, event)))
                }
                .scope_boxed()
            });
            if let Some((session, event)) = reopened.await? {
                if let Some(event) = event {
                    self.hub.publish(event);
                }
                return Ok(session);
            }
        }
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the table's session changed during every attempt"))
    }
}

/// The error of a request that names the session `expected` while the table or the token has the session `current`.
pub(super) fn mismatch(expected: SessionId, current: Option<SessionId>) -> AppError {
    let data = ErrorData::SessionMismatch { session_id: expected.0, current_session_id: current.map(|id| id.0) };
    AppError { data: Some(data), ..ErrorCode::SessionMismatch.into() }
}

/// Locks a table whose session has not started, and removes that session. `None` if another session was opened at the
/// same time: then no row is locked that orders need, and the caller tries again.
///
/// # Errors
/// `TABLE_NOT_FOUND`, `TABLE_HAS_ACTIVE_SESSION`.
pub(super) async fn vacate_table(tx: &mut Connection, store: StoreId, id: TableId) -> Result<Option<Table>> {
    // The session is locked before the table, as for an order.
    let unfinished = session::lock_unfinished(tx, store, id).await?;
    let table = table::lock(tx, store, id).await?;
    let current = session::find_unfinished(tx, store, id).await?;
    if current.as_ref().map(|session| session.id) != unfinished.as_ref().map(|session| session.id) {
        return Ok(None);
    }
    match unfinished {
        Some(session) if session.has_started() => return Err(ErrorCode::TableHasActiveSession.into()),
        Some(session) => session::remove_unstarted(tx, store, session.id).await?,
        None => {}
    }
    Ok(Some(table))
}
