//! Tables, and the dashboard that shows them.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::clock::Clock;
use crate::database::{Database, retrying};
use crate::error::{AppError, ErrorCode, Result};
use crate::events::{Hub, Scope, record};
use crate::models::{
    Actor, AuditAction, DashboardTable, FailureKey, Money, NewAuditEntry, NewEvent, SessionId, StoreId, Table, TableId,
};
use crate::repositories::{event, order, session, table};
use crate::security::access::TokenAccess;
use crate::security::password::Passwords;
use crate::security::throttle::LoginThrottle;
use crate::services::{StoreService, audit};

/// Tables. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TableService {
    database: Database,
    hub: Hub,
    access: TokenAccess,
    passwords: Passwords,
    throttle: LoginThrottle,
    stores: StoreService,
    clock: Clock,
}

/// What to change of a table; `None` leaves it as it is.
#[derive(Debug, Default)]
pub struct TableChange {
    /// The number on the table.
    pub table_number: Option<i32>,
    /// The tablet's password.
    pub password: Option<String>,
}

/// A stay that was completed.
#[derive(Debug)]
pub struct CompletedStay {
    /// The session.
    pub session_id: SessionId,
    /// How many orders it had.
    pub order_count: i64,
    /// Their sum.
    pub total_amount: Money,
    /// When it ended.
    pub completed_at: DateTime<Utc>,
}

/// The dashboard at one moment.
#[derive(Debug)]
pub struct Dashboard {
    /// The stream position it is true at: subscribing from there tells every later event once.
    pub event_id: String,
    /// The tables, by number.
    pub tables: Vec<DashboardTable>,
}

impl TableService {
    /// Tables kept in `database`.
    #[must_use]
    pub fn new(
        database: Database,
        hub: Hub,
        access: TokenAccess,
        passwords: Passwords,
        throttle: LoginThrottle,
        stores: StoreService,
        clock: Clock,
    ) -> Self {
        Self { database, hub, access, passwords, throttle, stores, clock }
    }

    /// The dashboard.
    ///
    /// # Errors
    /// Of the database.
    pub async fn dashboard(&self, store: StoreId) -> Result<Dashboard> {
        let mut connection = self.database.acquire().await?;
        let (event_seq, tables) = table::dashboard(connection.conn(), store).await?;
        connection.done();
        let event_id = self.hub.cursor(store, Scope::Staff, event_seq).to_string();
        Ok(Dashboard { event_id, tables })
    }

    /// Every table, by number.
    ///
    /// # Errors
    /// Of the database.
    pub async fn list(&self, store: StoreId) -> Result<Vec<Table>> {
        table::list(self.database.acquire().await?.conn(), store).await
    }

