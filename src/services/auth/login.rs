//! Logins of tablets and users.

use crate::error::{AppError, ErrorCode, Result};
use crate::models::{
    Actor, ActorKind, AttemptKey, AuditAction, DeviceId, NewAuditEntry, Role, SessionId, Store, StoreCode, StoreId,
    Table, TableId, User, Username,
};
use crate::repositories::{store, table, user};
use crate::request_context;
use crate::security::throttle::AttemptKeys;
use crate::security::token::{Audience, IssuedToken, Subject};
use crate::services::audit;
use chrono::{DateTime, TimeDelta, Utc};
use scoped_futures::ScopedFutureExt;
use std::net::IpAddr;

use super::AuthService;

/// The result of a tablet's login.
#[derive(Debug)]
pub struct TableLogin {
    /// The token.
    pub issued: IssuedToken,
    /// The store.
    pub store: Store,
    /// The table.
    pub table_id: TableId,
    /// The table's number.
    pub table_number: i32,
    /// The session that the tablet's orders belong to.
    pub session_id: SessionId,
    /// The device that the tablet is paired as.
    pub device_id: DeviceId,
}

/// The result of a user's login.
#[derive(Debug)]
pub struct AdminLogin {
    /// The token.
    pub issued: IssuedToken,
    /// The store.
    pub store: Store,
    /// The user's name.
    pub username: String,
    /// The user's role.
    pub role: Role,
}

impl AuthService {
    /// Logs a tablet in and pairs it. The token belongs to the table's unfinished session; the first login opens one.
    ///
    /// # Errors
    /// `AUTH_FAILED`, whichever part was wrong; `TOO_MANY_REQUESTS` after too many failures.
    pub async fn login_table(
        &self,
        store_code: &str,
        table_number: i64,
        password: String,
        address: IpAddr,
    ) -> Result<TableLogin> {
        let key = AttemptKeys::new(AttemptKey::of_table(store_code, table_number), address);
        self.throttle.check_cached(&key)?;
        let (store, table) = self.find_table(store_code, table_number).await?;
        let hash = table.as_ref().map(|table| table.password_hash.clone());
        let matches = self.is_password(key, store.as_ref().map(|store| store.id), password, hash).await?;
        let (Some(store), Some(table)) = (store, table) else { return Err(ErrorCode::AuthFailed.into()) };
        request_context::set_store(store.id);
        let by = Actor {
            kind: ActorKind::Table,
            id: Some(table.id.0),
            name: table.table_number.to_string(),
            address: Some(address),
        };
        if !matches {
            self.record_later(store.id, by, NewAuditEntry::new(AuditAction::TableLoginFailed, table.id.0));
            return Err(ErrorCode::AuthFailed.into());
        }
        let session_id = self.sessions.open(store.id, table.id).await?.ok_or(ErrorCode::AuthFailed)?;
        let expires_at = self.table_token_end()?;
        let device = self.devices.pair(store.id, &table, &by, expires_at).await?.ok_or(ErrorCode::AuthFailed)?;
        self.issue_table_token(store, &table, device, session_id, expires_at)
    }

    /// Whether `hash` is the hash of `password`, of an account of `store`. After too many failures the password is not
    /// checked. The caller checks the cached lockouts first, before its own queries.
    pub(super) async fn is_password(
        &self,
        key: AttemptKeys,
        store: Option<StoreId>,
        password: String,
        hash: Option<String>,
    ) -> Result<bool> {
        let permit = self.passwords.acquire_permit(store)?;
        let (throttle, passwords) = (self.throttle.clone(), self.passwords.clone());
        // In its own task: an attempt counts even if the client disconnects before the response.
        let attempt = tokio::spawn(async move {
            let attempt = throttle.begin_attempt(key).await?;
            let matches = passwords.verify(permit, password, hash).await?;
            if matches {
                attempt.succeeded().await?;
            } else {
                attempt.failed().await?;
            }
            Ok(matches)
        });
        attempt.await.map_err(AppError::internal)?
    }

