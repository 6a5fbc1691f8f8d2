//! Logins, and whom a token belongs to.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use scoped_futures::ScopedFutureExt;

use crate::clock::Clock;
use crate::config::JwtConfig;
use crate::database::Database;
use crate::error::{AppError, ErrorCode, Reason, Result};
use crate::models::{
    Actor, ActorKind, AuditAction, FailureKey, NewAuditEntry, Role, SessionId, Store, StoreCode, StoreId, Table,
    TableId, User, UserId, Username,
};
use crate::repositories::user::PasswordChange;
use crate::repositories::{event, store, table, user};
use crate::request_context;
use crate::security::access::TokenAccess;
use crate::security::identity::{AdminIdentity, TableIdentity};
use crate::security::password::Passwords;
use crate::security::throttle::{LoginAttemptKey, LoginThrottle};
use crate::security::token::{Audience, Claims, IssuedToken, Subject, Tokens};
use crate::services::{SessionService, audit};

/// Logins, and whom a token belongs to.
#[derive(Debug, Clone)]
pub struct AuthService {
    database: Database,
    sessions: SessionService,
    passwords: Passwords,
    throttle: LoginThrottle,
    tokens: Arc<Tokens>,
    access: TokenAccess,
    clock: Clock,
    admin_lifetime: Duration,
    table_lifetime: Duration,
}

/// A tablet that logged in.
#[derive(Debug)]
pub struct TableLogin {
    /// Its token.
    pub issued: IssuedToken,
    /// The store.
    pub store: Store,
    /// The table.
    pub table_id: TableId,
    /// The table's number.
    pub table_number: i32,
    /// The session it orders for.
    pub session_id: SessionId,
}

/// A member of staff who logged in.
#[derive(Debug)]
pub struct AdminLogin {
    /// Their token.
    pub issued: IssuedToken,
    /// The store.
    pub store: Store,
    /// The account's name.
    pub username: String,
    /// What it may do.
    pub role: Role,
}

impl AuthService {
    /// Logins against `database`, with tokens signed by `tokens`.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "wired once, each a part of a login")]
    pub fn new(
        database: Database,
        sessions: SessionService,
        access: TokenAccess,
        passwords: Passwords,
        throttle: LoginThrottle,
        tokens: Tokens,
        clock: Clock,
        config: &JwtConfig,
    ) -> Self {
        Self {
            access,
            database,
            sessions,
            passwords,
            throttle,
            tokens: Arc::new(tokens),
            clock,
            admin_lifetime: config.admin_lifetime,
            table_lifetime: config.table_lifetime,
        }
    }

    /// Logs a tablet in, on its table's unfinished session; makes one where there is none.
    ///
    /// # Errors
    /// `AUTH_FAILED`, whichever part was wrong; `TOO_MANY_REQUESTS` after too many of these.
    pub async fn login_table(
        &self,
        store_code: &str,
        table_number: i64,
        password: String,
        address: IpAddr,
    ) -> Result<TableLogin> {
        let key = LoginAttemptKey::new(FailureKey::of_table(store_code, table_number), address);
        let found = self.find_table(store_code, table_number).await?;
        let hash = found.as_ref().map(|(_, table)| table.password_hash.clone());
        let matches = self.is_password(key, password, hash).await?;
        let Some((store, table)) = found else { return Err(ErrorCode::AuthFailed.into()) };
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
        let entry = NewAuditEntry::new(AuditAction::TableLogin, table.id.0);
        let login = self.issue_table_token(store, table, ErrorCode::AuthFailed).await?;
        self.record(login.store.id, &by, &entry).await?;
        Ok(login)
    }

    /// Whether this is the password `hash` was made of. After too many failures it is not even tried.
    async fn is_password(&self, key: LoginAttemptKey, password: String, hash: Option<String>) -> Result<bool> {
        self.throttle.check_cached(&key)?;
        let place = self.passwords.enter_queue()?;
        let (throttle, passwords) = (self.throttle.clone(), self.passwords.clone());
        // In a task of its own: an attempt counts even if the client hangs up before the answer.
        let tried = tokio::spawn(async move {
            let attempt = throttle.begin_attempt(key).await?;
            let matches = passwords.verify(place, password, hash).await?;
            if matches {
                attempt.succeeded().await?;
            } else {
                attempt.failed().await?;
            }
            Ok(matches)
        });
        tried.await.map_err(AppError::internal)?
    }