    /// The table.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: TableId) -> Result<Table> {
        let table = table::find(self.database.acquire().await?.conn(), store, id).await?;
        table.ok_or_else(|| ErrorCode::TableNotFound.into())
    }

    /// Adds a table.
    ///
    /// # Errors
    /// `DUPLICATE` for a number that is taken.
    pub async fn create(&self, store: StoreId, by: &Actor, table_number: i32, password: String) -> Result<TableId> {
        let hash = self.passwords.hash(password).await?;
        let now = self.clock.now();
        let mut tx = self.database.begin().await?;
        let id = table::insert(tx.conn(), store, table_number, &hash, now).await?;
        let entry = NewAuditEntry::new(AuditAction::TableCreated, id.0).after(json!({"table_number": table_number}));
        audit::record(&mut tx, store, by, &entry, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Changes a table's number or password. With a new password its old tokens stop counting.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`, `DUPLICATE` for a number that is taken.
    pub async fn update(&self, store: StoreId, by: &Actor, id: TableId, change: TableChange) -> Result<Table> {
        let hash = match change.password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let (table, access_version) =
            retrying(|| self.try_update(store, by, id, change.table_number, hash.as_deref())).await?;
        if let Some(access_version) = access_version {
            self.access.revoked(store, access_version).await;
            // What was guessed of the old password no longer keeps the tablet waiting.
            if let Ok(store) = self.stores.get(store).await {
                let key = FailureKey::of_table(&store.code, table.table_number.into());
                self.throttle.end_pauses(&[key]).await;
            }
        }
        Ok(table)
    }

    /// The changed table and, with a new password, the store's new access version.
    async fn try_update(
        &self,
        store: StoreId,
        by: &Actor,
        id: TableId,
        table_number: Option<i32>,
        password_hash: Option<&str>,
    ) -> Result<(Table, Option<i64>)> {
        let mut tx = self.database.begin().await?;
        let mut table = table::lock(tx.conn(), store, id).await?;
        let entry = NewAuditEntry::new(AuditAction::TableUpdated, id.0).before(&table);
        table.table_number = table_number.unwrap_or(table.table_number);
        if let Some(hash) = password_hash {
            hash.clone_into(&mut table.password_hash);
            table.token_version += 1;
        }
        table::update(tx.conn(), store, &table).await?;
        let after = json!({"table_number": table.table_number, "has_new_password": password_hash.is_some()});
        audit::record(&mut tx, store, by, &entry.after(after), self.clock.now()).await?;
        let access_version =
            if password_hash.is_some() { Some(event::raise_access_version(tx.conn(), store).await?) } else { None };
        tx.commit().await?;
        Ok((table, access_version))
    }

    /// Deletes a table where no stay goes on. Its tokens stop counting, its past orders stay.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`, `TABLE_HAS_ACTIVE_SESSION`.
    pub async fn delete(&self, store: StoreId, by: &Actor, id: TableId) -> Result<()> {
        // Each round can only be lost to a login that makes a session at this very moment.
        const ROUNDS: usize = 10;
        for _ in 0..ROUNDS {
            if let Some(access_version) = retrying(|| self.try_delete(store, by, id)).await? {
                self.access.revoked(store, access_version).await;
                return Ok(());
            }
        }
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the table's session keeps changing"))
    }

    /// Locks the session before the table, as an order does: the other way round, the two could wait for each
    /// other. `None` when a session was made in between.
    async fn try_delete(&self, store: StoreId, by: &Actor, id: TableId) -> Result<Option<i64>> {
        let mut tx = self.database.begin().await?;
        let unfinished = session::lock_unfinished(tx.conn(), store, id).await?;
        let table = table::lock(tx.conn(), store, id).await?;
        if session::find_unfinished(tx.conn(), store, id).await? != unfinished.map(|(session, _)| session) {
            return Ok(None);
        }
        match unfinished {
            Some((_, true)) => return Err(ErrorCode::TableHasActiveSession.into()),
            Some((unstarted, false)) => session::remove_unstarted(tx.conn(), store, unstarted).await?,
            None => {}
        }
        let now = self.clock.now();
        table::delete(tx.conn(), store, id, now).await?;
        let entry = NewAuditEntry::new(AuditAction::TableDeleted, id.0).before(&table);
        audit::record(&mut tx, store, by, &entry, now).await?;
        let access_version = event::raise_access_version(tx.conn(), store).await?;
        tx.commit().await?;
        Ok(Some(access_version))
    }

    /// 이용 완료: ends the table's stay. Whatever was ordered before is on its bill, whatever comes after is
    /// refused.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`, `SESSION_NOT_FOUND` if no stay has started.
    pub async fn complete(&self, store: StoreId, by: &Actor, table: TableId) -> Result<CompletedStay> {
        retrying(|| self.try_complete(store, by, table)).await
    }

    async fn try_complete(&self, store: StoreId, by: &Actor, table: TableId) -> Result<CompletedStay> {
        let mut tx = self.database.begin().await?;
        let table_number = table::find(tx.conn(), store, table).await?.ok_or(ErrorCode::TableNotFound)?.table_number;
        let Some((session_id, true)) = session::lock_unfinished(tx.conn(), store, table).await? else {
            return Err(ErrorCode::SessionNotFound.into());
        };
        let (order_count, total_amount) = order::sum_of_session(tx.conn(), store, session_id).await?;
        let completed_at = self.clock.now();
        session::complete(tx.conn(), store, session_id, completed_at).await?;
        let entry = NewAuditEntry::new(AuditAction::SessionCompleted, session_id.0).after(json!({
            "table_number": table_number,
            "order_count": order_count,
            "total_amount": total_amount.get(),
        }));
        audit::record(&mut tx, store, by, &entry, completed_at).await?;
        let event = NewEvent::session_completed(session_id, table);
        let recorded = record(&mut tx, store, event, completed_at).await?;
        tx.commit().await?;
        self.hub.publish(recorded);
        Ok(CompletedStay { session_id, order_count, total_amount, completed_at })
    }
}