    /// Records a failed login after its response: the response must not take longer for a user that exists.
    fn record_later(&self, store: StoreId, by: Actor, entry: NewAuditEntry) {
        let this = self.clone();
        tokio::spawn(async move {
            let (by, entry, now) = (&by, &entry, this.clock.now());
            let recorded = this.database.transaction(store, |tx| {
                async move { audit::record_unflushed(tx, store, by, entry, now).await }.scope_boxed()
            });
            if let Err(error) = recorded.await {
                tracing::warn!(%error, "could not record a failed login");
            }
        });
    }

    async fn record(&self, store: StoreId, by: &Actor, entry: &NewAuditEntry) -> Result<()> {
        let now = self.clock.now();
        let recorded = self
            .database
            .transaction(store, |tx| async move { audit::record(tx, store, by, entry, now).await }.scope_boxed());
        recorded.await
    }

    /// When a table token issued now expires.
    pub(super) fn table_token_end(&self) -> Result<DateTime<Utc>> {
        Ok(self.clock.now() + TimeDelta::from_std(self.table_lifetime).map_err(AppError::internal)?)
    }

    pub(super) fn issue_table_token(
        &self,
        store: Store,
        table: &Table,
        device: DeviceId,
        session_id: SessionId,
        expires_at: DateTime<Utc>,
    ) -> Result<TableLogin> {
        let subject = Subject {
            audience: Audience::Table,
            id: table.id.0,
            store: store.id,
            session: Some(session_id),
            device: Some(device),
            version: table.token_version,
        };
        let issued = self.tokens.issue_until(subject, expires_at)?;
        let Table { id: table_id, table_number, .. } = *table;
        Ok(TableLogin { issued, store, table_id, table_number, session_id, device_id: device })
    }

    /// Logs a user in.
    ///
    /// # Errors
    /// `AUTH_FAILED`, whichever part was wrong; `TOO_MANY_REQUESTS` after too many failures.
    pub async fn login_admin(
        &self,
        store_code: &str,
        username: &str,
        password: String,
        address: IpAddr,
    ) -> Result<AdminLogin> {
        let key = AttemptKeys::new(AttemptKey::of_user(store_code, username), address);
        self.throttle.check_cached(&key)?;
        let (store, user) = self.find_user(store_code, username).await?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let matches = self.is_password(key, store.as_ref().map(|store| store.id), password, hash).await?;
        let (Some(store), Some(user)) = (store, user) else { return Err(ErrorCode::AuthFailed.into()) };
        request_context::set_store(store.id);
        let by =
            Actor { kind: ActorKind::User, id: Some(user.id.0), name: user.username.clone(), address: Some(address) };
        if !matches {
            self.record_later(store.id, by, NewAuditEntry::new(AuditAction::UserLoginFailed, user.id.0));
            return Err(ErrorCode::AuthFailed.into());
        }
        self.record(store.id, &by, &NewAuditEntry::new(AuditAction::UserLogin, user.id.0)).await?;
        let issued = self.tokens.issue(
            Subject {
                audience: Audience::Admin,
                id: user.id.0,
                store: store.id,
                session: None,
                device: None,
                version: user.token_version,
            },
            self.admin_lifetime,
        )?;
        Ok(AdminLogin { issued, store, username: user.username, role: user.role })
    }

    /// Finds the store and the table of a login. The same two statements are sent in every case, so that the response time does not
    /// reveal which part was wrong.
    async fn find_table(&self, store_code: &str, table_number: i64) -> Result<(Option<Store>, Option<Table>)> {
        let (code, number) = (StoreCode::parse(store_code), i32::try_from(table_number).ok());
        let code = code.as_ref();
        let found = self.database.read(|conn| {
            async move {
                let store = store::find_by_code(conn, code).await?;
                let table = table::find_by_number(conn, store.as_ref().map(|store| store.id), number).await?;
                Ok((store, table))
            }
            .scope_boxed()
        });
        found.await
    }

    /// Finds the store and the user of a login, in the same way.
    async fn find_user(&self, store_code: &str, username: &str) -> Result<(Option<Store>, Option<User>)> {
        let (code, username) = (StoreCode::parse(store_code), Username::parse(username));
        let (code, username) = (code.as_ref(), username.as_ref());
        let found = self.database.read(|conn| {
            async move {
                let store = store::find_by_code(conn, code).await?;
                let user = user::find_by_username(conn, store.as_ref().map(|store| store.id), username).await?;
                Ok((store, user))
            }
            .scope_boxed()
        });
        found.await
    }
}
