//! Tables and the dashboard.

use scoped_futures::ScopedFutureExt;
use serde_json::json;

use crate::clock::Clock;
use crate::config::StoreLimits;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::events::{Hub, Scope};
use crate::models::{Actor, AttemptKey, AuditAction, DashboardTable, NewAuditEntry, StoreId, Table, TableId};
use crate::repositories::{event, order, table};
use crate::security::access::TokenChecker;
use crate::security::password::Passwords;
use crate::security::throttle::LoginThrottle;
use crate::services::limits::check_tables;
use crate::services::session::vacate_table;
use crate::services::{StoreService, audit};

/// Reads and changes tables, and reads the dashboard.
#[derive(Debug, Clone)]
pub struct TableService {
    database: Database,
    hub: Hub,
    access: TokenChecker,
    passwords: Passwords,
    throttle: LoginThrottle,
    stores: StoreService,
    limits: StoreLimits,
    clock: Clock,
}

/// A change of a table; `None` keeps the value.
#[derive(Debug, Default)]
pub struct TableChange {
    /// The number on the table.
    pub table_number: Option<i32>,
    /// The tablet's password.
    pub password: Option<String>,
}

/// The state of the dashboard.
#[derive(Debug)]
pub struct Dashboard {
    /// The cursor of this state: a stream that resumes from here delivers every later event exactly once.
    pub event_id: String,
    /// The tables, by number.
    pub tables: Vec<DashboardTable>,
}

impl TableService {
    /// The service for `database`.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "called once, in `AppState::new`")]
    pub fn new(
        database: Database,
        hub: Hub,
        access: TokenChecker,
        passwords: Passwords,
        throttle: LoginThrottle,
        stores: StoreService,
        limits: StoreLimits,
        clock: Clock,
    ) -> Self {
        Self { database, hub, access, passwords, throttle, stores, limits, clock }
    }

    /// The dashboard.
    pub async fn dashboard(&self, store: StoreId) -> Result<Dashboard> {
        let since = self.stores.get(store).await?.calendar.carried_over_since(self.clock.now());
        let dashboard = self.database.read(|conn| table::dashboard(conn, store, since).scope_boxed());
        let (event_seq, tables) = dashboard.await?;
        let event_id = self.hub.cursor(store, Scope::Staff, event_seq).to_string();
        Ok(Dashboard { event_id, tables })
    }

    /// Every table, by number.
    pub async fn list(&self, store: StoreId) -> Result<Vec<Table>> {
        self.database.read(|conn| table::list(conn, store).scope_boxed()).await
    }

    /// The table.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`.
    pub async fn get(&self, store: StoreId, id: TableId) -> Result<Table> {
        let table = self.database.read(|conn| table::find(conn, store, id).scope_boxed()).await?;
        table.ok_or_else(|| ErrorCode::TableNotFound.into())
    }

    /// Adds a table.
    ///
    /// # Errors
    /// `DUPLICATE` if the number is already used, `LIMIT_REACHED`.
    pub async fn create(&self, store: StoreId, by: &Actor, table_number: i32, password: String) -> Result<Table> {
        let hash = &self.passwords.hash(Some(store), password).await?;
        let created = self.database.transaction(store, |tx| {
            async move {
                let now = self.clock.now();
                let table = table::insert(tx, store, table_number, hash, now).await?;
                let entry = NewAuditEntry::new(AuditAction::TableCreated, table.id.0).after(&table);
                audit::record(tx, store, by, &entry, now).await?;
                check_tables(tx, store, self.limits).await?;
                Ok(table)
            }
            .scope_boxed()
        });
        created.await
    }

    /// Changes a table's number or password. A new password revokes the table's tokens.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`, `DUPLICATE` if the number is already used.
    pub async fn update(&self, store: StoreId, by: &Actor, id: TableId, change: TableChange) -> Result<Table> {
        let hash = match change.password {
            Some(password) => Some(self.passwords.hash(Some(store), password).await?),
            None => None,
        };
        let (hash, new_number) = (hash.as_deref(), change.table_number);
        let updated = self.database.transaction(store, |tx| {
            async move {
                let mut table = table::lock(tx, store, id).await?;
                let entry = NewAuditEntry::new(AuditAction::TableUpdated, id.0).before(&table);
                if let Some(number) = new_number.filter(|number| *number != table.table_number) {
                    order::store_table_number(tx, store, id, table.table_number).await?;
                    table.table_number = number;
                }
                if let Some(hash) = hash {
                    hash.clone_into(&mut table.password_hash);
                    table.token_version += 1;
                }
                table::update(tx, store, &table).await?;
                let after = json!({"table_number": table.table_number, "has_new_password": hash.is_some()});
                audit::record(tx, store, by, &entry.after(after), self.clock.now()).await?;
                let access_version =
                    if hash.is_some() { Some(event::raise_access_version(tx, store).await?) } else { None };
                Ok((table, access_version))
            }
            .scope_boxed()
        });
        let (table, access_version) = updated.await?;
        if let Some(access_version) = access_version {
            self.access.revoked(store, access_version);
            // Failures with the old password must not lock the tablet out.
            if let Ok(store) = self.stores.get(store).await {
                let key = AttemptKey::of_table(&store.code, table.table_number.into());
                self.throttle.clear_lockouts(&[key]).await;
            }
        }
        Ok(table)
    }

    /// Deletes a table without a started session. Its tokens are revoked, its past orders are kept.
    ///
    /// # Errors
    /// `TABLE_NOT_FOUND`, `TABLE_HAS_ACTIVE_SESSION`.
    pub async fn delete(&self, store: StoreId, by: &Actor, id: TableId) -> Result<()> {
        // An attempt fails only if a login opens a session at the same time.
        const ATTEMPTS: usize = 10;
        for _ in 0..ATTEMPTS {
            let deleted = self.database.transaction(store, |tx| {
                async move {
                    let Some(table) = vacate_table(tx, store, id).await? else { return Ok(None) };
                    let now = self.clock.now();
                    table::delete(tx, store, id, now).await?;
                    let entry = NewAuditEntry::new(AuditAction::TableDeleted, id.0).before(&table);
                    audit::record(tx, store, by, &entry, now).await?;
                    event::raise_access_version(tx, store).await.map(Some)
                }
                .scope_boxed()
            });
            if let Some(access_version) = deleted.await? {
                self.access.revoked(store, access_version);
                return Ok(());
            }
        }
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the table's session changed during every attempt"))
    }
}
