//! Logins, and what a token is worth.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::config::JwtConfig;
use crate::database::{Database, retrying};
use crate::error::{AppError, ErrorCode, Reason, Result};
use crate::events::StreamGuard;
use crate::models::{Role, SessionId, Store, StoreCode, StoreId, Table, TableId, User, UserId, Username};
use crate::repositories::user::PasswordChange;
use crate::repositories::{event, session, store, table, user};
use crate::security::access::TokenAccess;
use crate::security::identity::{AdminIdentity, TableIdentity};
use crate::security::password::Passwords;
use crate::security::token::{Audience, Claims, Subject, Tokens};
use crate::telemetry::request::note_store;

/// An id no store has.
const NO_STORE: StoreId = StoreId(0);

/// Logins, and what a token is worth. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AuthService {
    database: Database,
    passwords: Passwords,
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
    pub token: String,
    /// When that ends.
    pub expires_at: DateTime<Utc>,
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
    pub token: String,
    /// When that ends.
    pub expires_at: DateTime<Utc>,
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
    pub fn new(
        database: Database,
        access: TokenAccess,
        passwords: Passwords,
        tokens: Tokens,
        clock: Clock,
        config: &JwtConfig,
    ) -> Self {
        Self {
            access,
            database,
            passwords,
            tokens: Arc::new(tokens),
            clock,
            admin_lifetime: config.admin_lifetime,
            table_lifetime: config.table_lifetime,
        }
    }

    /// Logs a tablet in, on its table's unfinished session; makes one where there is none.
    ///
    /// # Errors
    /// `AUTH_FAILED`, whichever part was wrong.
    pub async fn login_table(&self, store_code: &str, table_number: i64, password: String) -> Result<TableLogin> {
        let found = self.find_table(store_code, table_number).await?;
        let hash = found.as_ref().map(|(_, table)| table.password_hash.clone());
        let matches = self.passwords.verify(password, hash).await?;
        let Some((store, table)) = found.filter(|_| matches) else {
            return Err(ErrorCode::AuthFailed.into());
        };
        note_store(store.id);
        self.seat(store, table).await
    }

    async fn seat(&self, store: Store, table: Table) -> Result<TableLogin> {
        let session_id = self.unfinished_session(store.id, table.id).await?;
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
        Ok(TableLogin {
            token: issued.token,
            expires_at: issued.expires_at,
            store,
            table_id: table.id,
            table_number: table.table_number,
            session_id,
        })
    }

    /// Logs a member of staff in.
    ///
    /// # Errors
    /// `AUTH_FAILED`, whichever part was wrong.
    pub async fn login_admin(&self, store_code: &str, username: &str, password: String) -> Result<AdminLogin> {
        let found = self.find_user(store_code, username).await?;
        let hash = found.as_ref().map(|(_, user)| user.password_hash.clone());
        let matches = self.passwords.verify(password, hash).await?;
        let Some((store, user)) = found.filter(|_| matches) else {
            return Err(ErrorCode::AuthFailed.into());
        };
        note_store(store.id);
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
        Ok(AdminLogin {
            token: issued.token,
            expires_at: issued.expires_at,
            store,
            username: user.username,
            role: user.role,
        })
    }

    /// Whose admin token this is.
    ///
    /// # Errors
    /// A 401 of the kind that fits.
    pub async fn admin_of(&self, token: &str) -> Result<AdminIdentity> {
        let claims = self.tokens.check(token, Audience::Admin)?;
        self.admin_behind(claims).await
    }

    async fn admin_behind(&self, claims: Claims) -> Result<AdminIdentity> {
        let (username, role) = self.access.of_admin(&claims).await?;
        Ok(AdminIdentity { store_id: claims.store, user_id: UserId(claims.sub), username, role, claims })
    }

    /// A ticket for the store's event stream, for a client that cannot set headers.
    ///
    /// # Errors
    /// When signing fails, which it does not.
    pub fn ticket(&self, identity: &AdminIdentity) -> Result<String> {
        Ok(self.tokens.issue_ticket(&identity.claims)?.token)
    }

    /// Whose ticket this is.
    ///
    /// # Errors
    /// A 401 of the kind that fits.
    pub async fn admin_of_ticket(&self, ticket: &str) -> Result<AdminIdentity> {
        let claims = self.tokens.check(ticket, Audience::Stream)?.login_of_ticket();
        self.admin_behind(claims).await
    }

    /// Whose table token this is.
    ///
    /// # Errors
    /// A 401 of the kind that fits.
    pub async fn table_of(&self, token: &str) -> Result<TableIdentity> {
        let claims = self.tokens.check(token, Audience::Table)?;
        let session_id = claims.session.ok_or(ErrorCode::InvalidToken)?;
        self.access.of_table(&claims).await?;
        Ok(TableIdentity { store_id: claims.store, table_id: TableId(claims.sub), session_id, claims })
    }

    /// How long until this token expires.
    #[must_use]
    pub fn time_left(&self, claims: &Claims) -> Duration {
        (claims.expires_at() - self.clock.now()).to_std().unwrap_or_default()
    }

    /// Asks whether this token still counts, at this very moment.
    #[must_use]
    pub fn guard(&self, claims: Claims) -> StreamGuard {
        let access = self.access.clone();
        Box::new(move || {
            let (access, claims) = (access.clone(), claims.clone());
            Box::pin(async move { access.check_now(&claims).await.is_ok() })
        })
    }

    /// A fresh token on the table's current session, so that a paired tablet needs no stored password.
    ///
    /// # Errors
    /// `INVALID_TOKEN` when the table is gone.
    pub async fn renew_session(&self, identity: &TableIdentity) -> Result<TableLogin> {
        let mut connection = self.database.acquire().await?;
        let store = store::get(connection.conn(), identity.store_id).await?;
        let table = table::find(connection.conn(), store.id, identity.table_id).await?;
        drop(connection);
        let table = table.filter(|table| table.token_version == identity.claims.version);
        self.seat(store, table.ok_or(ErrorCode::InvalidToken)?).await
    }

    /// Whether the session a tablet orders for goes on.
    ///
    /// # Errors
    /// Of the database.
    pub async fn session_goes_on(&self, identity: &TableIdentity) -> Result<bool> {
        let mut connection = self.database.acquire().await?;
        let session = session::find(connection.conn(), identity.store_id, identity.session_id).await?;
        Ok(session.is_some_and(|session| session.completed_at.is_none()))
    }

    /// Whom this token belongs to, with the store.
    ///
    /// # Errors
    /// Of the database.
    pub async fn store_of(&self, identity: &AdminIdentity) -> Result<Store> {
        store::get(self.database.acquire().await?.conn(), identity.store_id).await
    }

    /// This token stops counting.
    ///
    /// # Errors
    /// Of the database.
    pub async fn logout(&self, identity: &AdminIdentity) -> Result<()> {
        let access_version = retrying(|| self.try_logout(identity)).await?;
        self.access.revoked(identity.store_id, access_version);
        Ok(())
    }

    async fn try_logout(&self, identity: &AdminIdentity) -> Result<i64> {
        let store = identity.store_id;
        let mut tx = self.database.begin().await?;
        user::forget_expired_tokens(tx.conn(), store, self.clock.now()).await?;
        user::revoke_token(tx.conn(), store, identity.claims.jti, identity.claims.expires_at()).await?;
        let access_version = event::raise_access_version(tx.conn(), store).await?;
        tx.commit().await?;
        Ok(access_version)
    }

    /// Changes the account's password. Its other tokens stop counting, the calling one stays.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a wrong current password: the login itself is fine, so this is no 401.
    pub async fn change_password(&self, identity: &AdminIdentity, current: String, new: String) -> Result<()> {
        let store = identity.store_id;
        let account = user::find(self.database.acquire().await?.conn(), store, identity.user_id).await?;
        let old = account.map(|account| account.password_hash).ok_or(ErrorCode::InvalidToken)?;
        let wrong = || AppError::invalid_field("current_password", Reason::WrongPassword);
        if !self.passwords.verify(current, Some(old.clone())).await? {
            return Err(wrong());
        }
        let hash = self.passwords.hash(new).await?;
        let change = PasswordChange { kept_token: Some(identity.claims.jti), replaces: Some(&old) };
        let changed = retrying(|| self.try_set_password(identity, &hash, change)).await?;
        // Where somebody reset it meanwhile, what was the current password no longer is.
        let access_version = changed.ok_or_else(wrong)?;
        self.access.revoked(store, access_version);
        Ok(())
    }

    /// The store's new access version; `None` when the account no longer has the password this one replaces.
    async fn try_set_password(
        &self,
        identity: &AdminIdentity,
        hash: &str,
        change: PasswordChange<'_>,
    ) -> Result<Option<i64>> {
        let store = identity.store_id;
        let mut tx = self.database.begin().await?;
        if !user::set_password(tx.conn(), store, identity.user_id, hash, change).await? {
            return Ok(None);
        }
        let access_version = event::raise_access_version(tx.conn(), store).await?;
        tx.commit().await?;
        Ok(Some(access_version))
    }

    async fn find_table(&self, store_code: &str, table_number: i64) -> Result<Option<(Store, Table)>> {
        // The same two statements whatever is wrong, so that time does not tell what.
        let code = StoreCode::parse(store_code).unwrap_or_default();
        let number = i32::try_from(table_number).unwrap_or_default();
        let mut connection = self.database.acquire().await?;
        let store = store::find_by_code(connection.conn(), &code).await?;
        let id = store.as_ref().map_or(NO_STORE, |store| store.id);
        let table = table::find_by_number(connection.conn(), id, number).await?;
        Ok(store.zip(table))
    }

    async fn find_user(&self, store_code: &str, username: &str) -> Result<Option<(Store, User)>> {
        let code = StoreCode::parse(store_code).unwrap_or_default();
        let username = Username::parse(username).unwrap_or_default();
        let mut connection = self.database.acquire().await?;
        let store = store::find_by_code(connection.conn(), &code).await?;
        let id = store.as_ref().map_or(NO_STORE, |store| store.id);
        let user = user::find_by_username(connection.conn(), id, username.as_str()).await?;
        Ok(store.zip(user))
    }

    /// The table's unfinished session, whoever makes it first.
    async fn unfinished_session(&self, store: StoreId, table: TableId) -> Result<SessionId> {
        // Each round can only be lost to a login or a completion that happened meanwhile.
        const ROUNDS: usize = 10;
        let mut connection = self.database.acquire().await?;
        for _ in 0..ROUNDS {
            if let Some(session) = session::find_unfinished(connection.conn(), store, table).await? {
                return Ok(session);
            }
            let made = session::insert_unfinished(connection.conn(), store, table, self.clock.now()).await?;
            if let Some(session) = made {
                return Ok(session);
            }
        }
        Err(AppError::caused_by(ErrorCode::ServiceUnavailable, "the table's session keeps changing"))
    }
}