    /// Records a failed login after its answer: the answer must not take longer for an account that exists.
    fn record_later(&self, store: StoreId, by: Actor, entry: NewAuditEntry) {
        let this = self.clone();
        tokio::spawn(async move {
            let (by, entry, now) = (&by, &entry, this.clock.now());
            let recorded = this.database.transaction(store, |tx| {
                async move { audit::record_unflushed(tx, store, by, entry, now).await }.scope_boxed()
            });
            if let Err(error) = recorded.await {
                tracing::warn!(%error, "a failed login could not be recorded");
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

    /// A token for the table's unfinished session. Where the table was deleted meanwhile, fails with `deleted`.
    async fn issue_table_token(&self, store: Store, table: Table, deleted: ErrorCode) -> Result<TableLogin> {
        let session_id = self.sessions.open(store.id, table.id).await?.ok_or(deleted)?;
        let issued = self.tokens.issue(
            Subject {
                audience: Audience::Table,
                id: table.id.0,
                store: store.id,
                session: Some(session_id),
                version: table.token_version,
            },
            self.table_lifetime,
        )?;
        Ok(TableLogin { issued, store, table_id: table.id, table_number: table.table_number, session_id })
    }

    /// Logs a member of staff in.
    ///
    /// # Errors
    /// `AUTH_FAILED`, whichever part was wrong; `TOO_MANY_REQUESTS` after too many of these.
    pub async fn login_admin(
        &self,
        store_code: &str,
        username: &str,
        password: String,
        address: IpAddr,
    ) -> Result<AdminLogin> {
        let key = LoginAttemptKey::new(FailureKey::of_user(store_code, username), address);
        let found = self.find_user(store_code, username).await?;
        let hash = found.as_ref().map(|(_, user)| user.password_hash.clone());
        let matches = self.is_password(key, password, hash).await?;
        let Some((store, user)) = found else { return Err(ErrorCode::AuthFailed.into()) };
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
                version: user.token_version,
            },
            self.admin_lifetime,
        )?;
        Ok(AdminLogin { issued, store, username: user.username, role: user.role })
    }

    /// Whose admin token this is.
    ///
    /// # Errors
    /// A 401 of the kind that fits.
    pub async fn admin_of(&self, token: &[u8]) -> Result<AdminIdentity> {
        let claims = self.tokens.check(token, Audience::Admin)?;
        self.admin_behind(claims).await
    }

    async fn admin_behind(&self, claims: Claims) -> Result<AdminIdentity> {
        let (username, role) = self.access.of_admin(&claims).await?;
        let user_id = UserId(claims.sub);
        Ok(AdminIdentity { store_id: claims.store, user_id, username, role, claims, address: None })
    }

    /// A ticket for the store's event stream, for a client that cannot set headers.
    pub fn ticket(&self, identity: &AdminIdentity) -> Result<String> {
        Ok(self.tokens.issue_ticket(&identity.claims)?.token)
    }

    /// Whose ticket this is.
    ///
    /// # Errors
    /// A 401 of the kind that fits.
    pub async fn admin_of_ticket(&self, ticket: &str) -> Result<AdminIdentity> {
        let claims = self.tokens.check(ticket.as_bytes(), Audience::Stream)?.login_of_ticket();
        self.admin_behind(claims).await
    }

    /// Whose table token this is.
    ///
    /// # Errors
    /// A 401 of the kind that fits.
    pub async fn table_of(&self, token: &[u8]) -> Result<TableIdentity> {
        let claims = self.tokens.check(token, Audience::Table)?;
        let session_id = claims.session.ok_or(ErrorCode::InvalidToken)?;
        let versions = self.access.of_table(&claims).await?;
        Ok(TableIdentity { store_id: claims.store, versions, table_id: TableId(claims.sub), session_id, claims })
    }

    /// A fresh token on the table's current session, so that a paired tablet needs no stored password.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when the table is gone.
    pub async fn renew_session(&self, identity: &TableIdentity) -> Result<TableLogin> {
        let found = self.database.read(|conn| {
            async move {
                let store = store::get(conn, identity.store_id).await?;
                Ok((store, table::find(conn, identity.store_id, identity.table_id).await?))
            }
            .scope_boxed()
        });
        let (store, table) = found.await?;
        let table = table.filter(|table| table.token_version == identity.claims.version);
        self.issue_table_token(store, table.ok_or(ErrorCode::InvalidToken)?, ErrorCode::InvalidToken).await
    }

    /// The store of an account that is logged in.
    pub async fn store_of(&self, identity: &AdminIdentity) -> Result<Store> {
        self.database.read(|conn| store::get(conn, identity.store_id).scope_boxed()).await
    }

    /// Revokes this token.
    pub async fn logout(&self, identity: &AdminIdentity) -> Result<()> {
        let store = identity.store_id;
        let revoked = self.database.transaction(store, |tx| {
            async move {
                let now = self.clock.now();
                user::forget_expired_tokens(tx, store, now).await?;
                user::revoke_token(tx, store, identity.claims.jti, identity.claims.expires_at()).await?;
                let entry = NewAuditEntry::new(AuditAction::UserLogout, identity.user_id.0);
                audit::record(tx, store, &identity.actor(), &entry, now).await?;
                event::raise_access_version(tx, store).await
            }
            .scope_boxed()
        });
        self.access.revoked(store, revoked.await?);
        Ok(())
    }

    /// Changes the account's password. Its other tokens stop counting, the calling one stays.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a wrong current password: the login itself is fine, so this is no 401.
    /// `TOO_MANY_REQUESTS` after too many of these.
    pub async fn change_password(&self, identity: &AdminIdentity, current: String, new: String) -> Result<()> {
        let store = identity.store_id;
        let account = self.database.read(|conn| user::find(conn, store, identity.user_id).scope_boxed()).await?;
        let old = account.map(|account| account.password_hash).ok_or(ErrorCode::InvalidToken)?;
        let wrong = || AppError::invalid_field("current_password", Reason::WrongPassword);
        let address = identity.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let key = LoginAttemptKey::new(FailureKey::of_login(store, identity.user_id), address);
        if !self.is_password(key, current, Some(old.clone())).await? {
            return Err(wrong());
        }
        let hash = &self.passwords.hash(new).await?;
        let change = PasswordChange { kept_token: Some(identity.claims.jti), replaces: Some(&old) };
        let changed = self.database.transaction(store, |tx| {
            async move {
                if !user::set_password(tx, store, identity.user_id, hash, change).await? {
                    // It was reset meanwhile, so what was the current password no longer is.
                    return Err(wrong());
                }
                let entry = NewAuditEntry::new(AuditAction::UserPasswordChanged, identity.user_id.0);
                audit::record(tx, store, &identity.actor(), &entry, self.clock.now()).await?;
                event::raise_access_version(tx, store).await
            }
            .scope_boxed()
        });
        self.access.revoked(store, changed.await?);
        Ok(())
    }

    /// The table that a login names. Whatever is wrong, the same two statements are sent, so that the time reveals
    /// nothing.
    async fn find_table(&self, store_code: &str, table_number: i64) -> Result<Option<(Store, Table)>> {
        let (code, number) = (StoreCode::parse(store_code), i32::try_from(table_number).ok());
        let code = code.as_ref();
        let found = self.database.read(|conn| {
            async move {
                let store = store::find_by_code(conn, code).await?;
                let table = table::find_by_number(conn, store.as_ref().map(|store| store.id), number).await?;
                Ok(store.zip(table))
            }
            .scope_boxed()
        });
        found.await
    }

    /// The account that a login names, likewise.
    async fn find_user(&self, store_code: &str, username: &str) -> Result<Option<(Store, User)>> {
        let (code, username) = (StoreCode::parse(store_code), Username::parse(username));
        let (code, username) = (code.as_ref(), username.as_ref());
        let found = self.database.read(|conn| {
            async move {
                let store = store::find_by_code(conn, code).await?;
                let user = user::find_by_username(conn, store.as_ref().map(|store| store.id), username).await?;
                Ok(store.zip(user))
            }
            .scope_boxed()
        });
        found.await
    }
}
