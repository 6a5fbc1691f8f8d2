//! Sessions: a party's stay at a table. This module opens, locks and completes them; only a session's start, with its
//! first order, is part of the statement that stores the order.

use scoped_futures::ScopedFutureExt;
use serde_json::json;

use crate::clock::Clock;
use crate::database::{Connection, Database};
use crate::error::{AppError, ErrorCode, Result};
use crate::events::{Hub, append};
use crate::models::{
    Actor, AuditAction, CompletedSession, NewAuditEntry, NewEvent, Session, SessionId, StoreId, Table, TableId,
};
use crate::repositories::{order, session, table};
use crate::services::audit;

/// Sessions.
#[derive(Debug, Clone)]
pub struct SessionService {
    database: Database,
    hub: Hub,
    clock: Clock,
}

impl SessionService {
    /// Sessions stored in `database`, whose ends are published to `hub`.
    #[must_use]
    pub fn new(database: Database, hub: Hub, clock: Clock) -> Self {
        Self { database, hub, clock }
    }

    /// The table's unfinished session; opens one where there is none. `None` if the table was deleted.
    pub async fn open(&self, store: StoreId, table: TableId) -> Result<Option<SessionId>> {
        // Each attempt can only lose to a login or a completion that happens at the same moment.
        const ATTEMPTS: usize = 10;
        for _ in 0..ATTEMPTS {
            let found = self.database.read(|conn| session::find_unfinished(conn, store, table).scope_boxed()).await?;
            if let Some(found) = found {
                return Ok(Some(found.id));
            }
            let now = self.clock.now();
            let inserted = self.database.transaction(store, |tx| {
                async move {
                    // Locked against being deleted, so that no session is opened at a table that is gone.
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
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the table's session keeps changing"))
    }

    /// Whether the session exists and has not been completed.
    pub async fn is_running(&self, store: StoreId, session: SessionId) -> Result<bool> {
        let found = self.database.read(|conn| session::find(conn, store, session).scope_boxed()).await?;
        Ok(found.is_some_and(|session| !session.is_completed()))
    }

    /// 이용 완료: completes the table's session. Every order placed before is on its bill, every later one is refused.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`, `SESSION_NOT_FOUND` if no session has started.
    pub async fn complete(&self, store: StoreId, by: &Actor, table: TableId) -> Result<CompletedSession> {
        let completed = self.database.transaction(store, |tx| {
            async move {
                let number = table::find(tx, store, table).await?.ok_or(ErrorCode::TableNotFound)?.table_number;
                let session = session::lock_unfinished(tx, store, table).await?.filter(Session::has_started);
                let id = session.ok_or(ErrorCode::SessionNotFound)?.id;
                let (order_count, total_amount) = order::sum_of_session(tx, store, id).await?;
                let completed_at = self.clock.now();
                session::complete(tx, store, id, completed_at).await?;
                let entry = NewAuditEntry::new(AuditAction::SessionCompleted, id.0).after(json!({
                    "table_number": number,
                    "order_count": order_count,
                    "total_amount": total_amount.get(),
                }));
                audit::record(tx, store, by, &entry, completed_at).await?;
                let event = append(tx, store, NewEvent::session_completed(id, table), completed_at).await?;
                Ok((CompletedSession { id, order_count, total_amount, completed_at }, event))
            }
            .scope_boxed()
        });
        let (session, event) = completed.await?;
        self.hub.publish(event);
        Ok(session)
    }
}

/// Locks a session against being completed.
///
/// # Errors
/// `SESSION_ENDED` if it was, `SESSION_NOT_FOUND`.
pub(super) async fn lock_running(tx: &mut Connection, store: StoreId, session: SessionId) -> Result<Session> {
    let session = session::lock_shared(tx, store, session).await?;
    if session.is_completed() { Err(ErrorCode::SessionEnded.into()) } else { Ok(session) }
}

/// Locks a table whose session has not started, and removes that session. `None` where a session was opened meanwhile:
/// then nothing is locked that orders need, and the caller tries again.
///
/// # Errors
/// `TABLE_NOT_FOUND`, `TABLE_HAS_ACTIVE_SESSION`.
pub(super) async fn vacate_table(tx: &mut Connection, store: StoreId, id: TableId) -> Result<Option<Table>> {
    // The session before the table, as an order locks them.
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
